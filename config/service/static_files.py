"""Static files as the pages serve them, collected anew only when what they are made of changed."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

# Holds what the files beside it were made of; written last, so an interrupted collection leaves none.
MARK = ".made-of"


def collect() -> bool:
    """Collect into STATIC_ROOT. False: what stands there was made of the same files, and nothing was written.

    Collecting rewrites files in place. Another installation that shares the code serves them meanwhile, and would
    send half a file.
    """
    folder = Path(settings.STATIC_ROOT)
    with _alone_in(folder):
        made_of, mark = _fingerprint(), folder / MARK
        if mark.exists() and mark.read_text() == made_of:
            return False
        mark.unlink(missing_ok=True)
        call_command("collectstatic", interactive=False, verbosity=0)
        mark.write_text(made_of)
        return True


def _fingerprint() -> str:
    """One value for the names and contents of all source files, and for what turns them into served ones."""
    digest = hashlib.sha256(f"{django.__version__} {settings.STORAGES['staticfiles']['BACKEND']}".encode())
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda found: found[0]):
            with storage.open(path) as source:
                digest.update(f"\0{path}\0".encode() + hashlib.sha256(source.read()).digest())
    return digest.hexdigest()


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Two installations may share the code, and with it the folder of static files."""
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)

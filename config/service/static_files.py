"""Collect static files, but only when their sources changed."""

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

# The file with the fingerprint of the sources; written last, so an interrupted collection leaves none.
MARK = ".made-of"


def collect() -> bool:
    """Collect into STATIC_ROOT; False when it is up to date and nothing was written.

    Collecting rewrites files in place: another installation that shares the code would send half a file meanwhile.
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
    """A hash of all source files' names and contents, and of what processes them."""
    digest = hashlib.sha256(f"{django.__version__} {settings.STORAGES['staticfiles']['BACKEND']}".encode())
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda found: found[0]):
            with storage.open(path) as source:
                digest.update(f"\0{path}\0".encode() + hashlib.sha256(source.read()).digest())
    return digest.hexdigest()


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold a lock on the folder: two installations that share the code also share it."""
    folder.mkdir(parents=True, exist_ok=True)
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)

"""Check the disk: the data folder, `.env`, static files, free space."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.utils import timezone
from django.utils.translation import gettext as _

from config.service.doctor.answer import Answer, failed, ok, warning

MEGABYTE = 1024 * 1024
FULL, NEARLY_FULL = 200 * MEGABYTE, 1024 * MEGABYTE


def look(now: datetime) -> Iterator[Answer]:
    folder = Path(settings.DATA_DIR)
    yield _data(folder)
    yield from _env(Path(settings.BASE_DIR) / ".env")
    yield _room(folder)
    yield _static()
    here = timezone.localtime(now)
    yield ok(
        "time_zone",
        _("TIME_ZONE is {zone}; it is {time} there.").format(zone=settings.TIME_ZONE, time=f"{here:%Y-%m-%d %H:%M}"),
    )


def _data(folder: Path) -> Answer:
    facts = folder.stat()
    if not os.access(folder, os.W_OK | os.X_OK):
        return failed("files", _("{path} cannot be written by this user.").format(path=folder), f"chown -R … {folder}")
    if os.geteuid() != facts.st_uid:
        return warning(
            "files",
            _("{path} belongs to another user than the one doctor runs as.").format(path=folder),
            _("Run every command as the user of the service: sudo -u seatkeeper …"),
        )
    if stat.S_IMODE(facts.st_mode) & 0o077:
        return warning(
            "files", _("Others on this machine can look into {path}.").format(path=folder), f"chmod 700 {folder}"
        )
    return ok("files", _("{path} is private and can be written.").format(path=folder))


def _env(path: Path) -> Iterator[Answer]:
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
        yield warning("files", _("Others on this machine can read {path}.").format(path=path), f"chmod 600 {path}")


def _room(folder: Path) -> Answer:
    free = shutil.disk_usage(folder).free
    text = _("{n} MB free on the disk of the data").format(n=f"{free // MEGABYTE:,}")
    if free >= NEARLY_FULL:
        return ok("disk", text)
    advice = _("Make room: a full disk stops every redemption.")
    return (failed if free < FULL else warning)("disk", text, advice)


def _static() -> Answer:
    if not hasattr(staticfiles_storage, "manifest_name"):
        return ok("static", _("Static files are served as they lie there."))
    collected = set(getattr(staticfiles_storage, "hashed_files", {}))
    ours = Path(settings.BASE_DIR) / "static"
    missing = {path.relative_to(ours).as_posix() for path in ours.rglob("*") if path.is_file()} - collected
    if missing:
        return failed(
            "static",
            _("Static files are not collected ({n} missing); pages come without their style.").format(n=len(missing)),
            _("Start `up`, which collects them; or: manage.py collectstatic"),
        )
    return ok("static", _("Static files are collected."))

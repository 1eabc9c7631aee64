"""What must be done before an installation serves: take its lock, migrate, timetable, static files."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

from config.service import static_files
from guardian.clockwork import heartbeats, timetable
from teampool.known import Known
from teampool.models import Team
from teampool.teams import changes

Say = Callable[[str], None]
# The number of our advisory lock; no other program may use it in this database.
PREPARING = 7_325_338_001
LOCK = "up.lock"


class IsRunning(Exception):
    """Another process holds the lock of this folder; the text is its process id."""


def take_lock(folder: Path, say: Say) -> int:
    """Lock `folder` for this process and the programs it starts; wait for another holder, and say so.

    Returns a file descriptor; the lock is held until its last copy is closed.
    """
    try:
        return take_lock_at_once(folder)
    except IsRunning as other:
        say(f"Another Seatkeeper uses {folder} (process {other}). Waiting for it to stop; Ctrl-C gives up.")
    lock = _open_lock(folder)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return _sign(lock)


def take_lock_at_once(folder: Path) -> int:
    """Like `take_lock`, without waiting. Raises IsRunning."""
    lock = _open_lock(folder)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(lock)
        os.close(lock)
        raise IsRunning(holder) from None
    return _sign(lock)


def _open_lock(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)


def _sign(lock: int) -> int:
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _holder(lock: int) -> str:
    return os.pread(lock, 20, 0).decode("ascii", "replace") or "unknown"


def prepare(say: Say) -> None:
    """Close the data to others, migrate, put the timetable in place and collect static files. Safe to repeat, and on
    many nodes at once.
    """
    close_to_others(say)
    with _alone_among_nodes():
        say("Preparing the database…")
        call_command("migrate", interactive=False, verbosity=0)
        heartbeats.pause_if_stale(timezone.now())  # before a new heartbeat hides how long we stood still
        timetable.put_in_place(timezone.now())
        read_seats_anew(say)
    if hasattr(staticfiles_storage, "manifest_name"):
        static_files.collect()
    # Programs started next must not inherit a connection, and the supervisor needs none while it waits.
    connections.close_all()


def close_to_others(say: Say) -> None:
    """Take the data folder and the SQLite file from the group and from other users of this machine."""
    paths = [Path(settings.DATA_DIR)]
    if connection.vendor == "sqlite":
        database = str(connection.settings_dict["NAME"])
        paths += [Path(database + end) for end in ("", "-wal", "-shm")]
    for path in paths:
        with contextlib.suppress(OSError):  # not there yet, or another user's: `doctor` says so
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                path.chmod(mode & 0o700)
                say(f"Closed {path} to other users of this machine.")


def read_seats_anew(say: Say) -> None:
    """Right after an upgrade whose migration called the seats of every Team unread: nobody is placed before a sync."""
    upgraded = Team.objects.filter(
        archived_at=None, seats_known=Known.UNREAD, sync_tried_at=None, snapshot_started_at__isnull=False
    )
    if number := upgraded.count():
        changes.want_sync_of_all()
        say(f"Reading the seats of {number} Team{'s' if number > 1 else ''} anew…")


@contextlib.contextmanager
def _alone_among_nodes() -> Iterator[None]:
    """Let one node at a time prepare. PostgreSQL only: on SQLite there is a single node, which holds the lock."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [PREPARING])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [PREPARING])

"""Check the database: it answers, is configured right, has all migrations, and its clock agrees."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.service.doctor.answer import Answer, failed, ok, warning
from config.service.doctor.clock import compare

_REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "glusterfs", "ceph"}
_FULL = 2  # PRAGMA synchronous
_CROWDED = 0.8


def look(now: datetime) -> Iterator[Answer]:
    try:
        connection.ensure_connection()
        is_sqlite = connection.vendor == "sqlite"
        yield from _sqlite() if is_sqlite else _postgresql()
        yield from _migrations()
    except DatabaseError as error:
        yield failed(
            "database",
            _("The database does not answer ({error}).").format(error=type(error).__name__),
            _("Is it running, and is DATABASE_URL right? With SQLite: may this user write to DATA_DIR?"),
        )


def _sqlite() -> Iterator[Answer]:
    yield ok("database", f"SQLite {sqlite3.sqlite_version}, {connection.settings_dict['NAME']}")
    with connection.cursor() as cursor:
        journal = str(cursor.execute("PRAGMA journal_mode").fetchone()[0])
        synchronous = int(cursor.execute("PRAGMA synchronous").fetchone()[0])
    options = connection.settings_dict.get("OPTIONS", {})
    if journal != "wal" or synchronous != _FULL or options.get("transaction_mode") != "IMMEDIATE":
        yield failed(
            "database",
            _("SQLite does not run with WAL, synchronous=FULL and IMMEDIATE; a power cut could undo a seat."),
            _("Put the file on a local disk, and the settings back as they were delivered."),
        )
    if (kind := _file_system(Path(str(connection.settings_dict["NAME"])))) in _REMOTE:
        yield failed(
            "database",
            _("The SQLite file is on a network share ({kind}); it will be damaged.").format(kind=kind),
            _("Move DATA_DIR to a local disk, or use PostgreSQL."),
        )


def _file_system(path: Path) -> str:
    """The kind of file system that holds `path`; empty where the machine does not say."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return ""
    above = [(mount, kind) for _device, mount, kind, *_rest in mounts if path.is_relative_to(mount)]
    return max(above, key=lambda pair: len(pair[0]), default=("", ""))[1]


def _postgresql() -> Iterator[Answer]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('max_connections')::int, now()")
        version, most, its_clock = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
        used = int(cursor.fetchone()[0])
    yield ok(
        "database",
        _("PostgreSQL {version}, {used} of {most} connections").format(version=version, used=used, most=most),
    )
    if used > _CROWDED * most:
        yield warning(
            "database",
            _("Nearly all connections of the database are taken."),
            _("Raise max_connections: 40 a node and 20 more."),
        )
    yield compare("clock", its_clock, timezone.now(), whose=_("the database"))
    if not shutil.which("pg_dump"):
        yield warning(
            "backup", _("pg_dump is not installed here, so `backup` cannot work."), "apt install postgresql-client"
        )


def _migrations() -> Iterator[Answer]:
    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        text = ngettext(
            "{n} change of the tables is not there yet.", "{n} changes of the tables are not there yet.", len(plan)
        )
        yield failed("migrations", text.format(n=len(plan)), _("Start `up`, which makes them; or: manage.py migrate"))
        return
    ours = {"guardian", "invites", "notifications", "teampool"}
    known = executor.loader.graph.nodes
    if any(key[0] in ours and key not in known for key in executor.loader.applied_migrations):
        yield failed(
            "migrations",
            _("The tables are of a newer version than this code."),
            _("Check out that version again, or restore the backup made before the upgrade."),
        )
    else:
        yield ok("migrations", _("The tables are up to date."))

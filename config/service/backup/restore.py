"""Restore a backup: check the file, keep a copy of the present database, load, migrate.

A restored database does not know who was invited since the backup. So redemptions and removals stay off, and no Team
takes people before it was read again, until an operator switches them on (`load.py` writes this).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model
from django.utils import timezone

from base.actors import Actor
from base.rekeying import encrypted_columns, survey
from config.service.backup.backup import BackupFailed, back_up, check_sqlite, run_tool
from config.service.backup.load import ROOMS, open_backup, put_in_place
from config.service.startup import Say
from guardian.clockwork import heartbeats
from guardian.models import Beat, Heartbeat, Watch
from notifications.audit import events

# Tables that a mere start fills: a database with rows only in them counts as empty.
_NOTHING = (Beat, Heartbeat, Watch)
_KINDS = {b"SQLite format 3\0": "sqlite", b"PGDMP": "postgresql"}


def check(path: Path) -> None:
    """Raise BackupFailed unless `path` is a whole backup, for this kind of database, that this version can read."""
    kind = _kind_of(path)
    if kind != connection.vendor:
        raise BackupFailed(f"{path} is a backup of {kind}; DATABASE_URL is {connection.vendor}.")
    if kind == "sqlite":
        try:
            with closing(open_backup(path)) as database:
                check_sqlite(database)
                applied = list(database.execute("SELECT app, name FROM django_migrations"))
        except sqlite3.Error as error:
            raise BackupFailed(f"{path} is not a backup of Seatkeeper: {error}.") from error
    else:
        run_tool("pg_restore", "--file=/dev/null", str(path), is_connected=False)
        applied = list(_applied_in_dump(path))
    if not any(app in ROOMS for app, _name in applied):
        raise BackupFailed(f"{path} is not a backup of Seatkeeper.")
    known = MigrationLoader(None).disk_migrations
    newer = sorted(f"{app} {name}" for app, name in applied if app in ROOMS and (app, name) not in known)
    if newer:
        raise BackupFailed(f"{path} was made by a newer version ({newer[0]}). Restore it with that version.")


def _kind_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise BackupFailed(f"{path} cannot be read: {error.strerror}.") from error
    kind = next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), None)
    if kind is None:
        raise BackupFailed(f"{path} is no backup made by `backup`.")
    return kind


def _applied_in_dump(path: Path) -> Iterator[tuple[str, str]]:
    text = run_tool("pg_restore", "--data-only", "--table=django_migrations", "--file=-", str(path), is_connected=False)
    for line in text.splitlines():
        cells = line.split("\t")
        if len(cells) == 4:
            yield cells[1], cells[2]


def others_connected() -> int:
    """How many other programs are connected. 0 on SQLite, where the lock of `up` tells it."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


def is_empty() -> bool:
    """True when no table has a row a person would miss."""
    tables = set(connection.introspection.table_names())
    models: list[type[Model]] = [
        model for app in ROOMS for model in apps.get_app_config(app).get_models() if model not in _NOTHING
    ]
    models.append(User)
    return not any(model._default_manager.exists() for model in models if model._meta.db_table in tables)


def restore(path: Path, *, say: Say, actor: Actor) -> list[str]:
    """Replace the database by the backup; return the stored secrets that no configured key opens.

    The caller ran `check` and holds the installation's lock. The old data, if any, is saved in a file in DATA_DIR.
    Raises BackupFailed and leaves the database as it was. A kill at any moment leaves the old database, or the restored
    one with redemptions and removals off.
    """
    _keep_what_is_there(say)
    say("Restoring…")
    put_in_place(path, timezone.now())
    call_command("migrate", interactive=False, verbosity=0)
    # Also after a young backup: it lacks every seat and permission given since.
    newest = heartbeats.newest_beat()
    with transaction.atomic():
        events.removals_paused(hours=(timezone.now() - newest).total_seconds() / 3600 if newest else 0, actor=actor)
        events.database_restored(subject=events.Subject("backup", path.name[:64], path.name), actor=actor)
    return [f"{column} {key}" for column in encrypted_columns() for key in survey(column).unreadable]


def _keep_what_is_there(say: Say) -> None:
    if is_empty():
        return
    ending = "sqlite3" if connection.vendor == "sqlite" else "dump"
    aside = Path(settings.DATA_DIR) / f"before-restore-{timezone.now():%Y%m%d-%H%M%S}.{ending}"
    back_up(aside)
    say(f"What is there now is kept in {aside}.")

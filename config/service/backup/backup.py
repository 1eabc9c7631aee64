"""Write the database, as it is at one moment, to one file while the product runs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from psycopg import conninfo

# Connection parameters of Django that pg_dump's --dbname also takes. The password goes by the environment:
# everybody on the machine can read a command line.
_LIBPQ = ("host", "port", "dbname", "user", "service", "passfile", "connect_timeout", "options")
TOOLS_MISSING = "{program} is not installed here (Debian, Ubuntu: apt install postgresql-client)."


class BackupFailed(Exception):
    """No backup was written, or nothing was restored; the text says why and holds no secret."""


def back_up(path: Path) -> int:
    """Write a consistent copy of the database to `path`, readable by its owner only; return its size in bytes.

    Never overwrites a file, and never leaves half a file at `path`. Raises BackupFailed.
    """
    if path.exists():
        raise BackupFailed(f"{path} exists already; a backup never overwrites.")
    draft = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        if connection.vendor == "sqlite":
            _copy_sqlite(draft)
        else:
            # Our tables only: other programs may keep theirs in the same database.
            tables = [f"--table={connection.ops.quote_name(table)}" for table in our_tables()]
            run_tool("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={draft}", *tables)
        _onto_the_disk(draft)
        os.replace(draft, path)
        _onto_the_disk(path.parent)
    except OSError as error:
        raise BackupFailed(f"{path} cannot be written: {error.strerror or error}.") from error
    finally:
        draft.unlink(missing_ok=True)
    return path.stat().st_size


def our_tables(*, only_existing: bool = True) -> list[str]:
    """The names of all our tables, and of Django's record of migrations."""
    models = connection.introspection.django_table_names(only_existing=only_existing, include_views=False)
    return sorted({*models, MigrationRecorder.Migration._meta.db_table})


def _copy_sqlite(draft: Path) -> None:
    """Copy with SQLite's backup API: one consistent snapshot. A plain copy would lack what is still in the WAL."""
    source_uri = f"file:{quote(str(connection.settings_dict['NAME']))}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(source_uri, uri=True, timeout=20)) as source,
            closing(sqlite3.connect(draft)) as to,
        ):
            source.backup(to)
            # So that the copy is a single file without a -wal.
            to.execute("PRAGMA journal_mode=DELETE")
            check_sqlite(to)
    except sqlite3.Error as error:
        raise BackupFailed(f"SQLite: {error}.") from error


def check_sqlite(database: sqlite3.Connection) -> None:
    """Raise BackupFailed when SQLite finds the file damaged."""
    answer = str(database.execute("PRAGMA integrity_check(1)").fetchone()[0])
    if answer != "ok":
        raise BackupFailed(f"The copy is damaged: {answer}.")


def run_tool(
    program: str,
    *arguments: str,
    is_connected: bool = True,
    input: IO[bytes] | None = None,
    output: IO[bytes] | None = None,
) -> str:
    """Run a PostgreSQL program and return its output. Raises BackupFailed.

    `is_connected` adds our database's connection; `input` and `output` are files for stdin and stdout.
    """
    known = _connection() if is_connected else {}
    env = dict(os.environ)
    if password := known.pop("password", None):
        env["PGPASSWORD"] = str(password)
    command = [program, *arguments, *([f"--dbname={conninfo.make_conninfo(**known)}"] if is_connected else [])]
    try:
        done = subprocess.run(
            command,
            env=env,
            stdin=input if input is not None else subprocess.DEVNULL,
            stdout=output if output is not None else subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise BackupFailed(TOOLS_MISSING.format(program=program)) from error
    if done.returncode:
        raise BackupFailed(f"{program}: {' '.join(done.stderr.split())[:500]}")
    return done.stdout or ""


def _connection() -> dict[str, Any]:
    given = connection.get_connection_params()
    return {
        key: value
        for key, value in given.items()
        if value not in (None, "") and (key in _LIBPQ or key == "password" or key.startswith(("ssl", "target_", "gss")))
    }


def _onto_the_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

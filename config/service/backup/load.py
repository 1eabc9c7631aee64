"""Replace the database by a backup, in one transaction that also closes it.

A restored database does not know who was invited since the backup. If it were open for a moment and we were killed in
that moment, it would stay open. So the same transaction closes redemptions, pauses removals and distrusts every Team.
Its SQL fits the tables of any version: migrations run later.
"""

from __future__ import annotations

import json
import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.db import connection, connections

from config.service.backup.backup import BackupFailed, our_tables, run_tool
from invites.settings import IS_OPEN, REMOVALS_PAUSED
from notifications.models import Setting
from teampool.models import Team

ROOMS = ("guardian", "invites", "teampool", "notifications")
_SHUT = {IS_OPEN.key: False, REMOVALS_PAUSED.key: True}
# A line of `pg_restore --list`: number, kind, schema, name. The line below it lists what the entry depends on.
_ENTRY = re.compile(r"(\d+); \d+ \d+ ([A-Z]+(?: [A-Z]+)*) (\S+) (\S+)")
_NEEDS = re.compile(r";\s+depends on:([ \d]+)")
_PARTS = (
    *("TABLE", "TABLE DATA", "DEFAULT", "CONSTRAINT", "CHECK CONSTRAINT", "FK CONSTRAINT", "INDEX"),
    *("SEQUENCE", "SEQUENCE OWNED BY", "SEQUENCE SET"),
)
_SET = re.compile(rb"SET (\w+) =")


def put_in_place(path: Path, now: datetime) -> None:
    """Load the backup, closed, in one transaction. Raises BackupFailed and leaves the database as it was."""
    if connection.vendor == "sqlite":
        _load_sqlite(path, now)
    else:
        _load_postgres(path, now)


def open_backup(path: Path) -> sqlite3.Connection:
    """Open the backup read-only; `immutable` keeps SQLite from writing files beside it."""
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)


# SQLite


def _load_sqlite(path: Path, now: datetime) -> None:
    connections.close_all()
    name = str(connection.settings_dict["NAME"])
    try:
        # "" is a temporary file without a name: it vanishes with this process.
        with closing(open_backup(path)) as source, closing(sqlite3.connect("")) as draft:
            source.backup(draft)
            _shut_sqlite(draft, now)
            # SQLite copies in one transaction: another program sees the old database or the new one.
            with closing(sqlite3.connect(name, timeout=20)) as to:
                draft.backup(to)
    except sqlite3.Error as error:
        raise BackupFailed(f"SQLite: {error}.") from error


def _shut_sqlite(database: sqlite3.Connection, now: datetime) -> None:
    moment = f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
    known = {row[1] for row in database.execute(f"PRAGMA table_info({_name(Setting)})")}
    with database:
        for row in _settings(moment):
            there = {column: value for column, value in row.items() if column in known}
            database.execute(
                f"INSERT OR REPLACE INTO {_name(Setting)} ({', '.join(there)})"  # noqa: S608 - names of our own
                f" VALUES ({', '.join('?' * len(there))})",
                [json.dumps(value) if column == "value" else value for column, value in there.items()],
            )
        database.execute(f"UPDATE {_name(Team)} SET opened_at = ? WHERE opened_at IS NOT NULL", [moment])  # noqa: S608


# PostgreSQL


def _load_postgres(path: Path, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_settings")
        understood = {str(row[0]) for row in cursor.fetchall()}
    tables = our_tables()
    connections.close_all()
    folder = settings.DATA_DIR
    with (
        tempfile.NamedTemporaryFile("w", dir=folder) as wanted,
        tempfile.TemporaryFile("w+b", dir=folder) as dump,
        tempfile.TemporaryFile("w+b", dir=folder) as script,
    ):
        contents = run_tool("pg_restore", "--list", "--verbose", str(path), is_connected=False)
        wanted.writelines(f"{entry}\n" for entry in ours_in(contents))
        wanted.flush()
        unloading = ("--no-owner", "--no-privileges", f"--use-list={wanted.name}", "--file=-")
        run_tool("pg_restore", *unloading, str(path), is_connected=False, output=dump)
        script.write(b"SET client_min_messages = warning;\n")
        # Drop our tables only: other programs may keep theirs in the same database.
        script.write(f"DROP TABLE IF EXISTS {', '.join(map(_quoted, tables))} CASCADE;\n".encode())
        dump.seek(0)
        script.writelines(understood_lines(dump, understood))
        script.writelines(f"{statement};\n".encode() for statement in _shut_postgres(now))
        script.seek(0)
        # One transaction from the first DROP on: a kill or an error leaves the database as it was.
        loading = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-")
        run_tool("psql", *loading, input=script)


def ours_in(contents: str) -> list[str]:
    """The entries of a dump that belong to our tables, as `pg_restore --use-list` reads them.

    A dump of the whole database may hold another program's tables. An index or constraint is ours when every table it
    depends on is ours.
    """
    lines, kinds, needs, ours = {}, {}, {}, set()
    known, number = set(our_tables(only_existing=False)), 0
    for line in contents.splitlines():
        if entry := _ENTRY.match(line):
            number, kind, table = int(entry[1]), entry[2], entry[4]
            lines[number], kinds[number], needs[number] = line, kind, set[int]()
            if kind == "TABLE" and (table in known or table.startswith(tuple(f"{room}_" for room in ROOMS))):
                ours.add(number)
        elif (needed := _NEEDS.match(line)) and number in needs:
            needs[number] = {int(one) for one in needed[1].split()}

    def tables_of(one: int) -> set[int]:
        if kinds.get(one) == "TABLE":
            return {one}
        return {table for other in needs.get(one, ()) for table in tables_of(other)}

    return [line for one, line in lines.items() if kinds[one] in _PARTS and tables_of(one) and tables_of(one) <= ours]


def understood_lines(dump: Iterable[bytes], understood: set[str]) -> Iterator[bytes]:
    """The dump without SET lines of settings this server does not know: a newer pg_restore writes some at the top."""
    is_top = True
    for line in dump:
        is_top = is_top and not line.startswith((b"CREATE ", b"COPY "))
        unknown = is_top and (found := _SET.match(line)) and found[1].decode() not in understood
        if not unknown:
            yield line


def _shut_postgres(now: datetime) -> Iterator[str]:
    yield "RESET search_path"
    moment = now.astimezone(UTC).isoformat()
    for row in _settings(moment):
        yield f"DELETE FROM {_name(Setting)} WHERE key = {_literal(row['key'])}"  # noqa: S608 - texts of our own
        # Ignores columns that an older version's table lacks.
        record = f"json_populate_record(NULL::{_name(Setting)}, {_literal(json.dumps(row))})"
        yield f"INSERT INTO {_name(Setting)} SELECT * FROM {record}"  # noqa: S608
    yield f"UPDATE {_name(Team)} SET opened_at = {_literal(moment)} WHERE opened_at IS NOT NULL"  # noqa: S608


def _settings(moment: str) -> Iterator[dict[str, Any]]:
    for key, value in _SHUT.items():
        yield {"key": key, "value": value, "secret": "", "updated_at": moment}


def _name(model: type[Setting] | type[Team]) -> str:
    return _quoted(model._meta.db_table)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

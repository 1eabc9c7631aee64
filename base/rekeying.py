"""Re-encrypt every secret under the newest key, so that the older keys can be thrown away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import Model

from base.encryption import PREFIX, EncryptedTextField, fernet

_ROWS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Column:
    """An encrypted column by its database names."""

    table: str
    key: str
    name: str

    def __str__(self) -> str:
        return f"{self.table}.{self.name}"


@dataclass(slots=True)
class Rekeyed:
    """Values that got the newest key, values that had it, and the rows no known key opens."""

    column: Column
    changed: int
    current: int
    unreadable: list[str]


def encrypted_columns() -> list[Column]:
    models: list[type[Model]] = list(apps.get_models())
    return [
        Column(model._meta.db_table, str(model._meta.pk.column), str(field.column))
        for model in models
        for field in model._meta.local_concrete_fields
        if isinstance(field, EncryptedTextField)
    ]


def rekey(column: Column) -> Rekeyed:
    """Re-encrypt this column. Safe to stop and repeat; a value written meanwhile is left as it is."""
    return _go_through(column, writes=True)


def survey(column: Column) -> Rekeyed:
    """Like `rekey`, but writes nothing: `changed` counts the values an older key opens."""
    return _go_through(column, writes=False)


def _go_through(column: Column, *, writes: bool) -> Rekeyed:
    result = Rekeyed(column, changed=0, current=0, unreadable=[])
    newest = Fernet(settings.ENCRYPTION_KEYS[0])
    for key, stored in _rows(column):
        token = stored.removeprefix(PREFIX).encode()
        if _opens(newest, token):
            result.current += 1
        elif not _opens(fernet(), token):
            result.unreadable.append(str(key))
        else:
            fresh = PREFIX + fernet().rotate(token).decode()
            result.changed += _replace(column, key, stored, fresh) if writes else 1
    return result


def _opens(key: Fernet | MultiFernet, token: bytes) -> bool:
    try:
        key.decrypt(token)
    except InvalidToken:
        return False
    return True


def _rows(column: Column) -> Iterator[tuple[int | str, str]]:
    """Primary key and ciphertext of each row, in pages. Raw SQL, because the model field would decrypt."""
    quote = connection.ops.quote_name
    key, name, table = quote(column.key), quote(column.name), quote(column.table)
    last: int | str | None = None
    while True:
        after = "" if last is None else f"AND {key} > %s"
        values = [] if last is None else [last]
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT {key}, {name} FROM {table} WHERE {name} <> '' {after} "  # noqa: S608 - our own names
                f"ORDER BY {key} LIMIT {_ROWS_AT_ONCE}",
                values,
            )
            rows = cursor.fetchall()
        yield from rows
        if len(rows) < _ROWS_AT_ONCE:
            return
        last = rows[-1][0]


def _replace(column: Column, key: int | str, before: str, after: str) -> int:
    """Rows changed: 0 when a new value was written since we read, which has the newest key already."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(column.table)} SET {quote(column.name)} = %s "  # noqa: S608 - our own names
            f"WHERE {quote(column.key)} = %s AND {quote(column.name)} = %s",
            [after, key, before],
        )
        return int(cursor.rowcount)

"""Checks that a transaction is open, or that none is (design §3).

They work only under `STRICT_TRANSACTIONS`: in tests, and while `DEBUG` is on.
"""

from __future__ import annotations

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper


class WrongTransaction(RuntimeError):
    """A mistake in the code: a lock outside a transaction, or a network call inside one."""


def depth(connection: BaseDatabaseWrapper) -> int:
    """How many `atomic` blocks our code has open here; the blocks Django wraps around a test do not count."""
    return sum(not block._from_testcase for block in connection.atomic_blocks)  # type: ignore[attr-defined]


def require_transaction() -> None:
    """Raise when a function that locks rows is called outside a transaction.

    PostgreSQL refuses such a query itself. SQLite runs it without locking: another writer could change the row
    between the caller's read and its write.
    """
    if settings.STRICT_TRANSACTIONS and not depth(connections[DEFAULT_DB_ALIAS]):
        raise WrongTransaction("a row is locked outside a transaction: open transaction.atomic() around it")


def forbid_transaction(call: str) -> None:
    """Raise when a transaction is open before a network call; `call` names it.

    Its locks would be held until the other side answers, and a rollback would forget what was sent.
    """
    if settings.STRICT_TRANSACTIONS and any(depth(one) for one in connections.all(initialized_only=True)):
        raise WrongTransaction(f"{call}: the network is used inside a transaction; commit first")

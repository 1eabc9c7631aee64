"""Where a transaction must be open, and where none may be (design §3).

Both checks work under `STRICT_TRANSACTIONS` only: in the tests, and while `DEBUG` is on.
"""

from __future__ import annotations

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper


class WrongTransaction(RuntimeError):
    """A mistake in the code, found while developing: a lock without a transaction, or a call within one."""


def depth(connection: BaseDatabaseWrapper) -> int:
    """How many `atomic` blocks our own code has open on this connection.

    Django wraps a whole test in blocks of its own, which it marks; those do not count.
    """
    # By the same mark Django lets a durable block run inside a test's.
    return sum(not block._from_testcase for block in connection.atomic_blocks)  # type: ignore[attr-defined]


def require_transaction() -> None:
    """Refuse to lock a row outside a transaction; every function that locks in its caller's transaction calls this.

    PostgreSQL would refuse the query by itself. SQLite would run it and lock nothing: another writer could change
    the row between the caller's look and the caller's write.
    """
    if settings.STRICT_TRANSACTIONS and not depth(connections[DEFAULT_DB_ALIAS]):
        raise WrongTransaction("a row is locked outside a transaction: open transaction.atomic() around it")


def forbid_transaction(call: str) -> None:
    """Refuse to go out to the network while a transaction is open; `call` names what was about to be sent.

    Its locks would be held for as long as the other side likes, and a rollback would forget what was sent.
    """
    if settings.STRICT_TRANSACTIONS and any(depth(one) for one in connections.all(initialized_only=True)):
        raise WrongTransaction(f"{call}: the network is used inside a transaction; commit first")

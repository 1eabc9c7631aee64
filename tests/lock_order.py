"""Watches in what order each transaction locks rows, and fails the test in which one breaks the order (design §3).

The order: code, Owner, Team, then the redemption and its grant. These two come in either order, but together only under
the lock of the grant's Team: whoever moves a seat writes the grant and then its claim, whoever asks for one more mail
reads the claim first, and it is the Team's lock that keeps them apart. One exception: a redemption that has no live
grant when it is locked may be locked before its Team, because nobody who holds that Team's lock waits for it.

What is recorded, per thread and from its outermost `atomic` block to the end of it:

* every evaluated `select_for_update`, on SQLite too, where the SQL does not show it;
* every UPDATE of these five tables, whether or not it found a row: it may have waited for one. The rows it names are
  read from its conditions on the primary key; without such a condition it counts as rows nobody held before.

A row that is locked already is not locked anew. What a savepoint took is forgotten when it is rolled back. A lock
that skips locked rows waits for nobody: it is remembered, but breaks no order by itself. Not recorded: INSERT (nobody
else can hold the new row), DELETE, the shares PostgreSQL takes for foreign keys, and other processes.

A breach is collected and reported at the end of the test, because product code may catch what is raised in place:
so it may with `WrongTransaction`, which is reported here as well.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model
from django.db.models.lookups import Exact, In
from django.db.models.sql.compiler import SQLCompiler, SQLUpdateCompiler
from django.db.models.sql.query import Query
from django.db.transaction import Atomic

from base.transactions import WrongTransaction, depth
from invites.models import RedeemCode, Redemption, SeatGrant
from invites.states import HOLDS_SEAT
from teampool.models import Owner, Team

ORDER: dict[type[Model], str] = {
    RedeemCode: "code",
    Owner: "Owner",
    Team: "Team",
    Redemption: "redemption",
    SeatGrant: "grant",
}
NAMES = list(ORDER.values())
ROOT = Path(__file__).resolve().parent.parent
UNKNOWN = 0  # rows that an UPDATE does not name


@dataclass(frozen=True)
class Lock:
    """One row that a transaction holds. `is_free`: a redemption that had no live grant when it was locked."""

    name: str
    pk: Any
    depth: int
    where: str
    is_free: bool

    def __str__(self) -> str:
        row = f"the {self.name} {self.pk}" if self.pk else f"rows ({self.name})"
        return f"{row} at {self.where}"


class Recorder:
    """What each thread's transaction holds, and every breach of the order since `take` was last called."""

    def __init__(self) -> None:
        self._here = threading.local()
        self._breaches: list[str] = []

    @property
    def held(self) -> list[Lock]:
        """The locks of this thread's transaction, oldest first."""
        if not hasattr(self._here, "held"):
            self._here.held = []
        held: list[Lock] = self._here.held
        return held

    def take(self) -> list[str]:
        """The breaches, each once; they are forgotten."""
        breaches, self._breaches = self._breaches, []
        return list(dict.fromkeys(breaches))

    def note(self, model: type[Model], pks: Iterable[Any], *, waits: bool = True) -> None:
        """This thread has just locked these rows of `model`. `waits`: it would have waited for another's lock."""
        name = ORDER.get(model._meta.concrete_model)
        if name is None:
            return
        connection = connections[DEFAULT_DB_ALIAS]
        level = depth(connection)
        if not level:
            return  # an UPDATE on its own: committed already
        known = {lock.pk for lock in self.held if lock.name == name and lock.pk}
        fresh = [pk for pk in pks if pk not in known]
        if not fresh:
            return
        where = _where()
        free: set[Any] = set()
        if name == "redemption" and not any(lock.name == "Team" for lock in self.held):
            free = _without_live_grant(connection, [pk for pk in fresh if pk])
        locks = [Lock(name, pk, level, where, pk in free) for pk in fresh]
        if waits and (before := self._wrongly_before(locks, connection)):
            self._breaches.append(f"{locks[0]} was locked after {before}")
        self.held.extend(locks)

    def _wrongly_before(self, locks: list[Lock], connection: Any) -> Lock | None:
        """What must not be held already when these are locked, which are rows of one table."""
        name = locks[0].name
        if name == "redemption":
            grants = [lock for lock in self.held if lock.name == "grant"]
            return grants[0] if grants and not self._has_teams_of(grants, connection) else None
        if name == "grant":
            claims = [lock for lock in self.held if lock.name == "redemption" and not lock.is_free]
            return claims[0] if claims and not self._has_teams_of(locks, connection) else None
        later = [lock for lock in self.held if NAMES.index(lock.name) > NAMES.index(name)]
        return next((lock for lock in later if name != "Team" or not lock.is_free), None)

    def _has_teams_of(self, grants: list[Lock], connection: Any) -> bool:
        """True when the Team of each of these grants is locked; False where an UPDATE names none."""
        pks = ", ".join(str(int(lock.pk)) for lock in grants)
        teams = _ask(connection, f"SELECT DISTINCT team_id FROM invites_seatgrant WHERE id IN ({pks})")
        return all(lock.pk for lock in grants) and teams <= {lock.pk for lock in self.held if lock.name == "Team"}

    def left(self, level: int, *, is_undone: bool) -> None:
        """A block ended and `level` are open yet. Undone, its own locks are gone; else the block around it has them."""
        if not level:
            self.held.clear()
        elif is_undone:
            self.held[:] = [lock for lock in self.held if lock.depth <= level]
        else:
            self.held[:] = [Lock(one.name, one.pk, min(one.depth, level), one.where, one.is_free) for one in self.held]

    def install(self) -> None:
        """Watch every transaction of this process from now on."""
        select, update, leave = SQLCompiler.execute_sql, SQLUpdateCompiler.execute_sql, Atomic.__exit__
        refuse = WrongTransaction.__init__

        @wraps(select)
        def watched_select(compiler: SQLCompiler, *args: Any, **kwargs: Any) -> Any:
            result = select(compiler, *args, **kwargs)
            query = compiler.query
            if not query.select_for_update or compiler.using != DEFAULT_DB_ALIAS:
                return result
            if not depth(compiler.connection):
                self._breaches.append(f"{query.model.__name__} is locked outside a transaction at {_where()}")
            result, pks = _selected(compiler, result)
            for model in _locked_models(query):
                rows = pks if model is query.model else [UNKNOWN]
                self.note(model, rows, waits=not query.select_for_update_skip_locked)
            return result

        @wraps(update)
        def watched_update(compiler: SQLUpdateCompiler, *args: Any, **kwargs: Any) -> Any:
            result = update(compiler, *args, **kwargs)
            if compiler.using == DEFAULT_DB_ALIAS:
                self.note(compiler.query.model, _named(compiler.query) or [UNKNOWN])
            return result

        @wraps(leave)
        def watched_leave(block: Atomic, exc_type: Any, exc_value: Any, traceback: Any) -> None:
            connection = connections[block.using or DEFAULT_DB_ALIAS]
            is_undone = exc_type is not None or connection.needs_rollback
            try:
                leave(block, exc_type, exc_value, traceback)
            finally:
                if connection.alias == DEFAULT_DB_ALIAS:
                    self.left(depth(connection), is_undone=is_undone)

        @wraps(refuse)
        def watched_refusal(error: WrongTransaction, text: str) -> None:
            refuse(error, text)
            self._breaches.append(f"{text} ({_where()})")

        SQLCompiler.execute_sql = watched_select
        SQLUpdateCompiler.execute_sql = watched_update
        Atomic.__exit__ = watched_leave
        WrongTransaction.__init__ = watched_refusal


def _locked_models(query: Query) -> list[type[Model]]:
    """The query's own model; without `of` also what is joined to it."""
    if query.select_for_update_of:
        return [query.model]
    tables = {query.alias_map[alias].table_name for alias, count in query.alias_refcount.items() if count}
    return [query.model, *(model for model in ORDER if model._meta.db_table in tables and model != query.model)]


def _selected(compiler: SQLCompiler, result: Any) -> tuple[Any, list[Any]]:
    """The result once more, and the primary keys in it."""
    if result is None:
        return result, []
    if not isinstance(result, list | tuple):
        result = list(result)
    rows = [result] if isinstance(result, tuple) else [row for chunk in result for row in chunk]
    if not rows:
        return result, []
    pk = compiler.query.model._meta.pk
    for place, (column, _sql, _alias) in enumerate(compiler.select):
        if getattr(column, "target", None) is pk:
            return result, [row[place] for row in rows]
    return result, [UNKNOWN]


def _named(query: Query) -> set[Any]:
    """The primary keys a query is limited to; empty when its conditions name none."""
    found: set[Any] = set()
    for condition in query.where.children:
        column = getattr(getattr(condition, "lhs", None), "target", None)
        if column is not query.model._meta.pk:
            continue
        if isinstance(condition, Exact) and isinstance(condition.rhs, int):
            found.add(condition.rhs)
        elif isinstance(condition, In) and isinstance(condition.rhs, Query):
            found |= _named(condition.rhs)
        elif isinstance(condition, In):
            found.update(condition.rhs)
    return found


def _without_live_grant(connection: Any, pks: list[Any]) -> set[Any]:
    if not pks:
        return set()
    ids, states = ", ".join(str(int(pk)) for pk in pks), ", ".join(f"'{state.value}'" for state in HOLDS_SEAT)
    rows = f"redemption_id IN ({ids}) AND state IN ({states})"
    return set(pks) - _ask(connection, f"SELECT redemption_id FROM invites_seatgrant WHERE {rows}")


def _ask(connection: Any, query: str) -> set[Any]:
    """The first column. Asked past Django, so that tests which count queries count only the product's."""
    cursor = connection.connection.cursor()
    cursor.execute(query)
    return {row[0] for row in cursor.fetchall()}


def _where() -> str:
    """The nearest lines of ours, innermost first."""
    found: list[str] = []
    frame: Any = sys._getframe(1)
    while frame is not None and len(found) < 3:
        path = frame.f_code.co_filename
        if path.startswith(f"{ROOT}/") and "/.venv/" not in path and path != __file__:
            found.append(f"{path.removeprefix(f'{ROOT}/')}:{frame.f_lineno} {frame.f_code.co_name}")
        frame = frame.f_back
    return " < ".join(found)


RECORDER = Recorder()


def judge() -> None:
    """Fail when the order was broken since the last time."""
    if breaches := RECORDER.take():
        order = ", ".join(NAMES)
        pytest.fail("\n".join([f"Transactions and locks (the order: {order}):", *breaches]), pytrace=False)


@pytest.fixture(autouse=True)
def locks_in_order() -> Iterator[None]:
    """Every transaction of every test locks in the one order."""
    RECORDER.take()
    yield
    judge()

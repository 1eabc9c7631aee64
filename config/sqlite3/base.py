"""SQLite has one write lock. This backend waits for it without sleeping while it is free.

SQLite's own waiting sleeps up to 100 ms between two tries: with two dozen writers, all of them may sleep while nobody
writes. Here the threads of a process queue for their turn and keep it until their transaction ends; the thread
whose turn it is tries every few milliseconds.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.db import OperationalError
from django.db.backends.sqlite3 import base

# SQLite waits this long for the lock; then we run the statement again, which had no effect.
LOOK_MS = 5
LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY)  # BUSY_SNAPSHOT needs a new transaction
T = TypeVar("T")


class Turn:
    """The turn to wait for the write lock, one per process. A forked process starts with a free turn."""

    _lock = threading.RLock()

    @classmethod
    def take(cls, patience: float) -> bool:
        return cls._lock.acquire(timeout=patience)

    @classmethod
    def give(cls) -> None:
        cls._lock.release()

    @classmethod
    def forget(cls) -> None:
        cls._lock = threading.RLock()


os.register_at_fork(after_in_child=Turn.forget)


def insist(run: Callable[[], T], *, patience: float) -> T:
    """Repeat `run` while the database is locked; after `patience` seconds raise "database is locked"."""
    end = time.monotonic() + patience
    while True:
        try:
            return run()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in LOCKED or time.monotonic() > end:
                raise


class PatientCursor(base.SQLiteCursorWrapper):
    """When the database is locked: wait for the turn, then for the lock."""

    def __init__(self, connection: sqlite3.Connection, *, patience: float) -> None:
        super().__init__(connection)
        self.patience = patience

    def execute(self, query: str, params: Any = None) -> Any:
        return self._patiently(partial(super().execute, query, params))

    def executemany(self, query: str, param_list: Any) -> Any:
        return self._patiently(partial(super().executemany, query, list(param_list)))

    def _patiently(self, run: Callable[[], T]) -> T:
        try:
            return run()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode not in LOCKED or not Turn.take(self.patience):
                raise
        try:
            return insist(run, patience=self.patience)
        finally:
            Turn.give()


class DatabaseWrapper(base.DatabaseWrapper):
    """`OPTIONS["timeout"]`: seconds to wait for the turn, and again for the lock."""

    has_turn = False

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        # Switching a new file to WAL locks it, and SQLite then refuses another opener at once, without waiting.
        connect = partial(super().get_new_connection, conn_params)
        connection: sqlite3.Connection = insist(connect, patience=self._patience)
        connection.execute(f"PRAGMA busy_timeout = {LOOK_MS}")
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        return self.connection.cursor(factory=partial(PatientCursor, patience=self._patience))

    @property
    def _patience(self) -> float:
        return float(self.settings_dict["OPTIONS"]["timeout"])

    def _start_transaction_under_autocommit(self) -> None:
        if not Turn.take(self._patience):
            raise OperationalError("database is locked by another thread of this process")
        self.has_turn = True
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in its stubs
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]  # not in its stubs
        self._end_turn()

    def _rollback(self) -> None:
        super()._rollback()  # type: ignore[misc]  # not in its stubs
        self._end_turn()

    def _close(self) -> None:
        super()._close()  # type: ignore[misc]  # not in its stubs
        self._end_turn()

    def _end_turn(self) -> None:
        if self.has_turn:
            self.has_turn = False
            Turn.give()

"""Waiting for SQLite's write lock: by turns, and never longer than told."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import pytest
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.backends.sqlite3 import base
from django.utils import timezone

from config.sqlite3.base import Turn
from notifications.models import Setting
from tests.cast import run_together

pytestmark = pytest.mark.django_db(transaction=True)


def write(key: str) -> None:
    Setting.objects.create(key=key, value=1, updated_at=timezone.now())


def is_free() -> bool:
    """Another thread of this process could begin to write."""
    return run_together(lambda: Turn.take(0) and (Turn.give() is None)) == [True]


@pytest.fixture
def impatient() -> Iterator[None]:
    """Nobody waits longer than 0.1 s."""
    options = connection.settings_dict["OPTIONS"]
    patience, options["timeout"] = options["timeout"], 0.1
    yield
    options["timeout"] = patience


@pytest.fixture
def other_program(transactional_db: None) -> Iterator[sqlite3.Connection]:
    """Another program, which has the write lock."""
    name = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(name, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


class TestAnotherProgramWrites:
    def test_a_transaction_waits_as_long_as_told(self, impatient, other_program) -> None:
        with pytest.raises(OperationalError, match="locked"), transaction.atomic():
            pass
        assert is_free()

    def test_a_single_statement_waits_as_long_as_told(self, impatient, other_program) -> None:
        with pytest.raises(OperationalError, match="locked"):
            Setting.objects.filter(key="x").delete()
        assert is_free()

    def test_many_rows_wait_as_one_does(self, other_program) -> None:
        threading.Timer(0.2, other_program.execute, ["ROLLBACK"]).start()
        table = connection.ops.quote_name(Setting._meta.db_table)
        with connection.cursor() as cursor:
            cursor.executemany(f"DELETE FROM {table} WHERE key = %s", ((key,) for key in "xy"))
        assert is_free()

    def test_either_goes_on_when_the_other_has_ended(self, other_program) -> None:
        threading.Timer(0.2, other_program.execute, ["ROLLBACK"]).start()
        Setting.objects.filter(key="x").update(value=2)
        other_program.execute("BEGIN IMMEDIATE")
        threading.Timer(0.2, other_program.execute, ["ROLLBACK"]).start()
        with transaction.atomic():
            write("x")
        assert Setting.objects.filter(key="x").exists()

    def test_who_only_reads_waits_for_nobody(self, impatient, other_program) -> None:
        assert Setting.objects.count() == 0


class TestAnotherThreadWrites:
    def test_a_thread_waits_as_long_as_told(self, impatient) -> None:
        with transaction.atomic():
            (error,) = run_together(lambda: write("x"))
        assert isinstance(error, OperationalError)
        assert "locked" in str(error)

    def test_many_threads_write_one_after_the_other(self) -> None:
        def one(number: int) -> None:
            for step in range(5):
                if number % 2:
                    write(f"{number}-{step}")
                else:
                    with transaction.atomic():
                        write(f"{number}-{step}")

        run_together(*(partial(one, number) for number in range(8)))
        assert Setting.objects.count() == 40


class TestTurn:
    def test_it_ends_with_the_transaction(self) -> None:
        with transaction.atomic():
            assert not is_free()
        assert is_free()

    def test_it_ends_with_a_transaction_that_failed(self) -> None:
        with contextlib.suppress(ZeroDivisionError), transaction.atomic():
            write("x")
            raise ZeroDivisionError
        assert is_free()
        assert not Setting.objects.exists()

    def test_it_ends_with_the_connection(self) -> None:
        connection.ensure_connection()
        connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
        assert not is_free()
        connection.close()
        assert is_free()

    def test_a_forked_process_has_its_own(self) -> None:
        program = (
            "import os, threading\n"
            "from config.sqlite3.base import Turn\n"
            "held = threading.Event()\n"
            "hold = lambda: (Turn.take(1), held.set(), threading.Event().wait(5))\n"
            "threading.Thread(target=hold, daemon=True).start()\n"
            "held.wait()\n"
            "child = os.fork() or os._exit(0 if Turn.take(0) else 1)\n"
            "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), Turn.take(0))\n"
        )
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program], cwd=settings.BASE_DIR, capture_output=True, text=True
        )
        assert done.stdout.split() == ["0", "False"], done.stderr


class TestOpening:
    def test_who_opens_a_new_file_while_it_becomes_wal_waits(self, monkeypatch: pytest.MonkeyPatch) -> None:
        refused = sqlite3.OperationalError("database is locked")
        refused.sqlite_errorcode = sqlite3.SQLITE_BUSY
        real, tries = base.DatabaseWrapper.get_new_connection, []

        def at_first_refused(self, params):
            tries.append(params)
            if len(tries) < 3:
                raise refused
            return real(self, dict(params))

        monkeypatch.setattr(base.DatabaseWrapper, "get_new_connection", at_first_refused)
        connection.close()
        assert Setting.objects.count() == 0
        assert len(tries) == 3

"""A row is locked only inside a transaction, and nobody is called inside one: both are refused, on both databases."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as project
from django.db import transaction
from django.utils import timezone

from base.actors import Actor
from base.transactions import WrongTransaction, forbid_transaction, require_transaction
from invites import locking
from invites.models import Redemption
from invites.redeeming.redeem import redeem
from invites.seats import seating
from notifications.channels.transport.connecting import Deadline, connect
from notifications.channels.transport.smtp import MailServer
from teampool.upstream import transport
from tests.cast import ANA, a_code, a_team
from tests.lock_order import RECORDER
from tests.test_layers import ROOMS, sources

ROOT = Path(project.BASE_DIR)


@pytest.fixture(autouse=True)
def expected(locks_in_order) -> Iterator[None]:
    """What is refused here on purpose fails no test."""
    yield
    RECORDER.take()


def ask(server) -> int:
    line = transport.Transport(server.url)
    try:
        return line.send("GET", "/", op="me", headers={}, deadline=transport.Deadline(5)).status
    finally:
        line.close()


@pytest.mark.django_db
class TestTheNetwork:
    def test_chatgpt_is_not_asked_inside_a_transaction(self, sandbox):
        with transaction.atomic(), pytest.raises(WrongTransaction, match="me: the network is used"):
            ask(sandbox)
        assert sandbox.log() == []

    def test_outside_it_is(self, sandbox):
        assert ask(sandbox) > 0

    def test_no_receiver_is_called_inside_a_transaction(self):
        with transaction.atomic(), pytest.raises(WrongTransaction):
            connect("127.0.0.1", 9, deadline=Deadline(), may_be_private=True)

    def test_no_mail_goes_out_inside_a_transaction(self):
        server = MailServer(host="127.0.0.1", port=9, user="", password="", is_secure=False, own_name="here")
        server.deadline = Deadline()
        with transaction.atomic(), pytest.raises(WrongTransaction):
            server.deliver(object())

    def test_a_savepoint_is_a_transaction_too(self):
        with transaction.atomic():
            with transaction.atomic():
                pass
            with pytest.raises(WrongTransaction):
                forbid_transaction("anything")
        forbid_transaction("anything")

    def test_an_installation_is_not_held_to_it(self, settings):
        settings.STRICT_TRANSACTIONS = False
        with transaction.atomic():
            forbid_transaction("anything")


@pytest.mark.django_db(transaction=True)
def test_without_a_transaction_of_the_tests_own_it_is_the_same(sandbox):
    assert ask(sandbox) > 0
    with transaction.atomic(), pytest.raises(WrongTransaction):
        ask(sandbox)
    with pytest.raises(WrongTransaction):
        locking.lock_team(a_team().pk)


@pytest.mark.django_db
class TestALock:
    def test_a_refusal_that_somebody_swallows_still_fails_the_test(self):
        with contextlib.suppress(WrongTransaction):
            locking.lock_team(1)
        (found,) = RECORDER.take()
        assert "a row is locked outside a transaction" in found

    @pytest.fixture
    def claim(self) -> Redemption:
        return redeem(email=ANA, code=a_code(team=a_team()).code)

    def test_a_team_is_locked_inside_a_transaction_only(self, claim):
        for lock in (locking.lock_team, locking.locked_team):
            with pytest.raises(WrongTransaction):
                lock(claim.bound_team_id)
            with transaction.atomic():
                lock(claim.bound_team_id)

    def test_a_claim_is_locked_inside_a_transaction_only(self, claim):
        with pytest.raises(WrongTransaction):
            locking.locked_claim(claim.pk)
        with transaction.atomic():
            assert locking.locked_claim(claim.pk) == claim

    def test_a_seat_is_taken_inside_a_transaction_only(self, claim):
        with pytest.raises(WrongTransaction):
            seating.take_seat(claim, now=timezone.now(), actor=Actor("job", "test"))

    def test_an_installation_is_not_held_to_it(self, settings):
        settings.STRICT_TRANSACTIONS = False
        require_transaction()


def is_transaction(node: ast.AST) -> bool:
    return isinstance(node, ast.With) and any("transaction.atomic(" in ast.unparse(item) for item in node.items)


def calls(node: ast.AST, name: str) -> list[int]:
    """The lines on which something of this name is called below `node`."""
    return [
        below.lineno
        for below in ast.walk(node)
        if isinstance(below, ast.Call) and ast.unparse(below.func).split(".")[-1] == name
    ]


def unguarded(source: str) -> list[int]:
    """Lines that lock rows without an `atomic` block around them and without `require_transaction` before them."""
    found: list[int] = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        blocks = [node for node in ast.walk(function) if is_transaction(node)]
        inside = {line for block in blocks for line in calls(block, "select_for_update")}
        required = min(calls(function, "require_transaction"), default=10**9)
        found += [line for line in calls(function, "select_for_update") if line not in inside and line < required]
    return found


class TestEveryLock:
    @pytest.mark.parametrize("room", ROOMS)
    def test_it_stands_in_a_transaction_or_asks_for_one(self, room):
        found = {path: unguarded(path.read_text()) for path in sources(room)}
        assert not [f"{path.relative_to(ROOT)}:{line}" for path, lines in found.items() for line in lines]

    @pytest.mark.parametrize(
        ("body", "lines"),
        [
            ("rows.select_for_update().get()", [2]),
            ("with transaction.atomic(durable=True):\n  rows.select_for_update().get()", []),
            ("require_transaction()\n rows.select_for_update().get()", []),
            ("rows.select_for_update().get()\n require_transaction()", [2]),
            ("with contextlib.nullcontext():\n  rows.select_for_update().get()", [3]),
        ],
    )
    def test_the_reader_sees_one_that_does_not(self, body, lines):
        assert unguarded(f"def f(rows):\n {body}") == lines

"""What the operator reads in the audit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.utils import translation

from base.actors import Actor, command, job
from notifications.audit import events
from notifications.audit import words as wording
from notifications.models import AuditEvent

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shanghai")]
OLGA = Actor("operator", "olga", "198.51.100.7")
TEAM = events.Subject("team", "7", "Shanghai")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def last() -> AuditEvent:
    event = AuditEvent.objects.first()
    assert event is not None
    return event


def sources() -> str:
    root = Path(settings.BASE_DIR)
    rooms = ("notifications", "teampool", "invites", "guardian", "config")
    texts = [path.read_text() for room in rooms for path in (root / room).rglob("*.py")]
    return "\n".join(texts)


class TestAction:
    def test_every_fact_has_words(self) -> None:
        recorded = set(re.findall(r'_record\(\s*"(\w+)"', sources()))
        assert recorded
        assert recorded <= set(wording.ACTIONS)

    @pytest.mark.parametrize("verb", ["redemption_moved", "departure_moved"])
    def test_every_step_has_words(self, verb: str) -> None:
        kind = verb.removesuffix("_moved")
        steps = set(re.findall(rf'{verb}\(.{{0,200}}?state="(\w+)"', sources(), re.DOTALL))
        assert steps
        assert {f"{kind}_{step}" for step in steps} <= set(wording.ACTIONS)

    def test_every_kind_of_object_has_words(self) -> None:
        kinds = set(re.findall(r'Subject\(\s*"(\w+)"', sources()))
        assert kinds
        assert kinds <= set(wording.OBJECTS)

    def test_an_unknown_one_stands_as_it_is(self) -> None:
        assert wording.action(AuditEvent(action="something_new")) == "something_new"


class TestWhat:
    @pytest.mark.parametrize(
        ("before", "after", "words"),
        [
            ({"is_enabled": True}, {"is_enabled": False}, "takes people yes → no"),
            ({"operator_cap": None}, {"operator_cap": 4}, "seat cap none → 4"),
            (
                {"is_open": False},
                {"is_open": True, "baseline": 3},
                "open no → yes, people who were there before none → 3",
            ),
            (
                {"token_state": "healthy", "name": "A"},
                {"token_state": "expired", "name": "B"},
                "name A → B, token healthy → expired",
            ),
            ({"archived_at": None}, {"archived_at": "2026-03-02T06:30:00+00:00"}, "archived none → 2026-03-02 14:30"),
        ],
    )
    def test_a_change_says_from_what_to_what(self, before: Any, after: Any, words: str) -> None:
        events.team_changed(subject=TEAM, before=before, after=after, actor=OLGA)
        assert wording.what(last()) == f"Team changed: {words}"

    def test_a_step_of_a_seat(self) -> None:
        events.seat_moved(subject=TEAM, before="inviting", after="invited", actor=job("deliver"))
        assert wording.what(last()) == "Seat: inviting → invited, not listed yet"

    def test_counts(self) -> None:
        events.import_finished(subject=TEAM, counts={"created": 3, "failed": 1200}, actor=OLGA)
        assert wording.what(last()) == "Import finished: created 3, failed 1,200"

    def test_how_long_an_invitation_has_been_waiting(self) -> None:
        events.invite_unresolved(subject=TEAM, minutes=10, actor=job("reconcile"))
        assert wording.what(last()).endswith(": minutes waited 10")

    def test_a_word_before_a_number_is_no_unit_in_chinese(self) -> None:
        event = AuditEvent(action="low_stock", details={"current_seats": 1, "threshold": 10})
        with translation.override("zh-hans"):
            assert wording.what(event) == "库存不足：空闲席位 1，阈值 10"

    def test_a_setting(self) -> None:
        events.setting_changed(key="teampool.default_seat_cap", before=4, after=5, actor=OLGA)
        assert wording.what(last()) == "Setting changed: 4 → 5"

    def test_a_fact_without_details(self) -> None:
        events.api_key_created(subject=TEAM, actor=OLGA)
        assert wording.what(last()) == "API key made"

    def test_details_nobody_knows_are_not_shown(self) -> None:
        event = AuditEvent(action="token_renewed", details={"source": "session", "x": {"y": 1}})
        assert wording.what(event) == "Token renewed"


class TestWho:
    @pytest.mark.parametrize(
        ("actor", "words"),
        [
            (OLGA, "olga"),
            (job("deliver"), "System"),
            (command("import_teams"), "Command line import_teams"),
            (Actor("key", "stock"), "API key stock"),
            (Actor("user", "ana@example.com"), "ana@example.com"),
            (Actor("user", ""), "Redeemer"),
        ],
    )
    def test_it_names_them(self, actor: Actor, words: str) -> None:
        assert wording.who(AuditEvent(actor_kind=actor.kind, actor=actor.name)) == words

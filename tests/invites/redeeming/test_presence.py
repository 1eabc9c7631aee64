"""Whether an e-mail is known at all: what everyone who comes for the first time is spared to ask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from invites.models import Departure, SeatGrant
from invites.redeeming import presence
from invites.redeeming.redeem import redeem
from invites.states import DepartureReason, DepartureState, RedemptionState
from teampool.models import Member
from tests.cast import ANA, SAM, a_code, a_team
from tests.invites.rows import a_redemption


def a_member() -> None:
    Member.objects.create(team=a_team(), kind="member", upstream_id="user-1", email=ANA)


def a_departure() -> None:
    Departure.objects.create(team=a_team(), email=ANA, reason=DepartureReason.STRANGER)


def a_seat_under_another_address() -> None:
    SeatGrant.objects.create(redemption=a_redemption(email=SAM), team=a_team(), email=ANA)


def an_ended_redemption() -> None:
    a_redemption(email=ANA, state=RedemptionState.ENDED)


@pytest.mark.django_db
class TestIsKnown:
    @pytest.mark.parametrize("row", [a_member, a_departure, a_seat_under_another_address, an_ended_redemption])
    def test_one_row_anywhere_is_enough(self, row: Callable[[], None]) -> None:
        assert not presence.is_known(ANA)
        row()
        assert presence.is_known(ANA)
        assert not presence.is_known("somebody-else@example.com")

    def test_somebody_who_has_left_long_ago_is_new(self) -> None:
        a_departure()
        Departure.objects.update(state=DepartureState.DONE)
        assert not presence.is_known(ANA)

    def test_who_is_not_known_has_no_presence(self) -> None:
        a_team()
        assert presence.of(ANA, now=timezone.now()) == presence.Presence()


@pytest.mark.django_db(transaction=True)
class TestTheCostOfARedemption:
    def test_somebody_new_costs_few_statements_however_many_teams_there_are(self, settings: Any) -> None:
        settings.REDEEM_THROTTLE = "off"
        for _ in range(20):
            a_team()
        code = a_code().code
        with CaptureQueriesContext(connection) as asked:
            redeem(email=ANA, code=code)
        words = [query["sql"].split()[0] for query in asked]
        assert (words.count("SELECT"), words.count("INSERT"), words.count("UPDATE")) == (4, 5, 2), words
        assert [words.count(word) for word in ("BEGIN", "SAVEPOINT", "RELEASE", "COMMIT")] == [1, 0, 0, 1], words

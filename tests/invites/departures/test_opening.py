"""A departure is opened once for each person and Team, with its event."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from base.actors import Actor
from invites.actions import outsiders, seat
from invites.departures import opening
from invites.models import Departure
from invites.states import DepartureReason, GrantState
from notifications.models import AuditEvent
from teampool.models import Member, Team
from tests.cast import ANA, a_team
from tests.invites.departures.test_confirm import a_seat

pytestmark = pytest.mark.django_db(transaction=True)
OLGA = Actor("operator", "olga", "192.0.2.1")


def an_outsider(**fields: Any) -> Member:
    values = {"team": a_team(outsiders=1), "kind": "member", "email": ANA, "upstream_id": "user-ana"}
    return Member.objects.create(**(values | fields))


def automatic(team: Team, **fields: Any) -> Departure | None:
    values = {"email": ANA, "upstream_user_id": "user-ana", "reason": DepartureReason.STRANGER, "grant_id": None}
    return opening.open_automatic(
        team_id=team.pk, evidence={"sweep": 7}, now=timezone.now(), actor=OLGA, **(values | fields)
    )


def opened() -> list[dict[str, Any]]:
    """What the audit says of it, oldest first."""
    return [row.details for row in AuditEvent.objects.filter(action="departure_opened").order_by("pk")]


class TestBells:
    """A deed by hand is carried out at once, also while the reconciler is busy with somebody else."""

    def rung(self) -> list[tuple[str, tuple[int, ...]]]:
        return [(row.task["func"], tuple(row.task["args"])) for row in OrmQ.objects.all()]

    def test_a_seat_taken_back_rings_for_its_own_departure(self) -> None:
        seat.take_back(redemption_id=a_seat().redemption_id, actor=OLGA)
        assert ("invites.tasks.carry_out", (Departure.objects.get().pk,)) in self.rung()

    def test_a_removed_stranger_does_too(self) -> None:
        member = Member.objects.create(team=a_team(outsiders=1), kind="member", email=ANA, upstream_id="user-ana")
        departure = outsiders.remove(member_id=member.pk, actor=OLGA)
        assert ("invites.tasks.carry_out", (departure.pk,)) in self.rung()


class TestByHand:
    def test_it_leaves_its_event_once(self) -> None:
        grant = a_seat(sends=1)
        for _ in range(2):
            seat.take_back(redemption_id=grant.redemption_id, actor=OLGA)
        departure = Departure.objects.get()
        assert (departure.grant, departure.reason, departure.is_automatic) == (grant, "taken_back", False)
        assert (departure.evidence["seat"], departure.due_at) == ("joined", departure.opened_at)
        assert opened() == [{"reason": "taken_back"}]

    def test_so_does_an_outsiders(self) -> None:
        row = an_outsider()
        for _ in range(2):
            departure = outsiders.remove(member_id=row.pk, actor=OLGA)
        assert (departure.grant, departure.upstream_user_id, departure.is_automatic) == (None, "user-ana", False)
        assert departure.evidence == {"by": "olga", "kind": "member", "role": "", "invited_at": None}
        assert opened() == [{"reason": "stranger"}]

    def test_a_hidden_row_is_known_by_its_id(self) -> None:
        assert outsiders.remove(member_id=an_outsider(email="").pk, actor=OLGA).email == "user-ana"

    def test_a_hidden_row_that_is_a_seat_is_no_strangers(self) -> None:
        grant = a_seat(upstream_user_id="user-ana")
        row = Member.objects.create(team=grant.team, kind="member", upstream_id="user-ana", role="standard-user")
        with pytest.raises(seat.Refused) as refused:
            outsiders.remove(member_id=row.pk, actor=OLGA)
        assert refused.value.code == "seated"

    def test_the_guardians_becomes_that_of_the_seat(self) -> None:
        grant = a_seat()
        first = Departure.objects.create(team=grant.team, email=ANA, reason="overdue", is_automatic=True)
        seat.take_back(redemption_id=grant.redemption_id, actor=OLGA)
        departure = Departure.objects.get()
        assert (departure, departure.is_automatic) == (first, False)
        assert (departure.reason, departure.grant) == ("taken_back", grant)
        assert opened() == [{"reason": "taken_back"}]

    def test_or_that_of_the_outsider(self) -> None:
        row = an_outsider()
        first = Departure.objects.create(team=row.team, email=ANA, reason="duplicate", is_automatic=True)
        outsiders.remove(member_id=row.pk, actor=OLGA)
        departure = Departure.objects.get()
        assert (departure, departure.is_automatic, departure.reason) == (first, False, "stranger")
        assert opened() == [{"reason": "stranger"}]


class TestAutomatic:
    def test_its_event_says_what_it_was_found_by(self) -> None:
        departure = automatic(a_team())
        assert (departure.is_automatic, departure.evidence, departure.due_at) == (
            True,
            {"sweep": 7},
            departure.opened_at,
        )
        assert opened() == [{"reason": "stranger", "sweep": 7}]

    def test_one_that_is_open_is_left_as_it_is(self) -> None:
        row = an_outsider()
        by_hand = outsiders.remove(member_id=row.pk, actor=OLGA)
        assert automatic(row.team) == by_hand
        assert not Departure.objects.get().is_automatic
        assert len(opened()) == 1

    def test_none_is_opened_for_a_seat_that_is_over(self) -> None:
        grant = a_seat(GrantState.ENDED)
        assert automatic(grant.team, grant_id=grant.pk) is None
        assert (Departure.objects.count(), opened()) == (0, [])

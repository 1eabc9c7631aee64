"""Who takes a standard seat without a seat of ours, and who of ours takes none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from invites.following.follow import follow
from invites.following.sync import sync_team
from invites.models import SeatGrant
from invites.redeeming.redeem import redeem
from invites.states import GrantState
from sandbox.server import SandboxServer
from teampool.models import Team, Vacancy
from tests.cast import ANA, SAM, a_code, a_team, an_owner, import_sandbox_team
from tests.invites.clock import pass_time
from tests.invites.following.test_follow import a_member, a_snapshot, an_invite, numbers, seated

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def team() -> Team:
    return a_team(owner=an_owner(upstream_user_id="user-omar"))


def look(team: Team, *rows: Any, minutes: float) -> None:
    follow(team_id=team.pk, snapshot=a_snapshot(*rows, at=timezone.now() + timedelta(minutes=minutes)))


class TestPlacesThatWait:
    def test_a_stranger_who_leaves_leaves_a_place_that_waits(self, team: Team) -> None:
        look(team, a_member(SAM), minutes=0)
        look(team, minutes=1)
        assert numbers(team) == (0, 1, 4)
        look(team, minutes=15)
        assert numbers(team) == (0, 1, 4)
        look(team, minutes=17)
        assert numbers(team) == (0, 0, 4)
        assert Vacancy.objects.get().place_back_at is not None

    def test_a_read_without_a_number_gives_none_back(self, team: Team) -> None:
        look(team, a_member(SAM), minutes=0)
        look(team, minutes=1)
        snapshot = a_snapshot(at=timezone.now() + timedelta(minutes=30), entitled=None)
        follow(team_id=team.pk, snapshot=snapshot)
        assert numbers(team) == (0, 1, 4)

    def test_while_their_seat_is_not_ended_it_is_counted_once(self, team: Team) -> None:
        seated(team, state=GrantState.JOINED)
        look(team, a_member(ANA), minutes=0)
        look(team, minutes=1)
        assert (Vacancy.objects.count(), numbers(team)) == (1, (1, 0, 4))
        look(team, minutes=14)
        assert numbers(team) == (1, 0, 4)
        look(team, minutes=18)
        assert numbers(team) == (0, 0, 4)

    def test_whoever_comes_back_needs_another_place(self, team: Team) -> None:
        look(team, a_member(SAM), minutes=0)
        look(team, minutes=1)
        redeem(email=SAM, code=a_code(team=team).code)
        look(team, minutes=2)
        assert numbers(team) == (1, 1, 4)

    def test_a_seat_nobody_listed_as_a_member_waits_as_well(self, team: Team) -> None:
        """They joined and left between two looks: only the delivery had seen them."""
        seated(team, state=GrantState.JOINED, upstream_user_id="user-ana")
        for waits, there in ((0, (1, 0, 4)), (16, (0, 1, 4)), (10, (0, 1, 4)), (6, (0, 0, 4))):
            pass_time(waits * 60)
            look(team, minutes=0)
            assert numbers(team) == there, waits

    def test_a_hidden_row_is_nobody_who_left(self, team: Team) -> None:
        """Ana's place waits, counted as her seat; the hidden row is one more."""
        seated(team, state=GrantState.JOINED, upstream_user_id="user-ana")
        look(team, a_member(ANA, "user-ana"), minutes=0)
        look(team, a_member(None, "user-x"), minutes=1)
        assert numbers(team) == (1, 1, 4)


class TestSeatsOfAnotherKind:
    @pytest.mark.parametrize("kind", ["prolite", "usage_based", "automation"])
    def test_a_stranger_in_one_takes_no_place(self, team: Team, kind: str) -> None:
        look(team, a_member(SAM, seat_type=kind), minutes=0)
        assert numbers(team) == (0, 0, 4)

    def test_ours_in_one_takes_none_but_goes_on(self, team: Team) -> None:
        grant = seated(team, state=GrantState.JOINED)
        for minutes in (0, 20, 40):
            look(team, a_member(ANA, seat_type="prolite"), minutes=minutes)
        grant.refresh_from_db()
        team.refresh_from_db()
        assert (grant.state, team.seats_held, team.seats_elsewhere, team.seats_free) == (GrantState.JOINED, 1, 1, 4)

    def test_a_pending_invitation_beside_it_takes_one(self, team: Team) -> None:
        seated(team, state=GrantState.JOINED)
        look(team, a_member(ANA, seat_type="usage_based"), an_invite(ANA), minutes=0)
        team.refresh_from_db()
        assert (team.seats_held, team.outsiders, team.seats_elsewhere, team.seats_free) == (1, 1, 1, 3)


class TestWhoReadIt:
    def test_a_list_another_log_in_read_is_not_taken_over(self, sandbox: SandboxServer) -> None:
        """Its own row is another one: the log-in that leads now looks for itself."""
        team = import_sandbox_team(sandbox)
        snapshot = a_snapshot(at=timezone.now() + timedelta(minutes=1))
        object.__setattr__(snapshot, "reader_id", an_owner("other@example.com").pk)
        assert not follow(team_id=team.pk, snapshot=snapshot)
        assert sync_team(team_id=team.pk) is not None
        team.refresh_from_db()
        assert team.snapshot_has_self


def test_a_read_calls_nobody_absent_whose_seat_was_switched(team: Team) -> None:
    grant = seated(team, state=GrantState.VERIFIED)
    for minutes in (0, 20):
        look(team, a_member(ANA, seat_type="usage_based"), minutes=minutes)
    grant.refresh_from_db()
    assert (SeatGrant.objects.live().count(), grant.state) == (1, GrantState.JOINED)

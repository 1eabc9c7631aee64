"""Which list proves that somebody left, and what becomes of the seat and its code."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from base.actors import Actor
from invites.actions import outsiders, seat
from invites.delivery.drain import deliver
from invites.departures import closing
from invites.following.follow import follow
from invites.following.sync import sync_team
from invites.models import Departure, RedeemCode, Redemption, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming.redeem import redeem
from invites.seats import timing
from invites.states import SAID_MEMBER, DepartureState, GrantState
from sandbox.server import SandboxServer
from teampool.models import Member, Owner, Team
from tests.cast import ANA, OMAR, a_code, a_team, an_owner, import_sandbox_team
from tests.invites.actions.test_seat import listed, seated
from tests.invites.clock import pass_time
from tests.invites.following.test_follow import a_member, a_snapshot
from tests.invites.invariants import check_books
from tests.invites.rows import a_grant, a_redemption

pytestmark = pytest.mark.django_db(transaction=True)
OLGA = Actor("operator", "olga", "192.0.2.1")


def later(sandbox: SandboxServer, team: Team, seconds: float) -> None:
    """Time passes, and the worker looks once."""
    pass_time(seconds)
    sandbox.advance(seconds=seconds)
    sync_team(team_id=team.pk)
    reconcile()


def a_seat(state: GrantState = GrantState.JOINED, **fields: Any) -> SeatGrant:
    """Ana's seat in a Team of Omar's, an hour old."""
    team = a_team(held=1, owner=an_owner(upstream_user_id="user-omar"))
    hour_ago = timezone.now() - timedelta(hours=1)
    return a_grant(a_redemption(created_at=hour_ago), state, at=hour_ago, team=team, **fields)


class TestGoneByThemselves:
    """What was decided about a seat is not overtaken by its person being found gone."""

    def test_an_invitation_revoked_on_the_web_and_then_withdrawn_frees_its_code(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redemption = seated(sandbox)
        sandbox.revoke_from_web(account_id=team.account_id, email=ANA)
        sync_team(team_id=team.pk)
        pass_time(960)
        seat.withdraw(redemption_id=redemption.pk, actor=OLGA)
        for seconds in (0, 90, 960):
            later(sandbox, team, seconds)
        redemption.refresh_from_db()
        redemption.code.refresh_from_db()
        assert (redemption.state, redemption.refusal, redemption.code.uses_held) == ("refused", "withdrawn", 0)
        check_books()

    def test_somebody_being_moved_is_seated_elsewhere(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redemption = seated(sandbox, joined=True)
        other = import_sandbox_team(sandbox)
        sandbox.leave(account_id=team.account_id, email=ANA)
        sync_team(team_id=team.pk)
        pass_time(960)
        seat.reseat(redemption_id=redemption.pk, actor=OLGA)
        for seconds in (0, 90, 90):
            later(sandbox, team, seconds)
        redemption.refresh_from_db()
        assert (redemption.state, SeatGrant.objects.live().get().team) == ("open", other)
        check_books()

    def test_whoever_stays_after_all_may_be_found_gone_again(self) -> None:
        grant, now = a_seat(), timezone.now()
        departure = Departure.objects.create(team=grant.team, email=ANA, grant=grant, reason="overdue")
        for minutes, state in ((0, "joined"), (16, "joined"), (32, "joined"), (48, "ended")):
            follow(team_id=grant.team_id, snapshot=a_snapshot(at=now + timedelta(minutes=minutes)))
            grant.refresh_from_db()
            assert grant.state == state, minutes
            if minutes == 16:
                Departure.objects.filter(pk=departure.pk).update(state=DepartureState.DROPPED)


class TestAcceptedAMomentAgo:
    """In neither list for a while: the pending row is gone, the member's does not show yet."""

    @pytest.fixture
    def team(self, sandbox: SandboxServer) -> Team:
        return import_sandbox_team(sandbox, seats=2)

    def accept(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.lag(seconds=120)
        sandbox.accept(account_id=team.account_id, email=ANA)

    def test_a_withdrawn_code_is_not_freed_while_its_person_is_in(self, sandbox: SandboxServer, team: Team) -> None:
        redemption = seated(sandbox)
        self.accept(sandbox, team)
        seat.withdraw(redemption_id=redemption.pk, actor=OLGA)
        reconcile()
        later(sandbox, team, 65)
        assert Departure.objects.get().state == DepartureState.OPEN
        for _ in range(3):
            later(sandbox, team, 65)
        redemption.refresh_from_db()
        redemption.code.refresh_from_db()
        assert (redemption.state, redemption.code.uses_held, listed(sandbox, team)) == ("ended", 1, set())
        check_books()

    def test_a_seat_taken_back_takes_its_person_out(self, sandbox: SandboxServer, team: Team) -> None:
        redemption = seated(sandbox)
        self.accept(sandbox, team)
        seat.take_back(redemption_id=redemption.pk, actor=OLGA)
        reconcile()
        for _ in range(4):
            later(sandbox, team, 65)
        assert (listed(sandbox, team), Departure.objects.get().state) == (set(), DepartureState.DONE)

    def test_one_who_did_not_accept_after_all_frees_it_a_quarter_of_an_hour_later(
        self, sandbox: SandboxServer, team: Team
    ) -> None:
        redemption = seated(sandbox)
        sandbox.revoke_from_web(account_id=team.account_id, email=ANA)
        seat.withdraw(redemption_id=redemption.pk, actor=OLGA)
        reconcile()
        assert [row["op"] for row in sandbox.log()].count("revoke") == 1, "it may only not be shown this moment"
        at = timezone.now() + timing.LEAVE_AFTER
        bells = [row.lock for row in OrmQ.objects.all() if row.task["func"] == "invites.tasks.sync_team"]
        assert [bell for bell in bells if abs(bell - at) < timedelta(seconds=30)], "somebody has to look then"
        for seconds, state in ((65, "open"), (700, "open"), (200, "refused")):
            later(sandbox, team, seconds)
            redemption.refresh_from_db()
            assert redemption.state == state, seconds
        redemption.code.refresh_from_db()
        assert redemption.code.uses_held == 0
        assert SeatGrant.objects.get().state == GrantState.CANCELLED
        deliver()
        check_books()


def told(grant: SeatGrant | None = None, *, reason: str = "withdrawn", minutes: int = 2, **fields: Any) -> Departure:
    """Ana's way out, said to upstream two minutes ago: the invitation that was there is revoked."""
    at = timezone.now() - timedelta(minutes=minutes)
    values = {"email": ANA, "opened_at": at, "told_at": at, "evidence": {"saw": "invite"}}
    if grant is not None:
        values |= {"team": grant.team, "grant": grant}
    return Departure.objects.create(reason=reason, **(values | fields))


class TestBesideAHiddenRow:
    """The seat is an hour old; `since` is how many minutes before that the hidden person came."""

    @pytest.mark.parametrize(("since", "state"), [(30, "done"), (8, "open"), (-30, "open"), (None, "open")])
    def test_only_who_was_there_before_is_somebody_else(self, since: int | None, state: str) -> None:
        grant = a_seat(GrantState.VERIFIED)
        departure = told(grant)
        at = grant.created_at - timedelta(minutes=since) if since is not None else None
        follow(team_id=grant.team_id, snapshot=a_snapshot(a_member(None, "user-z", created_at=at)))
        departure.refresh_from_db()
        assert departure.state == state

    def test_the_code_is_free_and_the_hidden_person_still_takes_a_seat(self) -> None:
        grant = a_seat(GrantState.VERIFIED)
        told(grant)
        before = grant.created_at - timedelta(days=1)
        follow(team_id=grant.team_id, snapshot=a_snapshot(a_member(None, "user-z", created_at=before)))
        grant.team.refresh_from_db()
        assert (grant.team.seats_held, grant.team.outsiders) == (0, 1)
        reconcile()
        assert (Redemption.objects.get().refusal, RedeemCode.objects.get().uses_held) == ("withdrawn", 0)

    @pytest.mark.parametrize("known", [{"ask_first": True}, {"reason": SAID_MEMBER}])
    def test_whoever_may_have_been_in_before_their_seat_may_be_any_of_them(self, known: dict[str, Any]) -> None:
        grant = a_seat(GrantState.VERIFIED, **known)
        departure = told(grant)
        before = grant.created_at - timedelta(days=1)
        follow(team_id=grant.team_id, snapshot=a_snapshot(a_member(None, "user-z", created_at=before)))
        departure.refresh_from_db()
        assert departure.state == DepartureState.OPEN

    def test_an_earlier_try_in_the_same_team_counts_as_well(self) -> None:
        grant = a_seat(GrantState.VERIFIED)
        before = grant.created_at - timedelta(days=1)
        a_grant(grant.redemption, GrantState.ENDED, team=grant.team, created_at=before)
        departure = told(grant)
        follow(team_id=grant.team_id, snapshot=a_snapshot(a_member(None, "user-z", created_at=before)))
        departure.refresh_from_db()
        assert departure.state == DepartureState.OPEN

    def test_a_strangers_invitation_is_compared_by_its_own_time(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.invite_from_web(account_id=team.account_id, email=ANA)
        sync_team(team_id=team.pk)
        row = Member.objects.get(email=ANA)
        departure = outsiders.remove(member_id=row.pk, actor=OLGA)
        assert departure.evidence["invited_at"] == row.joined_at.isoformat()
        Departure.objects.update(evidence={})  # as the guardian opens it
        reconcile()
        departure.refresh_from_db()
        assert departure.evidence["invited_at"] == row.joined_at.isoformat()
        Owner.objects.update(upstream_user_id="user-omar", email=OMAR)
        for at, state in ((row.joined_at, "open"), (row.joined_at - timedelta(hours=1), "done")):
            hidden = a_member(None, "user-z", created_at=at)
            follow(team_id=team.pk, snapshot=a_snapshot(hidden, at=timezone.now() + timedelta(minutes=2)))
            departure.refresh_from_db()
            assert departure.state == state
            Team.objects.update(snapshot_started_at=None)

    def test_who_was_there_before_a_seat_is_not_counted_as_it(self) -> None:
        grant = a_seat(GrantState.INVITED)
        before = grant.created_at - timedelta(days=1)
        follow(team_id=grant.team_id, snapshot=a_snapshot(a_member(None, "user-z", created_at=before)))
        grant.team.refresh_from_db()
        assert (grant.team.seats_held, grant.team.outsiders) == (1, 1)


class TestWhoCannotBeMadeOut:
    """A row that came after the seat, without an e-mail: nobody can say whether it is the person who is to leave."""

    @pytest.mark.parametrize(
        ("reason", "state", "seats"),
        [
            ("overdue", "ended", (0, 1)),
            ("taken_back", "ended", (0, 1)),
            ("withdrawn", "ended", (0, 1)),
            ("reclaimed", "open", (1, 0)),
            ("reseated", "open", (1, 0)),
        ],
    )
    def test_the_seat_ends_and_no_code_is_freed(self, reason: str, state: str, seats: tuple[int, int]) -> None:
        grant = a_seat(GrantState.VERIFIED)
        departure = told(grant, reason=reason, minutes=16)
        hidden = a_member(None, "user-z")
        follow(team_id=grant.team_id, snapshot=a_snapshot(hidden, at=departure.told_at + timedelta(minutes=14)))
        departure.refresh_from_db()
        assert departure.state == DepartureState.OPEN
        follow(team_id=grant.team_id, snapshot=a_snapshot(hidden))
        reconcile()
        departure.refresh_from_db()
        grant.team.refresh_from_db()
        redemption = Redemption.objects.get()
        assert (departure.state, departure.last_problem) == (DepartureState.DROPPED, closing.HIDDEN)
        assert (redemption.state, redemption.code.uses_held) == (state, 1)
        assert (grant.team.seats_held, grant.team.outsiders) == seats
        check_books()

    def test_whoever_waits_for_it_goes_on(self) -> None:
        grant = a_seat(GrantState.VERIFIED)
        told(grant, reason="overdue", minutes=16)
        Redemption.objects.update(ends_at=timezone.now() - timedelta(hours=1))
        other = a_team()
        claim = redeem(email=ANA, code=a_code(team=other).code)
        follow(team_id=grant.team_id, snapshot=a_snapshot(a_member(None, "user-z")))
        reconcile()
        assert claim.grants.get().team == other

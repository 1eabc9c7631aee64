"""Seats follow a snapshot: who moves, who ends, who is an outsider, and what is never concluded."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from invites.following.follow import follow
from invites.following.sync import OLDER, sync, sync_team
from invites.models import Redemption, SeatGrant
from invites.redeeming.redeem import redeem
from invites.states import GrantState
from notifications.models import AuditEvent
from sandbox.server import SandboxServer
from teampool.models import AllowedMember, Member, Team
from teampool.pool import seats
from teampool.snapshot import Snapshot
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure, InviteRow, MemberRow, SeatPool, Subscription
from tests.cast import ANA, OMAR, SAM, a_code, a_team, an_owner, import_sandbox_team

pytestmark = pytest.mark.django_db(transaction=True)


def a_member(email: str | None, user_id: str = "", role: str = "standard-user", **fields: object) -> MemberRow:
    row = MemberRow(user_id or f"user-{email}", email, role, "default", "", None, None)
    return replace(row, **fields)  # type: ignore[arg-type]


def an_invite(email: str) -> InviteRow:
    return InviteRow(f"invite-{email}", email, "standard-user", "default", None)


def a_snapshot(
    *rows: MemberRow | InviteRow, at: datetime | None = None, entitled: int | None = 5, is_complete: bool = True
) -> Snapshot:
    owner = a_member(OMAR, "user-omar", "account-owner")
    started_at = at or timezone.now()
    pools = (SeatPool("default", entitled),)
    return Snapshot(
        started_at=started_at,
        ended_at=started_at,
        members=(owner, *(row for row in rows if isinstance(row, MemberRow))),
        invites=tuple(row for row in rows if isinstance(row, InviteRow)),
        is_complete=is_complete,
        problem="" if is_complete else "page 2: HTTP 500",
        subscription=Subscription(entitled, None, None, None, pools, has_pools=True) if entitled else None,
    )


@pytest.fixture
def team() -> Team:
    return a_team(owner=an_owner(upstream_user_id="user-omar"))


def seated(team: Team, email: str = ANA, state: str = GrantState.VERIFIED, **fields: object) -> SeatGrant:
    redeem(email=email, code=a_code(team=team).code)
    long_ago = timezone.now() - timedelta(hours=1)
    SeatGrant.objects.filter(email=email).update(
        state=state, created_at=long_ago, verified_at=long_ago, sends=1, due_at=None, **fields
    )
    return SeatGrant.objects.get(email=email)


def numbers(team: Team) -> tuple[int, int, int]:
    team.refresh_from_db()
    return team.seats_held, team.outsiders, team.seat_total


class TestFollow:
    @pytest.mark.parametrize("before", [GrantState.RESERVED, GrantState.INVITING, GrantState.INVITED])
    @pytest.mark.parametrize(
        ("row", "after"), [(an_invite(ANA), GrantState.VERIFIED), (a_member(ANA), GrantState.JOINED)]
    )
    def test_it_moves_whoever_is_seen(self, team: Team, before: str, row: InviteRow, after: str) -> None:
        grant = seated(team, state=before)
        assert follow(team_id=team.pk, snapshot=a_snapshot(row))
        grant.refresh_from_db()
        assert grant.state == after
        assert numbers(team) == (1, 0, 4)

    def test_it_matches_by_user_id_before_the_address(self, team: Team) -> None:
        grant = seated(team, state=GrantState.JOINED, upstream_user_id="user-7")
        follow(team_id=team.pk, snapshot=a_snapshot(a_member(None, "user-7"), a_member("new@example.com", "user-8")))
        grant.refresh_from_db()
        assert (grant.state, grant.absent_since) == (GrantState.JOINED, None)
        assert numbers(team) == (1, 1, 4)

    def test_an_address_under_a_foreign_id_does_not_take_the_seat_of_the_one_known_by_id(self, team: Team) -> None:
        grant = seated(team, state=GrantState.JOINED, upstream_user_id="user-7")
        follow(team_id=team.pk, snapshot=a_snapshot(a_member(ANA, "user-8"), a_member("new@example.com", "user-7")))
        grant.refresh_from_db()
        assert (grant.state, grant.upstream_user_id) == (GrantState.JOINED, "user-7")
        assert numbers(team) == (1, 1, 4)

    @pytest.mark.parametrize("shown", [ANA, SAM])
    def test_of_two_seats_with_one_id_the_one_stays_whose_address_is_shown(self, team: Team, shown: str) -> None:
        for email in (ANA, SAM):
            seated(team, email, state=GrantState.JOINED, upstream_user_id="user-7")
        follow(team_id=team.pk, snapshot=a_snapshot(a_member(shown, "user-7")))
        assert SeatGrant.objects.get(absent_since=None).email == shown

    def test_it_counts_strangers_and_counts_a_lingering_invite_once(self, team: Team) -> None:
        follow(team_id=team.pk, snapshot=a_snapshot(a_member(SAM), an_invite(SAM), an_invite("x@example.com")))
        assert numbers(team) == (0, 2, 4)

    def test_it_counts_neither_usage_based_nor_deactivated_people(self, team: Team) -> None:
        rows = (
            a_member("u@example.com", seat_type="usage_based"),
            a_member("d@example.com", deactivated_at=timezone.now()),
        )
        follow(team_id=team.pk, snapshot=a_snapshot(*rows))
        assert numbers(team) == (0, 0, 4)

    def test_who_was_deactivated_and_is_invited_again_sits_where_they_are_invited(self, team: Team) -> None:
        grant, now = seated(team), timezone.now()
        gone = a_member(ANA, deactivated_at=now)
        for minutes in (0, 16):
            at = now + timedelta(minutes=minutes)
            follow(team_id=team.pk, snapshot=a_snapshot(gone, an_invite(ANA), at=at))
        grant.refresh_from_db()
        assert (grant.state, numbers(team)) == (GrantState.VERIFIED, (1, 0, 4))

    def test_it_refuses_an_incomplete_and_an_older_snapshot(self, team: Team) -> None:
        now = timezone.now()
        assert not follow(team_id=team.pk, snapshot=a_snapshot(a_member(SAM), is_complete=False))
        assert follow(team_id=team.pk, snapshot=a_snapshot(a_member(SAM), at=now))
        assert not follow(team_id=team.pk, snapshot=a_snapshot(at=now - timedelta(seconds=30)))
        assert numbers(team) == (0, 1, 4)

    def test_it_does_not_move_a_grant_younger_than_the_look(self, team: Team) -> None:
        look = timezone.now()
        redeem(email=ANA, code=a_code().code)
        follow(team_id=team.pk, snapshot=a_snapshot(a_member(ANA), at=look))
        assert SeatGrant.objects.get().state == GrantState.RESERVED
        assert numbers(team) == (1, 0, 4)

    def test_it_ends_a_seat_only_after_two_complete_lists_a_quarter_of_an_hour_apart(self, team: Team) -> None:
        grant, now = (
            seated(team, state=GrantState.JOINED, joined_at=timezone.now() - timedelta(hours=1)),
            timezone.now(),
        )
        for minutes, state in ((0, "joined"), (14, "joined"), (16, "ended")):
            follow(team_id=team.pk, snapshot=a_snapshot(at=now + timedelta(minutes=minutes)))
            grant.refresh_from_db()
            assert grant.state == state, minutes
        assert (Redemption.objects.get().state, numbers(team)) == ("ended", (0, 0, 4))
        assert grant.redemption.code.uses_held == 1

    def test_it_forgets_an_absence_when_the_person_is_seen_again(self, team: Team) -> None:
        grant, now = seated(team), timezone.now()
        for minutes, rows in ((0, ()), (10, (an_invite(ANA),)), (20, ()), (30, ())):
            follow(team_id=team.pk, snapshot=a_snapshot(*rows, at=now + timedelta(minutes=minutes)))
        grant.refresh_from_db()
        assert grant.state == GrantState.VERIFIED

    @pytest.mark.parametrize("state", [GrantState.RESERVED, GrantState.INVITING, GrantState.INVITED])
    def test_it_never_calls_absent_who_was_never_listed(self, team: Team, state: str) -> None:
        grant, now = seated(team, state=state), timezone.now()
        for minutes in (0, 30, 60):
            follow(team_id=team.pk, snapshot=a_snapshot(at=now + timedelta(minutes=minutes)))
        grant.refresh_from_db()
        assert (grant.state, numbers(team)) == (state, (1, 0, 4))

    def test_it_never_calls_anyone_absent_while_a_row_is_hidden(self, team: Team) -> None:
        grant, now = seated(team, state=GrantState.JOINED), timezone.now()
        for minutes in (0, 30, 60):
            follow(team_id=team.pk, snapshot=a_snapshot(a_member(None, "user-9"), at=now + timedelta(minutes=minutes)))
        grant.refresh_from_db()
        assert (grant.state, numbers(team)) == (GrantState.JOINED, (1, 0, 4))

    def test_it_counts_hidden_rows_beyond_its_unmatched_seats_as_outsiders(self, team: Team) -> None:
        seated(team)
        follow(team_id=team.pk, snapshot=a_snapshot(a_member(None, "user-8"), a_member(None, "user-9")))
        assert numbers(team) == (1, 1, 4)

    @pytest.mark.parametrize("is_everywhere", [False, True])
    def test_it_knows_a_hidden_row_that_was_there_before(self, team: Team, is_everywhere: bool) -> None:
        where = None if is_everywhere else team
        AllowedMember.objects.create(team=where, upstream_user_id="user-9", origin="baseline")
        grant, now = seated(team, state=GrantState.JOINED), timezone.now()
        for minutes in (0, 30):
            follow(team_id=team.pk, snapshot=a_snapshot(a_member(None, "user-9"), at=now + timedelta(minutes=minutes)))
        grant.refresh_from_db()
        assert (grant.state, numbers(team)) == ("ended", (0, 1, 4))

    def test_it_protects_the_owner_by_id_whatever_the_labels_say(self, team: Team) -> None:
        rows = (a_member("a@example.com", role="account-owner"), a_member(None, "user-omar", "account-owner"))
        follow(team_id=team.pk, snapshot=a_snapshot(*rows))
        assert numbers(team) == (0, 1, 4)


class TestShrinkingSeats:
    def test_it_is_over_full_and_takes_nobody_until_people_left(self, team: Team) -> None:
        now = timezone.now()
        people = [f"p{n}@example.com" for n in range(4)]
        for email in people:
            seated(team, email, state=GrantState.JOINED)
        invites = [a_member(email) for email in people]
        follow(team_id=team.pk, snapshot=a_snapshot(*invites, at=now, entitled=3))
        assert numbers(team) == (4, 0, 2)
        assert AuditEvent.objects.filter(action="team_over_full").count() == 1
        for left in (1, 2, 3):
            assert not seats.hold(team_id=team.pk, now=timezone.now())
            for minutes in (left * 60, left * 60 + 20):
                follow(
                    team_id=team.pk,
                    snapshot=a_snapshot(*invites[left:], at=now + timedelta(minutes=minutes), entitled=3),
                )
        assert numbers(team) == (1, 0, 2)
        assert seats.hold(team_id=team.pk, now=timezone.now())
        assert not seats.hold(team_id=team.pk, now=timezone.now())

    def test_it_counts_a_stranger_between_two_looks(self, team: Team) -> None:
        for n in range(3):
            redeem(email=f"p{n}@example.com", code=a_code().code)
        follow(team_id=team.pk, snapshot=a_snapshot(a_member(SAM)))
        assert numbers(team) == (3, 1, 4)
        assert not seats.hold(team_id=team.pk, now=timezone.now())


class TestSync:
    def test_it_stores_who_is_there_and_what_was_bought(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.member(account_id=team.account_id, email=SAM)
        sandbox.invite_from_web(account_id=team.account_id, email="x@example.com")
        sandbox.set_workspace(account_id=team.account_id, seats_entitled=7)
        result = sync_team(team_id=team.pk)
        assert result is not None
        assert result.problem == ""
        assert numbers(team) == (0, 2, 6)
        assert sorted(Member.objects.filter(team=team).values_list("kind", flat=True)) == ["invite", "member", "member"]

    def test_it_keeps_what_it_had_when_a_page_fails(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.member(account_id=team.account_id, email=SAM)
        sync_team(team_id=team.pk)
        sandbox.fault(op="members", action={"preset": "500"}, times=0)
        result = sync_team(team_id=team.pk)
        assert result is not None
        assert result.problem
        team.refresh_from_db()
        assert (team.outsiders, team.sync_problem != "", team.failures) == (1, True, 0)

    def test_it_brings_a_suspended_team_back(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.set_workspace(account_id=team.account_id, suspended=True)
        sync_team(team_id=team.pk)
        team.refresh_from_db()
        assert team.workspace_state == "suspended"
        assert not Team.objects.allocatable(timezone.now()).exists()
        sandbox.set_workspace(account_id=team.account_id, suspended=False)
        sync_team(team_id=team.pk)
        team.refresh_from_db()
        assert team.workspace_state == "active"
        assert Team.objects.allocatable(timezone.now()).exists()

    def test_it_says_when_a_newer_list_is_stored(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox, sync_problem="said by the newer one")
        Team.objects.update(snapshot_started_at=timezone.now() + timedelta(days=2))
        result = sync_team(team_id=team.pk)
        team.refresh_from_db()
        assert result is not None
        assert (result.problem, team.sync_problem) == (OLDER, "said by the newer one")

    def test_it_is_done_once_by_two_workers(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        Team.objects.filter(pk=team.pk).update(sync_lease_until=timezone.now() + timedelta(minutes=1))
        assert sync_team(team_id=team.pk) is None
        assert sandbox.log() == []

    def test_a_look_whose_lease_ended_leaves_the_next_one_alone(
        self, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        team = import_sandbox_team(sandbox)
        theirs = timezone.now() + timedelta(minutes=9)

        def overtaken(*, team_id: int, snapshot: Snapshot) -> bool:
            Team.objects.update(sync_lease_until=theirs, sync_problem="said by the next one")
            raise UpstreamError(Failure.PROTOCOL_ERROR)

        monkeypatch.setattr("invites.following.sync.follow", overtaken)
        sync_team(team_id=team.pk)
        team.refresh_from_db()
        assert (team.sync_lease_until, team.sync_problem) == (theirs, "said by the next one")

    def test_it_takes_a_constant_number_of_queries_a_team(
        self, sandbox: SandboxServer, django_assert_max_num_queries: object
    ) -> None:
        team = import_sandbox_team(sandbox, seats=60)
        for n in range(50):
            sandbox.member(account_id=team.account_id, email=f"m{n}@example.com")
        with django_assert_max_num_queries(31):  # type: ignore[operator]
            sync_team(team_id=team.pk)
        with django_assert_max_num_queries(31):  # type: ignore[operator]
            sync_team(team_id=team.pk)

    def test_it_looks_at_several_teams_at_once(self, sandbox: SandboxServer) -> None:
        teams = [import_sandbox_team(sandbox) for _ in range(5)]
        assert sync(team_ids=[team.pk for team in teams]) == 5

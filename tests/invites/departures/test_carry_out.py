"""When upstream is told of a departure, and when it waits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from invites.actions import seat
from invites.admin.reasons import in_the_way
from invites.departures import carry_out as depart
from invites.departures import closing
from invites.departures.carry_out import carry_out
from invites.following.sync import sync_team
from invites.models import Departure, SeatGrant
from invites.reconcile import LEASE, reconcile
from invites.seats import timing
from invites.states import DepartureState, GrantState
from sandbox.server import SandboxServer
from teampool import leases
from teampool.models import Team
from tests.cast import ANA, SAM, import_sandbox_team
from tests.invites.actions.test_seat import listed, seated
from tests.invites.departures.test_confirm import OLGA, later
from tests.invites.rows import a_grant, a_redemption

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def team(sandbox: SandboxServer) -> Team:
    """With Sam in it, who is to leave."""
    team = import_sandbox_team(sandbox)
    sync_team(team_id=team.pk)
    sandbox.member(team.account_id, SAM, lag=0)
    return team


def a_departure(team: Team, **fields: Any) -> Departure:
    values = {"reason": "stranger", "is_automatic": True, "due_at": timezone.now()}
    return Departure.objects.create(team=team, email=SAM, **(values | fields))


def is_in(sandbox: SandboxServer, team: Team) -> bool:
    space = next(one for one in sandbox.dump()["workspaces"] if one["account_id"] == team.account_id)
    return SAM in {one["email"] for one in space["members"]}


class TestIncompleteLists:
    @pytest.mark.parametrize("lists", ["members", "invites"])
    def test_the_guardian_takes_nobody_out_after_one(self, sandbox: SandboxServer, team: Team, lists: str) -> None:
        departure = a_departure(team)
        sandbox.invite_from_web(team.account_id, ANA)
        sandbox.fault(lists, "page_more_than_total", times=0)
        assert not carry_out(departure_id=departure.pk)
        assert is_in(sandbox, team)
        departure.refresh_from_db()
        assert departure.state == DepartureState.OPEN
        assert departure.last_problem
        sandbox.clear_faults()
        Departure.objects.update(due_at=timezone.now())
        assert carry_out(departure_id=departure.pk)
        assert not is_in(sandbox, team)

    def test_a_removal_by_hand_of_somebody_who_is_seen_goes_on(self, sandbox: SandboxServer, team: Team) -> None:
        departure = a_departure(team, is_automatic=False, reason="taken_back")
        sandbox.fault("members", "page_more_than_total", times=0)
        assert carry_out(departure_id=departure.pk)
        assert not is_in(sandbox, team)


class TestNoRoles:
    def test_nobody_is_removed_by_a_list_that_does_not_say_who_is_an_owner(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        redemption = seated(sandbox, joined=True)
        seat.take_back(redemption_id=redemption.pk, actor=OLGA)
        own = {"id": team.owner.upstream_user_id, "email": team.owner.email, "role": "account-owner"}
        ana = {"id": SeatGrant.objects.get().upstream_user_id, "email": ANA}
        body = {"items": [own, ana], "total": 2, "limit": 100, "offset": 0}
        sandbox.fault("members", action={"status": 200, "body": body}, times=0)
        reconcile()
        departure = Departure.objects.get()
        assert (listed(sandbox, team), departure.state, departure.told_at) == ({ANA}, DepartureState.OPEN, None)
        assert in_the_way(departure.last_problem)
        sandbox.clear_faults()
        later(sandbox, team, 90)
        assert listed(sandbox, team) == set()


class TestCoolingDown:
    def test_a_team_that_cools_down_is_not_asked(self, sandbox: SandboxServer, team: Team) -> None:
        until = timezone.now() + timedelta(minutes=15)
        Team.objects.update(cooldown_until=until)
        departure = a_departure(team, is_automatic=False, reason="taken_back")
        sandbox.clear_log()
        assert not carry_out(departure_id=departure.pk)
        assert sandbox.log() == []
        departure.refresh_from_db()
        assert (departure.due_at, departure.lease_until, departure.last_problem) == (until, None, "")

    @pytest.mark.parametrize("step", ["members", "remove"])
    def test_it_comes_back_when_upstream_said(self, sandbox: SandboxServer, team: Team, step: str) -> None:
        departure = a_departure(team)
        slow = {"status": 429, "body": {"detail": "Too many requests"}, "headers": {"Retry-After": "600"}}
        sandbox.fault(step, slow, times=0)
        before = timezone.now()
        assert not carry_out(departure_id=departure.pk)
        departure.refresh_from_db()
        team.refresh_from_db()
        assert departure.due_at == team.cooldown_until
        assert departure.due_at > before + timedelta(minutes=9)

    def test_a_busy_team_is_asked_again_within_seconds(self, sandbox: SandboxServer, team: Team) -> None:
        departure = a_departure(team)
        sandbox.fault("remove", "busy_409")
        before = timezone.now()
        assert not carry_out(departure_id=departure.pk)
        departure.refresh_from_db()
        assert departure.due_at <= before + timing.RETRIES_BUSY[0] + timedelta(seconds=5)


class TestNotPermitted:
    def test_it_ends_where_our_own_user_may_remove_people(self, sandbox: SandboxServer, team: Team) -> None:
        departure = a_departure(team)
        sandbox.fault("remove", "forbidden_403")
        assert not carry_out(departure_id=departure.pk)
        departure.refresh_from_db()
        team.refresh_from_db()
        assert (departure.state, departure.last_problem) == (DepartureState.DROPPED, closing.NOT_PERMITTED)
        assert team.workspace_state == Team.Workspace.ACTIVE

    def test_it_waits_where_our_own_user_lost_its_role(self, sandbox: SandboxServer, team: Team) -> None:
        departure = a_departure(team)
        sandbox.member(team.account_id, team.owner.email, role="standard-user", lag=0)
        assert not carry_out(departure_id=departure.pk)
        departure.refresh_from_db()
        team.refresh_from_db()
        assert (departure.state, departure.last_problem) == (DepartureState.OPEN, depart.UNAVAILABLE)
        assert team.workspace_state == Team.Workspace.INSUFFICIENT_ROLE
        sandbox.member(team.account_id, team.owner.email, role="account-owner", lag=0)
        sync_team(team_id=team.pk)
        Departure.objects.update(due_at=timezone.now())
        assert carry_out(departure_id=departure.pk)
        assert not is_in(sandbox, team)


class TestReconcile:
    """The backup that tells upstream of whatever is due."""

    def rung(self) -> list[str]:
        return [row.task["func"] for row in OrmQ.objects.all()]

    def test_it_stops_when_its_time_is_up_and_comes_back_at_once(
        self, sandbox: SandboxServer, team: Team, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        a_departure(team)
        OrmQ.objects.all().delete()
        with monkeypatch.context() as patched:
            patched.setattr(timing, "DEPARTURES", timedelta())
            assert reconcile()["departures"] == 0
        assert is_in(sandbox, team)
        assert self.rung() == ["invites.tasks.reconcile"]
        assert reconcile()["departures"] == 1
        assert not is_in(sandbox, team)

    def test_one_worker_at_a_time_is_at_it(self, sandbox: SandboxServer, team: Team) -> None:
        a_departure(team)
        with leases.slot(LEASE, ttl=timedelta(minutes=1)) as taken:
            assert taken is not None
            assert reconcile()["departures"] == 0
        assert reconcile()["departures"] == 1

    def test_whatever_else_is_to_be_finished_comes_first(self, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
        a_departure(team)
        grant = a_grant(a_redemption(resend_wanted_at=timezone.now()), GrantState.INVITED)

        class Killed(BaseException):
            """The task's time was up."""

        def hang(**_which: int) -> bool:
            raise Killed

        monkeypatch.setattr(depart, "carry_out", hang)
        with pytest.raises(Killed):
            reconcile()
        grant.refresh_from_db()
        assert grant.due_at is not None

"""What must not take anybody out: old databases, empty lists, somebody else's lists, and a change of mind."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import requests
from django.utils import timezone

from guardian import mode, settings
from guardian.clockwork import heartbeats
from guardian.models import Finding, Sweep, Watch
from guardian.rules.states import State
from guardian.sweeping import findings, sweep
from invites.actions import outsiders, seat
from invites.departures.carry_out import carry_out
from invites.following.sync import sync, sync_team
from invites.models import Departure, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming.redeem import redeem
from invites.settings import REMOVALS_PAUSED
from invites.states import GrantState
from notifications.models import AuditEvent
from notifications.settings import runtime
from sandbox.server import SandboxServer
from teampool.models import AllowedMember, ApiKey, Owner, Team
from tests.cast import ANA, SAM, a_code, import_sandbox_team, run_together
from tests.guardian.clock import pass_time
from tests.guardian.pool import HOUR, OLGA, configure
from tests.invites.invariants import check_books
from tests.invites.rows import a_grant, a_redemption
from tests.teampool.imports.bringing import bring, csv_line

pytestmark = pytest.mark.django_db(transaction=True)


def people_of(sandbox: SandboxServer, team: Team) -> set[str]:
    space = next(one for one in sandbox.dump()["workspaces"] if one["account_id"] == team.account_id)
    return {one["email"] for one in space["members"] + space["invites"]} - {team.owner.email}


def enforce() -> None:
    configure()
    mode.enable(actor=OLGA)
    mode.set_mode(mode=settings.ENFORCE, would_go=0, actor=OLGA)


def look(sandbox: SandboxServer, times: int = 1, *, apart: int = 400) -> Sweep:
    for _ in range(times):
        pass_time(sandbox, apart)
        done = sweep.run_now(is_dry=False)
        assert done is not None
        reconcile()
    done.refresh_from_db()
    return done


def a_joined(sandbox: SandboxServer, team: Team, email: str, *, ends_at: Any = None) -> SeatGrant:
    sandbox.member(team.account_id, email, lag=0)
    grant = a_grant(a_redemption(email, ends_at=ends_at), GrantState.JOINED, team=team)
    Team.objects.filter(pk=team.pk).update(seats_held=team.grants.live().count())
    return grant


def lists_of(sandbox: SandboxServer, team: Team, path: str) -> Any:
    """What the service would answer for this Team, as it is sent."""
    headers = {"Authorization": f"Bearer {team.access_token}", "chatgpt-account-id": team.account_id}
    answer = requests.get(
        f"{sandbox.url}/backend-api/accounts/{team.account_id}/{path}?offset=0&limit=100", headers=headers, timeout=5
    )
    answer.raise_for_status()
    return answer.json()


def audit() -> set[str]:
    return set(AuditEvent.objects.values_list("action", flat=True))


class TestStoodStill:
    """A database restored from yesterday's copy."""

    def test_nobody_is_removed_until_an_operator_says_so(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sync_team(team_id=team.pk)
        enforce()
        sandbox.member(team.account_id, SAM, lag=0)
        grant = a_joined(sandbox, team, ANA, ends_at=timezone.now() - HOUR)
        heartbeats.beat(timezone.now() - timedelta(hours=26))
        look(sandbox, 4)
        assert people_of(sandbox, team) == {SAM, ANA}
        assert REMOVALS_PAUSED.get()
        assert "removals_paused" in audit()
        # By hand neither: the operator looks first.
        seat.take_back(redemption_id=grant.redemption_id, actor=OLGA)
        look(sandbox)
        assert people_of(sandbox, team) == {SAM, ANA}
        heartbeats.beat(timezone.now())
        mode.resume_removals(actor=OLGA)
        look(sandbox, 2)
        assert people_of(sandbox, team) == set()

    def test_a_heartbeat_after_a_long_silence_pauses_before_it_is_written(self) -> None:
        now = timezone.now()
        heartbeats.beat(now - timedelta(minutes=61))
        assert heartbeats.pause_if_stale(now)
        assert REMOVALS_PAUSED.get()

    def test_an_hour_is_still_a_pause_for_coffee(self) -> None:
        now = timezone.now()
        assert not heartbeats.pause_if_stale(now)  # a fresh installation never beat
        heartbeats.beat(now - timedelta(minutes=59))
        assert not heartbeats.pause_if_stale(now)


class TestListsThatLie:
    @pytest.fixture
    def teams(self, sandbox: SandboxServer) -> list[Team]:
        """Two Teams of one log-in, with two people of ours each."""
        first = import_sandbox_team(sandbox)
        opened = sandbox.workspace(email=first.owner.email, seats=5)
        teams = [first, import_sandbox_team(sandbox, opened["account_id"])]
        for number, team in enumerate(teams):
            for place in "ab":
                a_joined(sandbox, team, f"{place}{number}@example.com")
        sync(team_ids=[team.pk for team in teams])
        enforce()
        return teams

    def check_unharmed(self, sandbox: SandboxServer, teams: list[Team]) -> None:
        assert people_of(sandbox, teams[0]) == {"a0@example.com", "b0@example.com"}
        assert people_of(sandbox, teams[1]) == {"a1@example.com", "b1@example.com"}
        assert set(SeatGrant.objects.values_list("state", flat=True)) == {GrantState.JOINED}
        assert not Departure.objects.exists()
        assert not Finding.objects.exists()
        check_books()

    def test_an_empty_list_removes_nobody_and_is_told(self, sandbox: SandboxServer, teams: list[Team]) -> None:
        body = {"items": [], "total": 0, "limit": 100, "offset": 0}
        sandbox.fault("members", {"status": 200, "body": body}, account_id=teams[0].account_id, times=0)
        done = look(sandbox, 5, apart=1000)
        assert done.skipped == {"incomplete": [str(teams[0])]}
        self.check_unharmed(sandbox, teams)
        assert AuditEvent.objects.filter(action="list_untrusted").count() == 1
        assert not Team.objects.allocatable(timezone.now()).filter(pk=teams[0].pk).exists()
        sandbox.clear_faults()
        look(sandbox)
        assert Team.objects.allocatable(timezone.now()).filter(pk=teams[0].pk).exists()

    def test_a_list_of_another_workspace_removes_nobody_and_is_told(
        self, sandbox: SandboxServer, teams: list[Team]
    ) -> None:
        body = lists_of(sandbox, teams[1], "users")
        sandbox.fault("members", {"status": 200, "body": body}, account_id=teams[0].account_id, times=0)
        look(sandbox, 5, apart=1000)
        self.check_unharmed(sandbox, teams)
        assert AuditEvent.objects.filter(action="list_untrusted").count() == 1

    def test_without_that_check_seats_would_be_lost(
        self, sandbox: SandboxServer, teams: list[Team], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: it is this check that keeps them."""
        monkeypatch.setattr("invites.following.follow.why_untrusted", lambda team, snapshot: "")
        body = lists_of(sandbox, teams[1], "users")
        sandbox.fault("members", {"status": 200, "body": body}, account_id=teams[0].account_id, times=0)
        look(sandbox, 5, apart=1000)
        assert SeatGrant.objects.filter(state=GrantState.ENDED).count() == 2

    def test_a_team_nobody_knew_anyone_in_is_not_judged_by_its_sisters_list(self, sandbox: SandboxServer) -> None:
        full = import_sandbox_team(sandbox)
        opened = sandbox.workspace(email=full.owner.email, seats=5)
        empty = import_sandbox_team(sandbox, opened["account_id"])
        for place in "ab":
            a_joined(sandbox, full, f"{place}@example.com")
        sync(team_ids=[full.pk, empty.pk])
        enforce()
        body = lists_of(sandbox, full, "users")
        sandbox.fault("members", {"status": 200, "body": body}, account_id=empty.account_id, times=0)
        done = look(sandbox, 4)
        assert done.skipped == {"other_workspace": [str(full), str(empty)]}
        assert not Finding.objects.exists()


class TestDeletedAndImportedAgain:
    def test_everybody_there_is_baseline(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sync_team(team_id=team.pk)
        enforce()
        a_joined(sandbox, team, ANA)
        sandbox.member(team.account_id, SAM, lag=0)
        login = next(one for one in sandbox.credentials() if team.account_id in one["account_ids"])
        for model in (Finding, Departure):
            model.objects.all().delete()
        SeatGrant.objects.all().delete()
        team.delete()
        Owner.objects.all().delete()
        (line,) = bring(csv_line(login, "email", "access_token", "session_token"))
        assert line.state == "created"
        look(sandbox, 5)
        again = Team.objects.get()
        assert people_of(sandbox, again) == {ANA, SAM}
        assert set(AllowedMember.objects.values_list("email", flat=True)) == {ANA, SAM}
        assert not Finding.objects.exists()
        assert not ApiKey.objects.exists()


class TestMindsChange:
    """Between the finding and the call."""

    @pytest.fixture
    def team(self, sandbox: SandboxServer) -> Team:
        team = import_sandbox_team(sandbox)
        sync_team(team_id=team.pk)
        enforce()
        return team

    def a_written_departure(self, sandbox: SandboxServer, team: Team) -> Departure:
        """Sam's removal stands in the books, and upstream was not told yet."""
        sandbox.member(team.account_id, SAM, lag=0)
        sandbox.fault("remove", "busy_409", times=0)
        look(sandbox, 3)
        return Departure.objects.get(state="open")

    def test_whoever_redeems_meanwhile_stays(self, sandbox: SandboxServer, team: Team) -> None:
        departure = self.a_written_departure(sandbox, team)
        sandbox.clear_faults()
        redeem(email=SAM, code=a_code().code)
        pass_time(sandbox, 60)
        carry_out(departure_id=departure.pk)
        departure.refresh_from_db()
        assert (departure.state, departure.last_problem) == ("dropped", "a redemption is under way")
        assert people_of(sandbox, team) == {SAM}

    def test_whoever_is_allowed_meanwhile_stays(self, sandbox: SandboxServer, team: Team) -> None:
        departure = self.a_written_departure(sandbox, team)
        sandbox.clear_faults()
        outsiders.allow(team=team, email=SAM, actor=OLGA)
        pass_time(sandbox, 60)
        carry_out(departure_id=departure.pk)
        assert people_of(sandbox, team) == {SAM}

    def test_an_extended_seat_stays(self, sandbox: SandboxServer, team: Team) -> None:
        grant = a_joined(sandbox, team, ANA, ends_at=timezone.now() - HOUR)
        sandbox.fault("remove", "busy_409", times=0)
        look(sandbox)
        sandbox.clear_faults()
        seat.set_end(redemption_id=grant.redemption_id, ends_at=timezone.now() + HOUR, actor=OLGA)
        look(sandbox, 2, apart=60)
        assert people_of(sandbox, team) == {ANA}
        assert Departure.objects.get().last_problem == "was extended meanwhile"
        assert Finding.objects.get().state == State.GONE

    @pytest.mark.parametrize("change", ["off", "report"])
    def test_switching_off_calls_back_what_nobody_was_told(
        self, sandbox: SandboxServer, team: Team, change: str
    ) -> None:
        departure = self.a_written_departure(sandbox, team)
        sandbox.clear_faults()
        if change == "off":
            mode.disable(actor=OLGA)
        else:
            mode.set_mode(mode=settings.REPORT, would_go=0, actor=OLGA)
        departure.refresh_from_db()
        assert departure.state == "dropped"
        look(sandbox, 2)
        assert people_of(sandbox, team) == {SAM}

    def test_switching_off_by_command_does_so_at_the_next_beat(self, sandbox: SandboxServer, team: Team) -> None:
        departure = self.a_written_departure(sandbox, team)
        runtime.change({settings.ENABLED.key: "off"}, actor=OLGA)
        sandbox.clear_faults()
        assert not sweep.run_due()
        departure.refresh_from_db()
        assert departure.state == "dropped"
        assert Watch.objects.get().armed_at is None

    def test_a_dismissed_person_is_left_alone_and_found_anew_after_a_return(
        self, sandbox: SandboxServer, team: Team
    ) -> None:
        sandbox.member(team.account_id, SAM, lag=0)
        look(sandbox)
        findings.dismiss(finding_id=Finding.objects.get().pk, actor=OLGA)
        look(sandbox, 4)
        assert people_of(sandbox, team) == {SAM}
        sandbox.leave(team.account_id, SAM)
        look(sandbox)
        sandbox.member(team.account_id, SAM, lag=0)
        look(sandbox)
        assert list(Finding.objects.order_by("pk").values_list("state", flat=True)) == [State.GONE, State.OPEN]

    def test_a_crowd_waits_for_a_person(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.set_workspace(team.account_id)
        crowd = {f"crowd{n}@example.com" for n in range(3)}
        for email in crowd:
            sandbox.member(team.account_id, email, lag=0)
        done = look(sandbox, 4)
        assert people_of(sandbox, team) == crowd
        assert set(Finding.objects.values_list("state", flat=True)) == {State.HELD}
        assert AuditEvent.objects.filter(action="guardian_capped").count() == 1
        assert done.removals == 0
        first = Finding.objects.first()
        findings.approve(finding_id=first.pk, actor=OLGA)
        look(sandbox, 2)
        assert people_of(sandbox, team) == crowd - {first.email}

    def test_who_follows_a_crowd_waits_with_it(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox, seats=30)
        sync_team(team_id=team.pk)
        enforce()
        crowd = {f"crowd{n}@example.com" for n in range(3)}
        for email in crowd:
            sandbox.member(team.account_id, email, lag=0)
        look(sandbox, 2)
        for email in ("late1@example.com", "late2@example.com"):
            sandbox.member(team.account_id, email, lag=0)
            look(sandbox, 3)
            crowd.add(email)
        assert people_of(sandbox, team) == crowd
        assert set(Finding.objects.values_list("state", flat=True)) == {State.HELD}
        told = AuditEvent.objects.filter(action="guardian_capped").order_by("pk")
        assert [one.details["wanted"] for one in told] == [3, 4, 5]


class TestOneAtATime:
    def test_two_at_once_are_one(self, sandbox: SandboxServer) -> None:
        for _ in range(3):
            import_sandbox_team(sandbox)
        configure()
        sandbox.set_latency(0.05)
        done = run_together(*[lambda: sweep.run_now(is_dry=True) for _ in range(4)])
        assert sum(one is not None for one in done) == 1
        assert Sweep.objects.count() == 1

    def test_outside_its_hours_nothing_happens(self, sandbox: SandboxServer, time_machine: Any) -> None:
        import_sandbox_team(sandbox)
        enforce()
        configure(active_from="09:00", active_until="22:00")
        time_machine.move_to(timezone.localtime().replace(hour=23, minute=0))
        assert not sweep.run_due()
        assert not Sweep.objects.exists()

    def test_the_next_one_is_not_begun_early(self, sandbox: SandboxServer) -> None:
        import_sandbox_team(sandbox)
        enforce()
        assert not sweep.run_due()
        assert not sweep.run_due()  # rung twice
        assert Sweep.objects.count() == 1

    def test_a_pool_too_large_for_the_interval_is_told_once(self, sandbox: SandboxServer) -> None:
        import_sandbox_team(sandbox)
        enforce()
        configure(interval_min_seconds=0, interval_max_seconds=0)
        sandbox.set_latency(0.4)
        look(sandbox, 2)
        assert AuditEvent.objects.filter(action="sweep_too_slow").count() == 1
        configure(interval_min_seconds=90, interval_max_seconds=120)
        look(sandbox)
        assert Watch.objects.get().too_slow_since is None


class TestANewAddress:
    def test_whoever_was_allowed_by_the_old_one_stays(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sync_team(team_id=team.pk)
        enforce()
        outsiders.allow(team=team, email=SAM, actor=OLGA)
        user_id = sandbox.member(team.account_id, SAM, lag=0)["user_id"]
        look(sandbox)
        assert AllowedMember.objects.get().upstream_user_id == user_id
        row = lists_of(sandbox, team, "users")
        for one in row["items"]:
            one["email"] = one["email"].replace(SAM, "samuel@example.com")
        sandbox.fault("members", {"status": 200, "body": row}, account_id=team.account_id, times=0)
        look(sandbox, 4)
        assert not Finding.objects.exists()
        assert people_of(sandbox, team) == {SAM}

"""A sweep against the sandbox: who goes, who stays, and what is written down."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from base import actors
from guardian import mode
from guardian.decisions import status
from guardian.models import Finding, Sweep
from guardian.rules.states import Kind, State
from guardian.sweeping import sweep
from invites.following.sync import sync_team
from invites.models import Departure, SeatGrant
from invites.states import GrantState
from notifications.settings import runtime
from sandbox.server import SandboxServer
from teampool.models import AllowedMember, Team
from tests.cast import ANA, SAM, import_sandbox_team
from tests.invites.clock import pass_time
from tests.invites.rows import a_grant, a_redemption

pytestmark = pytest.mark.django_db(transaction=True)
OLGA = actors.Actor("operator", "olga")


def configure(**values: object) -> None:
    fast = {"pause_min_seconds": 0, "pause_max_seconds": 0, "active_from": "00:00", "active_until": "00:00"}
    pairs = {f"guardian.{key}": str(value) for key, value in (fast | values).items()}
    runtime.change(pairs, actor=OLGA, force=True)


def people_of(sandbox: SandboxServer, team: Team) -> set[str]:
    space = next(one for one in sandbox.dump()["workspaces"] if one["account_id"] == team.account_id)
    return {one["email"] for one in space["members"] + space["invites"]} - {team.owner.email}


def age_findings(minutes: int) -> None:
    for one in Finding.objects.all():
        by = timedelta(minutes=minutes)
        Finding.objects.filter(pk=one.pk).update(
            first_seen_at=one.first_seen_at - by, last_seen_at=one.last_seen_at - by
        )


def look(times: int = 1) -> Sweep:
    """Whole sweeps, a minute apart."""
    for _ in range(times):
        pass_time(61)
        age_findings(1)
        done = sweep.run_now(is_dry=False)
        assert done is not None
    return done


@pytest.fixture
def team(sandbox: SandboxServer) -> Team:
    team = import_sandbox_team(sandbox)
    sync_team(team_id=team.pk)
    configure()
    mode.enable(actor=OLGA)
    return team


class TestStranger:
    def test_it_is_reported_and_stays_in_report_mode(self, sandbox: SandboxServer, team: Team) -> None:
        sandbox.invite_from_web(team.account_id, SAM)
        look(4)
        age_findings(60)
        look()
        finding = Finding.objects.get()
        assert (finding.kind, finding.email, finding.state, finding.sightings) == (Kind.STRANGER, SAM, State.OPEN, 5)
        assert people_of(sandbox, team) == {SAM}
        assert not Departure.objects.exists()

    def test_it_leaves_after_the_sightings_and_the_grace_in_enforce_mode(
        self, sandbox: SandboxServer, team: Team
    ) -> None:
        mode.set_mode(mode="enforce", would_go=0, actor=OLGA)
        sandbox.invite_from_web(team.account_id, SAM)
        look(3)
        assert people_of(sandbox, team) == {SAM}  # seen often enough, and not long enough
        age_findings(30)
        done = look()
        assert people_of(sandbox, team) == set()
        assert done.removals == 1
        assert Finding.objects.get().state == State.REMOVING
        look()
        finding = Finding.objects.get()
        assert (finding.state, finding.departure.state) == (State.REMOVED, "done")
        assert finding.departure.evidence["sightings"] == 4

    def test_whoever_was_there_when_it_was_enabled_is_baseline(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.invite_from_web(team.account_id, SAM)
        sync_team(team_id=team.pk)
        configure(mode="report")
        assert mode.enable(actor=OLGA) == 1
        mode.set_mode(mode="enforce", would_go=0, actor=OLGA)
        look(4)
        assert AllowedMember.objects.get().email == SAM
        assert not Finding.objects.exists()


class TestOverdue:
    def seat(self, sandbox: SandboxServer, team: Team) -> SeatGrant:
        sandbox.invite_from_web(team.account_id, ANA)
        redemption = a_redemption(seat_time=timedelta(hours=1), ends_at=timezone.now() - timedelta(seconds=1))
        Team.objects.filter(pk=team.pk).update(seats_held=1)
        return a_grant(redemption, GrantState.VERIFIED, team=team)

    def test_it_leaves_at_once_in_report_mode_too(self, sandbox: SandboxServer, team: Team) -> None:
        grant = self.seat(sandbox, team)
        look()
        assert people_of(sandbox, team) == set()
        look()
        grant.refresh_from_db()
        assert (grant.state, grant.redemption.state, grant.reason) == (GrantState.ENDED, "ended", "overdue")
        assert Finding.objects.get().state == State.REMOVED

    def test_it_leaves_a_team_that_takes_no_invitations_as_well(self, sandbox: SandboxServer, team: Team) -> None:
        self.seat(sandbox, team)
        Team.objects.update(workspace_state=Team.Workspace.RESTRICTED, restricted_at=timezone.now())
        done = look()
        assert people_of(sandbox, team) == set()
        assert done.skipped == {}
        assert status.progress(done) == (1, 1)

    def test_it_stays_while_the_guardian_is_off(self, sandbox: SandboxServer, team: Team) -> None:
        self.seat(sandbox, team)
        mode.disable(actor=OLGA)
        look()
        assert people_of(sandbox, team) == {ANA}
        assert Finding.objects.get().kind == Kind.OVERDUE

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from base.actors import job
from invites.following.sync import EVERY, stale_team_ids, sync, sync_team
from sandbox.server import SandboxServer
from teampool.login.tokens import expire_team, store_tokens
from teampool.models import Owner, Team
from teampool.teams import health, look_again
from teampool.upstream.types import Failure
from tests.cast import a_team, import_sandbox_team

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = job("test")
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def minutes_of_looks(*, hours: float) -> list[int]:
    """When each look of the coming hours begins, in minutes from now, with `sync` run every minute."""
    looks = []
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for minute in range(int(hours * 60) + 1):
            team_ids = stale_team_ids(now=timezone.now())
            if team_ids:
                looks.append(minute)
                for team_id in team_ids:
                    sync_team(team_id=team_id)
            clock.shift(MINUTE)
    return looks


def blame(team: Team, failure: Failure) -> None:
    version = team.owner.credential_version
    health.note_failure(team=team, failure=failure, version=version, now=timezone.now(), actor=ACTOR)


class TestATeamOutOfOrder:
    @pytest.mark.parametrize(
        ("preset", "state"),
        [("deactivated_402", "suspended"), ("removed_403", "access_lost"), ("delinquent_401", "delinquent")],
    )
    def test_is_looked_at_after_2_5_15_and_60_minutes_then_hourly(
        self, sandbox: SandboxServer, preset: str, state: str
    ) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.fault(op="invites", action={"preset": preset}, times=0)
        with time_machine.travel(timezone.now(), tick=False):
            sync_team(team_id=team.pk)
            team.refresh_from_db()
            assert team.workspace_state == state
            assert minutes_of_looks(hours=4) == [2, 7, 22, 82, 142, 202]

    def test_whose_role_is_too_low_too(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.demote(team.account_id, team.owner.email)
        sandbox.fault(op="invites", action={"preset": "forbidden_403"}, times=0)
        with time_machine.travel(timezone.now(), tick=False):
            sync_team(team_id=team.pk)
            assert minutes_of_looks(hours=1) == [2, 7, 22]

    def test_is_well_again_with_the_first_good_look(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.fault(op="invites", action={"preset": "removed_403"}, times=2)
        sync_team(team_id=team.pk)
        assert minutes_of_looks(hours=0.5) == [2, 7, 17, 27], "well from minute 7 on: every ten minutes"
        team.refresh_from_db()
        assert (team.workspace_state, team.looks_again, team.look_again_at) == ("active", 0, None)

    def test_begins_at_the_first_step_the_next_time(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        for _ in range(2):
            sandbox.fault(op="invites", action={"preset": "removed_403"}, times=2)
            sync_team(team_id=team.pk)
            assert minutes_of_looks(hours=0.2) == [2, 7]

    def test_is_looked_at_two_minutes_after_an_invitation_said_so(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        now = timezone.now()
        blame(team, Failure.ACCESS_REMOVED)
        assert stale_team_ids(now=now + MINUTE) == []
        assert stale_team_ids(now=now + 3 * MINUTE) == [team.pk]

    def test_is_looked_at_when_its_token_was_called_dead_elsewhere(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox, sync_tried_at=timezone.now())
        version = team.owner.credential_version
        expire_team(
            team_id=team.pk,
            owner_id=team.owner_id,
            version=version,
            login=Owner.Login.EXPIRED,
            cause="x",
            actor=ACTOR,
        )
        with time_machine.travel(timezone.now() + timedelta(seconds=1), tick=False):
            assert minutes_of_looks(hours=0.2) == [2, 12]
        team.refresh_from_db()
        assert team.token_state == Team.Token.HEALTHY

    def test_that_gets_a_new_token_does_not_wait_for_its_next_step(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox, token_state="expired", looks_again=9)
        Team.objects.update(look_again_at=timezone.now() + HOUR, sync_tried_at=timezone.now() - EVERY)
        assert stale_team_ids(now=timezone.now()) == []
        store_tokens(
            owner_id=team.owner_id, team_id=team.pk, access_token=team.access_token, source="import", actor=ACTOR
        )
        assert stale_team_ids(now=timezone.now()) == [team.pk]
        blame(team, Failure.ACCESS_REMOVED)
        assert stale_team_ids(now=timezone.now() + 3 * MINUTE) == [team.pk], "an old step does not hold it back"

    def test_still_suspended_after_a_day_is_asked_once_a_day(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.fault(op="invites", action={"preset": "deactivated_402"}, times=0)
        with time_machine.travel(timezone.now(), tick=False):
            sync_team(team_id=team.pk)
            looks = minutes_of_looks(hours=73)
        assert [look for look in looks if look > 25 * 60] == pytest.approx([2 * 1440, 3 * 1440], abs=90)
        assert len(looks) <= look_again.DAILY_AFTER + 3

    @pytest.mark.parametrize("state", [{"token_state": "disabled"}, {"workspace_state": "restricted"}])
    def test_no_look_can_clear_is_looked_at_hourly(self, sandbox: SandboxServer, state: dict[str, Any]) -> None:
        import_sandbox_team(sandbox, restricted_at=timezone.now(), **state)
        looks = minutes_of_looks(hours=4)
        assert {later - sooner for sooner, later in pairwise(looks)} == {60}


class TestABlock:
    def test_is_followed_by_a_look_when_the_cool_down_is_over(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.fault(op="invites", action={"preset": "unusual_403"}, times=1)
        with time_machine.travel(timezone.now(), tick=False):
            sync_team(team_id=team.pk)
            assert minutes_of_looks(hours=0.4) == [5, 15]

    def test_that_lasts_is_not_asked_about_more_often_than_a_well_team(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.fault(op="invites", action={"preset": "unusual_403"}, times=0)
        with time_machine.travel(timezone.now(), tick=False):
            sync_team(team_id=team.pk)
            looks = minutes_of_looks(hours=3)
        assert looks[:3] == [5, 10, 20]
        assert {later - sooner for sooner, later in pairwise(looks[2:])} == {10}

    def test_keeps_a_team_out_of_order_waiting_too(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox, workspace_state="access_lost")
        sandbox.fault(op="invites", action={"preset": "unusual_403"}, times=0)
        with time_machine.travel(timezone.now(), tick=False):
            sync_team(team_id=team.pk)
            assert minutes_of_looks(hours=2) == [5, 10, 25, 85]


def test_the_number_of_queries_does_not_grow_with_the_steps(
    sandbox: SandboxServer, django_assert_num_queries: Any
) -> None:
    for n in range(3):
        a_team(workspace_state="access_lost", looks_again=n, look_again_at=timezone.now())
    with django_assert_num_queries(1):
        assert len(stale_team_ids(now=timezone.now())) == 3
    assert sync(team_ids=[]) == 0

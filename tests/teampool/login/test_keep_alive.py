"""Access tokens renewed a day ahead, each log-in's refresh token spent once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from guardian.clockwork import clock_repair
from sandbox.server import SandboxServer
from teampool.login import token_chain
from teampool.login.keep_alive import due_team_ids, renew_due
from teampool.models import Owner, RefusedToken, Team, TeamLogin
from teampool.upstream.types import TokenSet
from tests.cast import import_sandbox_team, run_together
from tests.teampool.login.test_take_over import co_admin

pytestmark = pytest.mark.django_db(transaction=True)


def soon(team: Team, hours: float = 5) -> None:
    Team.objects.filter(pk=team.pk).update(access_expires_at=timezone.now() + timedelta(hours=hours))


def keep_alive() -> tuple[int, int]:
    return renew_due(now=timezone.now(), until=timezone.now() + timedelta(seconds=45))


class TestKeepAlive:
    def test_it_renews_what_runs_out_within_a_day(self, sandbox: SandboxServer) -> None:
        early, late = import_sandbox_team(sandbox), import_sandbox_team(sandbox)
        soon(early)
        before = early.access_token
        assert keep_alive() == (1, 0)
        early.refresh_from_db()
        late.refresh_from_db()
        assert early.access_token != before
        assert early.access_expires_at is not None
        assert early.access_expires_at > timezone.now() + timedelta(days=2)
        assert keep_alive() == (0, 0)

    def test_it_leaves_alone_what_cannot_be_renewed(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        Owner.objects.update(session_token="", refresh_token="")
        soon(team)
        assert keep_alive() == (0, 0)
        team.refresh_from_db()
        assert team.token_state == "healthy"

    def test_it_waits_while_the_session_hands_out_the_same_token(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        Owner.objects.update(refresh_token="")
        soon(team)
        assert keep_alive() == (0, 1)
        team.refresh_from_db()
        assert (team.token_state, Owner.objects.get().login) == ("healthy", "ok")

    @pytest.mark.parametrize(("left", "pause"), [(23.0, 60), (3.0, 60), (1.0, 30), (0.2, 6)])
    def test_it_asks_again_after_half_of_what_is_left_and_at_least_hourly(
        self, sandbox: SandboxServer, left: float, pause: int
    ) -> None:
        team = import_sandbox_team(sandbox)
        Owner.objects.update(refresh_token="")
        soon(team, left)
        now = timezone.now()
        assert keep_alive() == (0, 1)
        asked = len(sandbox.log(op="session"))
        assert keep_alive() == (0, 0)
        assert len(sandbox.log(op="session")) == asked
        assert due_team_ids(now + timedelta(minutes=pause - 1)) == []
        assert due_team_ids(now + timedelta(minutes=pause + 1)) == [team.pk]

    def test_a_day_of_the_same_token_is_asked_for_some_thirty_times(self, sandbox: SandboxServer) -> None:
        """Not 144 times, once every ten minutes."""
        team = import_sandbox_team(sandbox)
        Owner.objects.update(refresh_token="")
        soon(team, 24)
        now, tries = timezone.now(), 0
        for _ten_minutes in range(143):
            tries += sum(renew_due(now=now, until=now + timedelta(days=9)))
            now += timedelta(minutes=10)
        assert 24 <= tries <= 30

    def test_tokens_that_live_less_than_a_day_are_renewed_at_half_of_it(
        self, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not every ten minutes, and not once for each Team that got the same one."""
        first = import_sandbox_team(sandbox)
        import_sandbox_team(sandbox, sandbox.workspace(email=first.owner.email, seats=5)["account_id"])
        Owner.objects.update(session_token="")
        Team.objects.update(access_expires_at=timezone.now() + timedelta(hours=1))
        real = token_chain.refresh_oauth

        def short_lived(token: str, client_id: str) -> TokenSet:
            return replace(real(token, client_id), expires_at=timezone.now() + timedelta(hours=8))

        monkeypatch.setattr(token_chain, "refresh_oauth", short_lived)
        now = timezone.now()
        assert [keep_alive() for _ in range(3)] == [(1, 0), (0, 0), (0, 0)]
        assert not clock_repair.ran_ahead(timezone.now()), "so long a wait is no clock that ran ahead"
        assert len(sandbox.log(op="token")) == 1
        assert due_team_ids(now + timedelta(hours=3.9)) == []
        assert len(due_team_ids(now + timedelta(hours=4.1))) == 2

    def test_two_teams_of_one_log_in_spend_each_refresh_token_once(self, sandbox: SandboxServer) -> None:
        first = import_sandbox_team(sandbox)
        opened = sandbox.workspace(email=first.owner.email, seats=5)
        second = import_sandbox_team(sandbox, opened["account_id"])
        Owner.objects.update(session_token="")
        for team in (first, second):
            soon(team)
        run_together(*(keep_alive for _ in range(4)))
        spent = Counter(row["token"] for row in sandbox.log(op="token") if row.get("token"))
        assert all(count == 1 for count in spent.values()), spent
        assert Owner.objects.get().login == "ok"
        assert not due_team_ids(timezone.now())


def test_a_spare_token_that_still_runs_is_not_taken_for_a_refused_one(sandbox):
    team = import_sandbox_team(sandbox)
    runs_until = timezone.now() + timedelta(hours=20)
    spare = co_admin(sandbox, team)
    TeamLogin.objects.filter(pk=spare.pk).update(access_expires_at=runs_until)
    keep_alive()
    assert [call["query"].get("refresh") for call in sandbox.log(op="session")] == [None]
    assert not RefusedToken.objects.exists()
    spare.refresh_from_db()
    assert (spare.problem, spare.access_expires_at) == ("", runs_until)

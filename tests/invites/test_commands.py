"""`sync_teams` and `reconcile` at the shell."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from invites.models import SeatGrant
from invites.redeeming.redeem import redeem
from sandbox.server import SandboxServer
from tests.cast import ANA, SAM, a_code, import_sandbox_team

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=StringIO())
    return out.getvalue()


class TestSyncTeams:
    def test_it_looks_at_the_named_team_only(self, sandbox: SandboxServer) -> None:
        team, other = import_sandbox_team(sandbox), import_sandbox_team(sandbox)
        for one in (team, other):
            sandbox.member(account_id=one.account_id, email=SAM)
        assert run("sync_teams", team.account_id).startswith("1 synced, 0 failed")
        team.refresh_from_db()
        other.refresh_from_db()
        assert (team.outsiders, other.outsiders) == (1, 0)

    def test_it_looks_at_all(self, sandbox: SandboxServer) -> None:
        for _ in range(3):
            import_sandbox_team(sandbox)
        assert run("sync_teams").startswith("0 synced")
        assert run("sync_teams", "--all").startswith("3 synced")

    def test_it_names_an_unknown_team(self) -> None:
        with pytest.raises(CommandError, match="no such Team: 123"):
            run("sync_teams", "123")

    def test_it_fails_when_a_team_cannot_be_read(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.set_workspace(account_id=team.account_id, suspended=True)
        with pytest.raises(CommandError):
            run("sync_teams", team.account_id)


class TestReconcile:
    def test_it_delivers_what_waits(self, sandbox: SandboxServer) -> None:
        import_sandbox_team(sandbox)
        redeem(email=ANA, code=a_code().code)
        assert "delivered 1" in run("reconcile")
        assert SeatGrant.objects.get().state == "verified"

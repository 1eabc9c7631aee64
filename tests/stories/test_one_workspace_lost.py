"""One login with three workspaces loses one of them; the session says so for that one only. The others go on."""

from __future__ import annotations

from collections import Counter

import pytest
from django.test import Client
from django.utils import timezone

from invites.delivery.drain import deliver
from invites.following.sync import stale_team_ids, sync
from invites.models import SeatGrant
from invites.reconcile import reconcile
from invites.states import GrantState
from sandbox.server import SandboxServer
from teampool.models import Owner, Team
from tests.cast import a_code, import_sandbox_team
from tests.invites.clock import pass_time
from tests.invites.invariants import check_books, check_upstream

pytestmark = pytest.mark.django_db(transaction=True)
PEOPLE = 6


@pytest.mark.parametrize("said", ["exchange_removed", "exchange_unknown_text", "exchange_deactivated_with_token"])
def test_the_other_two_seat_people_the_whole_time(sandbox: SandboxServer, client: Client, said: str) -> None:
    email = "owner9@example.com"
    teams = [import_sandbox_team(sandbox, sandbox.workspace(email, seats=6)["account_id"]) for _ in range(3)]
    Owner.objects.update(refresh_token="")  # nothing but the session
    lost = teams[0]
    sandbox.set_workspace(lost.account_id, access_lost=True)
    sandbox.invalidate_tokens(email)
    sandbox.fault("session", said, account_id=lost.account_id, times=0)
    for n in range(PEOPLE):
        wanted = {"code": a_code().code, "email": f"person{n}@example.com"}
        answer = client.post("/api/redemptions", wanted, content_type="application/json").json()
        assert "id" in answer, answer
        deliver()
        sync(team_ids=stale_team_ids(now=timezone.now()))
        deliver()
        for workspace in sandbox.dump()["workspaces"]:
            for invite in workspace["invites"]:
                sandbox.accept(workspace["account_id"], invite["email"])
        pass_time(60)
        sandbox.advance(seconds=60)
        reconcile()
        check_books()
        check_upstream(sandbox)
        assert Owner.objects.get().login == Owner.Login.OK
        living = Team.objects.exclude(pk=lost.pk).values_list("token_state", "workspace_state")
        assert set(living) == {(Team.Token.HEALTHY, Team.Workspace.ACTIVE)}
    sync(team_ids=[team.pk for team in teams])
    seated = SeatGrant.objects.live().filter(state=GrantState.JOINED)
    assert seated.count() == PEOPLE
    assert set(Counter(seated.values_list("team", flat=True))) <= {team.pk for team in teams[1:]}
    assert all(row["account_cookie"] == row["query"]["workspace_id"] for row in sandbox.log(op="session"))

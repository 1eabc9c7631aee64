"""ChatGPT lists the people of a Team and will not say its seats: after a day nobody is placed, until it does again."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from invites.delivery.drain import deliver
from invites.following.sync import sync_team
from sandbox.server import SandboxServer
from teampool.models import Team
from tests.cast import a_code, import_sandbox_team
from tests.invites.clock import pass_time
from tests.invites.invariants import check_upstream

pytestmark = pytest.mark.django_db(transaction=True)


def come(client: Client, number: int) -> str:
    """What somebody hears at the door, and the invitation goes out."""
    wanted = {"email": f"p{number}@example.com", "code": a_code().code}
    answer = client.post("/api/redemptions", wanted, content_type="application/json").json()
    deliver()
    return str(answer.get("error_code") or answer["state"])


def hours_pass(sandbox: SandboxServer, team: Team, hours: int) -> None:
    """Each of them with a look at the Team."""
    for _ in range(hours):
        pass_time(3600)
        sandbox.advance(seconds=3600)
        sync_team(team_id=team.pk)


@pytest.mark.parametrize("answer", ["500", "401", "404"])
def test_nobody_is_placed_after_a_day_until_one_good_read(
    sandbox: SandboxServer, client: Client, olga_client: Client, answer: str
) -> None:
    team = import_sandbox_team(sandbox, seats=4)
    sandbox.set_workspace(team.account_id, over_invite="buy")
    sync_team(team_id=team.pk)
    sandbox.set_workspace(team.account_id, subscription_answer=answer)
    page = reverse("admin:teampool_team_change", args=[team.pk])
    reason = "more than 24 h ago: nobody is placed"

    hours_pass(sandbox, team, 23)
    assert come(client, 1) == "pending"
    assert reason not in olga_client.get(page, headers={"accept-language": "en"}).text
    hours_pass(sandbox, team, 2)
    assert come(client, 2) == "no_seat"
    assert reason in olga_client.get(page, headers={"accept-language": "en"}).text
    sandbox.set_workspace(team.account_id, subscription_answer="normal")
    hours_pass(sandbox, team, 1)
    assert reason not in olga_client.get(page, headers={"accept-language": "en"}).text
    assert [come(client, n) for n in (2, 3, 4, 5)] == ["pending"] * 3 + ["no_seat"]
    check_upstream(sandbox)

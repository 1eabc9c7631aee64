"""For five minutes ChatGPT says "unusual activity" to everything this address asks, while people redeem."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from invites.delivery.drain import deliver
from invites.following.sync import stale_team_ids, sync
from invites.models import SeatGrant
from invites.reconcile import reconcile
from invites.states import GrantState
from notifications.models import AuditEvent
from sandbox.server import SandboxServer
from teampool.login import keep_alive
from teampool.models import Owner, Team
from tests.cast import a_code, import_sandbox_team
from tests.invites.clock import pass_time
from tests.invites.invariants import check_books, check_upstream

pytestmark = pytest.mark.django_db(transaction=True)
BLOCKED_MINUTES = 5


def a_minute(sandbox: SandboxServer) -> None:
    """What the timetable runs in a minute; then the minute is over."""
    now = timezone.now()
    sync(team_ids=stale_team_ids(now=now))
    keep_alive.renew_due(now=now, until=now)
    for _ in range(2):
        deliver()
        pass_time(30)
        sandbox.advance(seconds=30)
    reconcile()
    check_books()
    check_upstream(sandbox)


def knock(client: Client, wanted: dict[str, str]) -> bool:
    """Whether the person has a seat or waits for one; with "no seat" their code is unused, and they come again."""
    answer = client.post("/api/redemptions", wanted, content_type="application/json").json()
    assert answer.get("error_code", "no_seat") == "no_seat"
    return "id" in answer


def sent_and_done(sandbox: SandboxServer) -> Counter[tuple[str, str]]:
    """Invitations that had an effect, by person and workspace."""
    rows = [row for row in sandbox.log(op="invite") if row["effect_applied"]]
    return Counter((email, row["account_id"]) for row in rows for email in row["emails"])


@pytest.mark.parametrize("effect", ["never", "before"])
@pytest.mark.parametrize("preset", ["unusual_403", "unusual_403_uuid"])
def test_it_leaves_no_state_and_everybody_gets_in(
    sandbox: SandboxServer, client: Client, settings: Any, effect: str, preset: str
) -> None:
    settings.REDEEM_THROTTLE = "off"
    teams = [import_sandbox_team(sandbox, seats=4) for _ in range(2)]
    more = sandbox.workspace(teams[0].owner.email, seats=5)  # a log-in with two workspaces
    teams.append(import_sandbox_team(sandbox, more["account_id"], seats=4))
    sync(team_ids=[team.pk for team in teams])
    soon = timezone.now() + keep_alive.AHEAD / 4
    Team.objects.filter(pk=teams[1].pk).update(access_expires_at=soon)  # to be renewed in these very minutes
    people = [{"email": f"p{n}@example.com", "code": a_code().code} for n in range(10)]
    outside = people.copy()

    sandbox.fault(op="*", action={"preset": preset}, times=0, apply_effect=effect)
    for minute in range(BLOCKED_MINUTES):
        if minute == 2:
            sandbox.invalidate_tokens(email=teams[0].owner.email)
        outside = [one for one in outside[:2] if not knock(client, one)] + outside[2:]
        a_minute(sandbox)
        assert not Team.objects.exclude(workspace_state="active", token_state="healthy").exists()
        assert not Owner.objects.exclude(login=Owner.Login.OK).exists()
    assert len(outside) < len(people), "the first of them met the block"

    sandbox.clear_faults()
    for _ in range(30):
        outside = [one for one in outside if not knock(client, one)]
        a_minute(sandbox)
        for invited in SeatGrant.objects.filter(state=GrantState.VERIFIED).select_related("team"):
            sandbox.accept(account_id=invited.team.account_id, email=invited.email)

    assert outside == []
    assert SeatGrant.objects.filter(state=GrantState.JOINED).count() == len(people)
    assert sum(check_upstream(sandbox).values()) == len(people)
    once = sent_and_done(sandbox)
    assert set(once.values()) == {1}
    assert len({email for email, _account_id in once}) == len(once) == len(people)
    assert not AuditEvent.objects.filter(action__in=["team_changed", "owner_changed"]).exists()
    for owner in Owner.objects.all():
        assert owner.session_token
        assert owner.refresh_token
    assert not Team.objects.exclude(looks_again=0, look_again_at=None).exists()

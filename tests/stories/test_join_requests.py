"""Somebody who asked ChatGPT to let them in brings a code: they are invited, not called invited by their request."""

from __future__ import annotations

import pytest

from invites.delivery.drain import deliver
from invites.following.sync import sync_team
from invites.models import SeatGrant
from invites.redeeming.redeem import redeem
from invites.states import GrantState
from sandbox.server import SandboxServer
from teampool.models import Team
from tests.cast import ANA, a_code, import_sandbox_team

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("is_synced", [False, True])
def test_their_code_brings_one_invitation(sandbox: SandboxServer, is_synced: bool) -> None:
    team = import_sandbox_team(sandbox)
    sandbox.join_request(team.account_id, ANA)
    if is_synced:
        sync_team(team_id=team.pk)
    redeem(email=ANA, code=a_code().code)
    deliver()
    sync_team(team_id=team.pk)
    assert len(sandbox.log(op="invite")) == 1
    assert SeatGrant.objects.get(email=ANA).state == GrantState.VERIFIED
    # A request the lists showed is gone now: its place waits for a later read, as that of any row that vanished.
    team = Team.objects.get(pk=team.pk)
    assert (team.seats_held, team.outsiders) == (1, int(is_synced))


def test_a_request_takes_a_place_and_is_nobodys_seat(sandbox: SandboxServer) -> None:
    team = import_sandbox_team(sandbox, seats=4)
    sandbox.join_request(team.account_id, ANA)
    sync_team(team_id=team.pk)
    team = Team.objects.get(pk=team.pk)
    assert (team.outsiders, team.seats_held, team.seats_free) == (1, 0, 3)

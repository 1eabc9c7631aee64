"""A day in a minute: people come, accept, leave, strangers walk in, lists lag, syncs run in between."""

from __future__ import annotations

import random
from itertools import product

import pytest

from invites.delivery.drain import deliver
from invites.following.sync import sync_team
from invites.models import SeatGrant
from invites.reconcile import reconcile
from invites.redeeming.errors import NoSeat
from invites.redeeming.redeem import redeem
from invites.states import GrantState
from sandbox.server import SandboxServer
from teampool.models import Team
from tests.cast import a_code, import_sandbox_team
from tests.invites.clock import pass_time
from tests.invites.invariants import check_books, check_upstream
from tests.thinning import thin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow(10)]
FAULTS = ["500_after", "500", "reset_after", "ghost_a", "seat_full_400", "errored"]


@pytest.mark.parametrize(("lag", "seed"), thin(product([120, 20, 0], range(2)), every=3))
def test_it_never_oversells_nor_loses_anyone(sandbox: SandboxServer, lag: int, seed: int) -> None:
    dice = random.Random(f"{seed}/{lag}")
    teams = [import_sandbox_team(sandbox) for _ in range(3)]
    sandbox.lag(seconds=lag)
    turned_away = 0
    for turn in range(40):
        if dice.random() < 0.2:
            sandbox.fault(op="invite", action={"preset": dice.choice(FAULTS)})
        try:
            redeem(email=f"p{turn}@example.com", code=a_code().code)
        except NoSeat:
            turned_away += 1
        deliver()
        for grant in SeatGrant.objects.filter(state__in=[GrantState.INVITED, GrantState.VERIFIED]):
            if dice.random() < 0.2 and is_invited(sandbox, grant.team, grant.email):
                sandbox.accept(account_id=grant.team.account_id, email=grant.email)
        for grant in SeatGrant.objects.filter(state=GrantState.JOINED):
            if dice.random() < 0.1:
                leave(sandbox, grant.team, grant.email)
        if dice.random() < 0.1:
            walk_in(sandbox, dice.choice(teams), f"stranger{turn}@example.com")
        if dice.random() < 0.5:
            sync_team(team_id=dice.choice(teams).pk)
        if dice.random() < 0.3:
            reconcile()
        seconds = dice.choice([1, 10, 45, 400])
        pass_time(seconds)
        sandbox.advance(seconds=seconds)
        check_books()
        check_upstream(sandbox)
    sandbox.clear_faults()
    for _ in range(12):
        reconcile()
        deliver()
        pass_time(400)
        sandbox.advance(seconds=400)
        for team in teams:
            sync_team(team_id=team.pk)
        check_books()
    where = check_upstream(sandbox)
    live = set(SeatGrant.objects.live().values_list("email", flat=True))
    assert not SeatGrant.objects.live().exclude(state__in=[GrantState.VERIFIED, GrantState.JOINED]).exists()
    assert {email for email in where if not email.startswith("stranger")} == live
    assert not Team.objects.exclude(workspace_state="active", token_state="healthy").exists()
    for team in Team.objects.all():
        people = sum(1 for email in where if email.startswith("stranger") and email in emails(sandbox, team))
        waiting = team.vacancies.waiting().count()
        assert team.outsiders - waiting == people
    assert turned_away < 40


def workspace(sandbox: SandboxServer, team: Team) -> dict[str, list[dict[str, str]]]:
    return next(one for one in sandbox.dump()["workspaces"] if one["account_id"] == team.account_id)


def emails(sandbox: SandboxServer, team: Team) -> set[str]:
    here = workspace(sandbox, team)
    return {one["email"] for one in (*here["members"], *here["invites"])}


def is_invited(sandbox: SandboxServer, team: Team, email: str) -> bool:
    return email in {one["email"] for one in workspace(sandbox, team)["invites"]}


def leave(sandbox: SandboxServer, team: Team, email: str) -> None:
    if email in {one["email"] for one in workspace(sandbox, team)["members"]}:
        sandbox.leave(account_id=team.account_id, email=email)


def walk_in(sandbox: SandboxServer, team: Team, email: str) -> None:
    if workspace(sandbox, team)["free"]:
        sandbox.member(account_id=team.account_id, email=email)

"""A pool of Teams with everybody in it who must stay, and the few who must go."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta

from django.utils import timezone

from base import actors
from guardian import mode
from invites.actions import outsiders
from invites.following.sync import sync
from invites.models import SeatGrant
from invites.states import GrantState
from notifications.settings import runtime
from sandbox.server import SandboxServer
from teampool.models import Team
from tests.cast import import_sandbox_team
from tests.invites.rows import a_grant, a_redemption

OLGA = actors.Actor("operator", "olga")
HOUR = timedelta(hours=1)
ALL_DAY = {"active_from": "00:00", "active_until": "00:00"}
AT_ONCE = {"pause_min_seconds": 0, "pause_max_seconds": 0, "sightings": 2, "grace_minutes": 5}


def configure(**values: object) -> None:
    """Settings under which a sweep wastes no time; `values` override any."""
    pairs = {f"guardian.{key}": str(value) for key, value in (ALL_DAY | AT_ONCE | values).items()}
    runtime.change(pairs, actor=OLGA, force=True)


@dataclass
class World:
    """Who must stay and who must go, as (account id, e-mail as the workspace shows it)."""

    sandbox: SandboxServer
    die: random.Random
    teams: list[Team] = field(default_factory=list)
    stay: set[tuple[str, str]] = field(default_factory=set)
    go: set[tuple[str, str]] = field(default_factory=set)
    lingering: set[tuple[str, str]] = field(default_factory=set)
    number: int = 0

    def name(self, what: str) -> str:
        self.number += 1
        return f"{what}{self.number}@example.com"

    def present(self) -> set[tuple[str, str]]:
        """Everybody upstream has in a workspace, members and invitations, whatever the lists show."""
        return {
            (space["account_id"], one["email"])
            for space in self.sandbox.dump()["workspaces"]
            for one in space["members"] + space["invites"]
        }

    def keep(self, team: Team, email: str) -> None:
        self.stay.add((team.account_id, email.lower()))

    def seat(
        self, team: Team, state: GrantState, *, email: str = "", overdue: bool = False, **row: object
    ) -> SeatGrant:
        """Somebody who holds a seat of ours: pending upstream, or a member when `joined`."""
        shown = email or self.name("seat")
        ends_at = timezone.now() - timedelta(seconds=1) if overdue else self.die.choice([None, timezone.now() + HOUR])
        redemption = a_redemption(shown.lower(), seat_time=HOUR if ends_at else None, ends_at=ends_at)
        user_id = ""
        if state == GrantState.JOINED:
            user_id = self.sandbox.member(team.account_id, shown, lag=0, **row)["user_id"]
        elif state in (GrantState.INVITED, GrantState.VERIFIED):
            self.sandbox.invite_from_web(team.account_id, shown)
        grant = a_grant(redemption, state, team=team, upstream_user_id=user_id if row.get("hide_email") else "")
        Team.objects.filter(pk=team.pk).update(seats_held=team.grants.live().count(), seat_cap=12)
        (self.go if overdue else self.stay).add((team.account_id, shown.lower()))
        return grant


def build(sandbox: SandboxServer, *, teams: int, seed: int) -> World:
    """`teams` Teams with those who belong there, everybody looked at once, and the guardian enforcing."""
    world = World(sandbox, random.Random(seed))
    die = world.die
    for number in range(teams):
        if number % 4 == 3:  # two workspaces of one login
            opened = sandbox.workspace(email=world.teams[-1].owner.email, seats=14)
            team = import_sandbox_team(sandbox, opened["account_id"], seats=12)
        else:
            team = import_sandbox_team(sandbox, seats=12)
        world.teams.append(team)
        _fill(world, team)
    for team in world.teams:
        world.keep(team, team.owner.email)
    sync(team_ids=[team.pk for team in world.teams])
    configure()
    mode.enable(actor=OLGA)
    mode.set_mode(mode="enforce", would_go=0, actor=OLGA)
    _settle_in(world)
    for team in die.sample(world.teams, 10):
        _strange(world, team)
    for team in die.sample(world.teams, 10):
        world.seat(team, die.choice([GrantState.JOINED, GrantState.VERIFIED]), overdue=True)
    return world


def _fill(world: World, team: Team) -> None:
    """Who is there before the guardian is switched on."""
    sandbox, die = world.sandbox, world.die
    rows: list[dict[str, object]] = [
        {"role": "account-admin"},
        {"role": "account-owner"},
        {},
        {"hide_email": True},
        {"seat_type": "usage_based"},
        {"deactivated": True},
    ]
    for row in die.sample(rows, die.randint(0, 3)):
        email = world.name(die.choice(["base", "Base.Mixed"]))
        sandbox.member(team.account_id, email, lag=0, **row)
        world.keep(team, email)
    if die.random() < 0.5:
        world.seat(team, GrantState.JOINED, email=world.name(die.choice(["seat", "Seat.Mixed"])))
    if die.random() < 0.3:
        world.seat(team, GrantState.JOINED, hide_email=True)
    if die.random() < 0.3:
        world.seat(team, GrantState.VERIFIED)


def _settle_in(world: World) -> None:
    """Who comes after it was switched on, and belongs there."""
    sandbox, die = world.sandbox, world.die
    for team in world.teams:
        kind = die.randrange(8)
        if kind == 0:
            email = world.name("allowed")
            outsiders.allow(team=die.choice([team, None]), email=email, actor=OLGA)
            sandbox.invite_from_web(team.account_id, email)
            world.keep(team, email)
        elif kind == 1:  # in flight: sent, and we do not know it yet
            email = world.name("flight")
            a_grant(a_redemption(email), GrantState.INVITING, team=team)
            sandbox.invite_from_web(team.account_id, email)
            world.keep(team, email)
        elif kind == 2:  # in flight elsewhere, and here by an earlier try
            email = world.name("failover")
            a_grant(a_redemption(email), GrantState.INVITED, team=die.choice(world.teams))
            sandbox.invite_from_web(team.account_id, email)
            world.keep(team, email)
        elif kind == 3:  # waits for a seat
            email = world.name("waits")
            a_redemption(email, is_waiting=True)
            sandbox.invite_from_web(team.account_id, email)
            world.keep(team, email)
        elif kind == 4:  # accepted a second ago: in neither list for a while
            grant = world.seat(team, GrantState.VERIFIED)
            sandbox.accept(team.account_id, grant.email, lag=90)
        elif kind == 5:  # accepted, and the invitation lingers
            grant = world.seat(team, GrantState.VERIFIED)
            sandbox.accept(team.account_id, grant.email, linger=100_000)
            world.lingering.add((team.account_id, grant.email))
        elif kind == 6:  # just invited
            world.seat(team, GrantState.INVITED)
        elif kind == 7:
            sandbox.member(team.account_id, email := world.name("boss"), role="account-admin", lag=0)
            world.keep(team, email)
    for team in world.teams:
        held = team.grants.live().count()
        Team.objects.filter(pk=team.pk).update(seats_held=held, seat_cap=max(12, held))


def _strange(world: World, team: Team) -> None:
    email = world.name(world.die.choice(["stranger", "Stranger.Mixed"]))
    if world.die.random() < 0.5:
        world.sandbox.invite_from_web(team.account_id, email)
    else:
        world.sandbox.member(team.account_id, email, lag=0)
    world.go.add((team.account_id, email.lower()))

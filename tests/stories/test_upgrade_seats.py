"""A pool of 0.2.0 comes to today's tables: no number of the old rule places anybody, and one sync counts all anew."""

from __future__ import annotations

import contextlib
import random
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from django_q.models import OrmQ

from config.service import startup
from invites import tasks
from invites.delivery.drain import deliver
from invites.redeeming.errors import NoSeat
from invites.redeeming.redeem import redeem
from sandbox.server import SandboxServer
from teampool.models import SyncRun, Team
from tests.cast import a_code
from tests.invites.invariants import check_books, check_upstream
from tests.stories.test_upgrade import OLD, a_database

# Version 0.2.0, as it was tagged.
SECOND = [
    ("guardian", "0002_guardian"),
    ("invites", "0003_guardian"),
    ("notifications", "0004_name_messages"),
    ("teampool", "0005_importline_duplicate_of"),
]
TEAMS = 20


@pytest.fixture
def second(tmp_path: Path, django_db_setup: None, django_db_blocker: Any) -> Iterator[MigrationExecutor]:
    """A database of its own with the tables of 0.2.0, which the product takes for its own meanwhile."""
    with django_db_blocker.unblock(), contextlib.contextmanager(a_database)(tmp_path, at=SECOND) as executor:
        default = connections["default"].settings_dict
        name = default["NAME"]
        connections.close_all()
        default["NAME"] = connections.databases[OLD]["NAME"]
        try:
            yield executor
        finally:
            connections.close_all()
            default["NAME"] = name


def a_workspace(sandbox: SandboxServer, dice: random.Random) -> str:
    """One workspace with seats of more than one kind, people in them, and perhaps a seat that is held."""
    is_codex_only = dice.random() < 0.2
    account_id = sandbox.workspace(
        seats=dice.randint(4, 7),
        premium=0 if is_codex_only else dice.randint(1, 4),
        members=0 if is_codex_only else dice.randint(1, 3),
        codex_members=dice.randint(0, 2),
        owner_seat=None if is_codex_only else dice.choice(["default", "default", "prolite", "usage_based"]),
        codex_only=is_codex_only,
    )["account_id"]
    sandbox.set_workspace(account_id, over_invite="buy")
    members = [one for one in sandbox.books(account_id)["members"] if one.startswith("member")]
    if len(members) > 1 and dice.random() < 0.5:
        sandbox.leave(account_id, members[-1], held=True)
    if members and dice.random() < 0.5:
        sandbox.invite_from_web(account_id, f"guest.{members[0]}")
    return str(account_id)


def stored_by_second(apps: Any, sandbox: SandboxServer, account_id: str) -> None:
    """The rows of a Team as 0.2.0 had them, where somebody of ours sits in one of its seats."""
    now = timezone.now()
    model = {label: apps.get_model(label).objects.using(OLD) for label in (*TEAMPOOL, *INVITES)}
    login = next(one for one in sandbox.credentials() if account_id in one["account_ids"])
    owner = model["teampool.owner"].create(
        email=login["email"],
        upstream_user_id=login["user_id"],
        session_token=login["session_token"],
        refresh_token=login["refresh_token"] or "",
        client_id=login["client_id"],
        device_id=uuid.uuid4(),
    )
    here = next(one for one in sandbox.dump()["workspaces"] if one["account_id"] == account_id)
    books = sandbox.books(account_id)
    entitled = sum(pool["paid"] for pool in books["pools"].values())
    people = [one["email"] for one in (*here["members"], *here["invites"]) if one["email"] != login["email"]]
    ours = next((one for one in people if one.startswith("member")), None)
    # A Codex-only workspace had no number at all: the default cap, four seats to give out.
    total = entitled - len(books["held"]) - 1 if entitled else 4
    team = model["teampool.team"].create(
        owner=owner,
        account_id=account_id,
        plan="team",
        access_token=login["access_token"],
        access_expires_at=now + timedelta(days=9),
        opened_at=now - timedelta(days=1),
        snapshot_started_at=now - timedelta(minutes=5),
        snapshot_has_self=True,
        sync_tried_at=now - timedelta(minutes=5),
        seats_entitled=entitled or None,
        vacancies_held=len(books["held"]),
        seat_total=total,
        seats_held=int(ours is not None),
        outsiders=len(people) - int(ours is not None),
        seat_cap=max(total - len(people) + int(ours is not None), int(ours is not None)),
    )
    for kind, rows in (("member", here["members"]), ("invite", here["invites"])):
        for row in rows:
            upstream_id = row["user_id"] if kind == "member" else row["id"]
            model["teampool.member"].create(
                team=team,
                kind=kind,
                upstream_id=upstream_id,
                email=row["email"],
                role=row["role"],
                seat_type=row["seat_type"],
            )
    for email in set(people) - {ours}:
        model["teampool.allowedmember"].create(team=team, email=email)
    if ours is not None:
        batch = model["invites.codebatch"].create(size=1)
        code = model["invites.redeemcode"].create(code=uuid.uuid4().hex[:16].upper(), batch=batch, uses_held=1)
        claim = model["invites.redemption"].create(public_id=uuid.uuid4().hex[:16], email=ours, code=code, state="open")
        model["invites.seatgrant"].create(redemption=claim, team=team, email=ours, state="joined", joined_at=now)


TEAMPOOL = ("teampool.owner", "teampool.team", "teampool.member", "teampool.allowedmember")
INVITES = ("invites.codebatch", "invites.redeemcode", "invites.redemption", "invites.seatgrant")


def sync_rings() -> int:
    return sum(row.task["func"] == "invites.tasks.sync" for row in OrmQ.objects.all())


@pytest.mark.slow(8)
def test_every_number_is_read_anew_by_one_sync(second: MigrationExecutor, sandbox: SandboxServer) -> None:
    dice = random.Random(20)
    apps = second.loader.project_state(SECOND).apps
    for _ in range(TEAMS):
        stored_by_second(apps, sandbox, a_workspace(sandbox, dice))
    connections[OLD].close()
    said: list[str] = []

    startup.prepare(said.append)
    teams, now = list(Team.objects.all()), timezone.now()
    assert len(teams) == TEAMS
    assert all(team.is_seats_unread(now) and team.seat_total == 0 for team in teams)
    with pytest.raises(NoSeat):
        redeem(email="early@example.com", code=a_code().code)
    assert (deliver(), sandbox.log(op="invite")) == (0, [])
    assert f"Reading the seats of {TEAMS} Teams anew…" in said
    assert (sync_rings(), [len(run.team_ids) for run in SyncRun.objects.all()]) == (1, [TEAMS])

    assert tasks.sync() == TEAMS
    check_books()
    free = {}
    for team in Team.objects.all():
        books = sandbox.books(team.account_id)
        pool, own = books["pools"]["default"], books["members"][team.owner.email] == "default"
        free[team.pk] = books["free_standard"]
        assert (team.seat_total, team.seats_free) == (pool["paid"] - pool["held"] - own, free[team.pk])
        assert not team.is_over_full
    startup.prepare(said.append)
    assert SyncRun.objects.count() == 1, "asked for once, right after the upgrade"

    for number in range(sum(free.values())):
        redeem(email=f"p{number}@example.com", code=a_code().code)
    with pytest.raises(NoSeat):
        redeem(email="late@example.com", code=a_code().code)
    while deliver():
        pass
    assert len(sandbox.log(op="invite")) == sum(free.values()) > 0
    check_books()
    check_upstream(sandbox)

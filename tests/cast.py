"""The cast, and the builders every test shares.

Olga operates, Ana redeems, Sam is a stranger, Omar owns the workspaces. Builders write straight to
the database what the product would have reached by its own doors.
"""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from invites.models import CodeBatch, RedeemCode
from sandbox.server import SandboxServer
from teampool.models import Owner, Team, TeamLogin

OLGA = "olga"
ANA = "ana@example.com"
SAM = "sam@example.com"
OMAR = "omar@example.com"

# None of these is read as another one, whatever the product forgives a person who types.
ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"


def noon() -> datetime:
    """Where a test moves the clock when a page names times by the day: no midnight and no change of clocks is near.

    The operator's time zone is asked, so move there after a fixture that changes it.
    """
    return timezone.make_aware(datetime(2026, 7, 15, 12)).astimezone(UTC)  # noqa: DTZ001


def an_operator(username: str = OLGA, *, password: str | None = None) -> User:
    """An operator who may do everything in the back office."""
    return User.objects.create_superuser(username, f"{username}@example.com", password)


def an_owner(email: str = OMAR, **fields: Any) -> Owner:
    """The login `email`; the same row when asked twice."""
    fields.setdefault("device_id", uuid.uuid4())
    return Owner.objects.get_or_create(email=email, defaults=fields)[0]


def a_reading(seats: int, *, at: datetime) -> dict[str, Any]:
    """What `Team.reading` keeps of a read that said `seats` besides the owner's own one."""
    said = {"known": "pools", "bought": seats + 1, "own": 1, "held": 0, "members": 0, "available": None, "premium": 0}
    return said | {"read_at": at.isoformat()}


def a_team(
    *, seats: int = 4, held: int = 0, outsiders: int = 0, owner: Owner | None = None, now: Any = None, **fields: Any
) -> Team:
    """A Team that takes people now, with `seats` seats besides the owner. `fields` override any column.

    `held` seats count as taken without a SeatGrant behind them.
    """
    now = now or timezone.now()
    account_id = fields.pop("account_id", None) or str(uuid.uuid4())
    values: dict[str, Any] = {
        "name": f"Team {account_id[:4]}",
        "plan": "team",
        "access_token": "not-a-real-token",
        "access_expires_at": now + timedelta(days=9),
        "opened_at": now - timedelta(hours=1),
        "snapshot_started_at": now - timedelta(minutes=1),
        "snapshot_has_self": True,
        "sync_tried_at": now - timedelta(minutes=1),
        "seat_total": seats,
        "seats_known": "pools",
        "seats_read_at": now - timedelta(minutes=1),
        "seats_bought": seats,
        "reading": a_reading(seats, at=now - timedelta(minutes=1)),
        "seats_taken": held + outsiders,
        "outsiders": outsiders,
        "seats_held": held,
        "seat_cap": max(seats - outsiders, held),
    }
    team = Team.objects.create(owner=owner or an_owner(), account_id=account_id, **(values | fields))
    TeamLogin.objects.create(team=team, owner=team.owner)
    return team


def import_sandbox_team(
    sandbox: SandboxServer, account_id: str | None = None, *, seats: int = 4, **fields: Any
) -> Team:
    """The Team of a sandbox workspace, with the credentials of its login, as an import and one sync leave it.

    Opens a new workspace with `seats` seats besides the owner's unless `account_id` names one that is
    there. `fields` override any column of the Team; the sandbox's people are not looked at.
    """
    if account_id is None:
        opened = sandbox.workspace(seats=seats + 1)
        account_id, login = opened["account_id"], opened["credentials"]
    else:
        login = next(one for one in sandbox.credentials() if account_id in one["account_ids"])
    owner = an_owner(
        login["email"],
        upstream_user_id=login["user_id"],
        session_token=login["session_token"],
        refresh_token=login["refresh_token"] or "",
        client_id=login["client_id"],
    )
    values = {"access_token": login["access_token"]}
    return a_team(account_id=account_id, owner=owner, seats=seats, **(values | fields))


def a_batch(*, size: int = 1, **fields: Any) -> CodeBatch:
    return CodeBatch.objects.create(size=size, **fields)


def a_code(
    text: str | None = None,
    *,
    team: Team | None = None,
    seat_time: timedelta | None = None,
    max_uses: int = 1,
    batch: CodeBatch | None = None,
    **fields: Any,
) -> RedeemCode:
    """One unused code: generic, bound to `team`, and/or temporary (`seat_time`)."""
    shared = {"team": team, "seat_time": seat_time, "max_uses": max_uses}
    return RedeemCode.objects.create(
        code=text or "".join(secrets.choice(ALPHABET) for _ in range(16)),
        batch=batch or a_batch(**shared),
        **(shared | fields),
    )


def run_together(*calls: Callable[[], Any], timeout: float = 60) -> list[Any]:
    """Run each call in its own thread with its own database connection, all let go at once.

    Returns what each returned, or the exception it raised, in the order given. Needs real commits:
    mark the test `django_db(transaction=True)`.
    """
    gate = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(number: int, call: Callable[[], Any]) -> None:
        try:
            gate.wait(timeout)
            results[number] = call()
        except Exception as error:
            results[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
        assert not thread.is_alive(), "a thread is still running"
    return results


def wait_until(fact: Callable[[], Any], *, timeout: float = 30, what: str = "") -> Any:
    """Ask `fact` until it answers something true, and return that; fails after `timeout` seconds."""
    pause = threading.Event()
    end = time.perf_counter() + timeout  # tests may have frozen the other clocks
    while not (answer := fact()):
        assert time.perf_counter() < end, f"not within {timeout} s: {what or fact}"
        pause.wait(0.05)
    return answer

"""Findings and sweeps as the guardian would have left them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from base.actors import Actor
from guardian.models import Finding, Sweep
from guardian.rules.states import Kind, State, SweepState
from invites.models import Departure, SeatGrant
from invites.states import GrantState
from notifications.settings import runtime
from teampool.models import Team
from tests.cast import ANA, SAM, a_team
from tests.invites.rows import a_grant, a_redemption

OLGA = Actor("operator", "olga")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def set_guardian(**values: object) -> None:
    runtime.change({f"guardian.{key}": str(value) for key, value in values.items()}, actor=OLGA)


def a_finding(email: str = SAM, *, team: Team | None = None, age: timedelta = HOUR, **fields: Any) -> Finding:
    """A stranger seen three times over an hour, unless said otherwise."""
    now = timezone.now()
    values: dict[str, Any] = {
        "kind": Kind.STRANGER,
        "upstream_id": f"user-{email}",
        "first_seen_at": now - age,
        "last_seen_at": now,
        "sightings": 3,
    }
    return Finding.objects.create(team=team or a_team(outsiders=1), email=email, **(values | fields))


def an_overdue_seat(email: str = ANA, *, over_for: timedelta = HOUR, team: Team | None = None) -> SeatGrant:
    now = timezone.now()
    redemption = a_redemption(email, seat_time=HOUR, ends_at=now - over_for, created_at=now - 3 * HOUR)
    return a_grant(redemption, GrantState.JOINED, team=team or a_team(held=1), at=now - 2 * HOUR)


def an_overdue(email: str = ANA, **fields: Any) -> Finding:
    grant = an_overdue_seat(email)
    ends_at = grant.redemption.ends_at
    values = {"kind": Kind.OVERDUE, "grant": grant, "evidence": {"ends_at": ends_at.isoformat() if ends_at else ""}}
    return a_finding(email, team=grant.team, **(values | fields))


def a_vanished(email: str = ANA) -> Finding:
    now = timezone.now()
    redemption = a_redemption(email, created_at=now - 3 * HOUR)
    grant = a_grant(redemption, GrantState.JOINED, team=a_team(held=1), at=now - 2 * HOUR)
    return a_finding(
        email, team=grant.team, kind=Kind.VANISHED, grant=grant, evidence={"absent_since": (now - HOUR).isoformat()}
    )


def a_sweep(*, seconds: int = 12, age: timedelta = MINUTE, **fields: Any) -> Sweep:
    """One that is over and saw two Teams."""
    began = timezone.now() - age
    ended = began + timedelta(seconds=seconds)
    values: dict[str, Any] = {
        "started_at": began,
        "judged_at": ended,
        "finished_at": ended,
        "state": SweepState.DONE,
        "mode": "report",
        "teams": 2,
        "complete": 2,
        "limit": 10,
    }
    return Sweep.objects.create(**(values | fields))


def a_removal(email: str = SAM, *, sweep: Sweep | None = None, state: str = "done", **fields: Any) -> Finding:
    """Somebody a sweep took out, and the list that proves it."""
    now = timezone.now()
    finding = a_finding(email, state=State.REMOVED, sweep=sweep or a_sweep(removals=1), closed_at=now, **fields)
    departure = Departure.objects.create(
        team=finding.team,
        email=email,
        reason="stranger",
        state=state,
        opened_at=now - MINUTE,
        told_at=now - MINUTE,
        closed_at=now,
        is_automatic=True,
        evidence={"sightings": 4, "first_seen_at": finding.first_seen_at.isoformat(), "approved_by": ""},
    )
    Finding.objects.filter(pk=finding.pk).update(departure=departure)
    finding.refresh_from_db()
    return finding

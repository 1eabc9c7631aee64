"""Departures without a person behind them: what the rules found is looked at once more, then written down."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from base.actors import Actor
from invites import locking
from invites.departures.carry_out import give_up_overdue
from invites.departures.rights import why_stay
from invites.models import Departure, SeatGrant
from invites.states import DepartureReason, DepartureState
from notifications.audit import events

# What `Departure.last_problem` says of those that were called off.
SWITCHED_OFF = "the guardian was switched off"
REPORT_ONLY = "the guardian only reports"


def open_automatic(
    *,
    team_id: int,
    email: str,
    upstream_user_id: str,
    reason: DepartureReason,
    grant_id: int | None,
    evidence: dict[str, Any],
    now: datetime,
    actor: Actor,
) -> Departure | None:
    """Write that this person is to leave, after a last look at seats and rights under the Team's lock.

    None: they have a right to be there after all, or the seat in question is no longer held. A departure that is
    open already is returned as it is.
    """
    with transaction.atomic(durable=True):
        locking.lock_team(team_id)
        known = Departure.objects.filter(team_id=team_id, email=email, state=DepartureState.OPEN).first()
        if known is not None:
            return known
        if grant_id is not None and not SeatGrant.objects.live().filter(pk=grant_id, team_id=team_id).exists():
            return None
        departure = Departure(
            team_id=team_id,
            email=email,
            upstream_user_id=upstream_user_id,
            grant_id=grant_id,
            reason=reason,
            due_at=now,
            opened_at=now,
            evidence=evidence,
            is_automatic=True,
        )
        why = why_stay(departure, now)
        if why:
            give_up_overdue(departure, why, now=now, actor=actor)
            return None
        departure.save()
        events.departure_moved(
            subject=departure.subject, state="opened", reason=reason.value, actor=actor, details=evidence
        )
        return departure


def call_off(*, departure_ids: list[int], why: str, now: datetime, actor: Actor) -> int:
    """Drop automatic departures nobody has told upstream yet and no worker is busy with; how many."""
    count = 0
    for departure in Departure.objects.filter(pk__in=departure_ids, is_automatic=True, state=DepartureState.OPEN):
        with transaction.atomic(durable=True):
            rows = Departure.objects.filter(
                pk=departure.pk, state=DepartureState.OPEN, told_at=None, attempts=departure.attempts, lease_until=None
            ).update(state=DepartureState.DROPPED, closed_at=now, last_problem=why[:200])
            if rows:  # 0 rows: it is being said this moment
                events.departure_moved(
                    subject=departure.subject,
                    state="dropped",
                    reason=departure.reason,
                    actor=actor,
                    details={"why": why},
                )
                count += 1
    return count

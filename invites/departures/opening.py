"""Opens a Departure: that this person is to leave this Team, with its event, before upstream is told.

Under the Team's lock.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from base.actors import Actor
from invites import locking
from invites.departures.closing import give_up_overdue
from invites.departures.rights import why_stay
from invites.models import Departure, Redemption, SeatGrant
from invites.seats import moves
from invites.states import CONFIRMED, DepartureReason, DepartureState, GrantState
from notifications.audit import events
from teampool.pool import seats

# In the evidence of one the guardian decided on by itself: when its hours are over, as ISO text.
UNTIL = "until"


def open_departure(*, grant: SeatGrant, reason: DepartureReason, now: datetime, actor: Actor) -> Departure:
    """Write that this grant's person is to leave; the one already open is returned. The caller holds the lock.

    One the guardian opened becomes this one: it may be called off no more.
    """
    departure, is_new = Departure.objects.get_or_create(
        team_id=grant.team_id,
        email=grant.email,
        state=DepartureState.OPEN,
        defaults={
            "grant": grant,
            "upstream_user_id": grant.upstream_user_id,
            "reason": reason,
            "due_at": now,
            "opened_at": now,
            "evidence": {"seat": grant.state, "invited_at": grant.invited_at and grant.invited_at.isoformat()},
        },
    )
    if is_new or take_over(departure, reason=reason, grant=grant):
        events.departure_moved(subject=departure.subject, state="opened", reason=reason.value, actor=actor)
    return departure


def take_over(departure: Departure, *, reason: DepartureReason, grant: SeatGrant | None) -> bool:
    """Turn an automatic departure into an operator's, so the guardian can no longer cancel it.

    False if it already was an operator's.
    """
    fields = {"is_automatic": False, "reason": reason, "grant": grant}
    rows = Departure.objects.filter(pk=departure.pk, state=DepartureState.OPEN, is_automatic=True).update(**fields)
    return rows == 1


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


def leave_dead_team(*, grant: SeatGrant, now: datetime, actor: Actor, unbinds: bool = False) -> bool:
    """Give up a seat in a Team that is lost, here only; the departure is carried out if that Team returns.

    The redemption stays open without a grant and starts a new try; whoever was in is no longer bound to that
    Team, with `unbinds` nobody is. False: the grant is no longer as the caller saw it, and nothing was given up.
    """
    with transaction.atomic(durable=True):
        locking.lock_team(grant.team_id)
        to = GrantState.ENDED if grant.state in CONFIRMED else GrantState.CANCELLED
        may_be_there = grant.sends > 0 or grant.ask_first or to is GrantState.ENDED  # as far as upstream knows
        if not moves.leave(grant, to, reason="team_gone", now=now, actor=actor, frees_seat=not may_be_there):
            return False
        if may_be_there:
            # Not free before upstream says so: a Team that lives but could not be read goes on taking people.
            seats.release_to_outsider(team_id=grant.team_id)
            open_departure(grant=grant, reason=DepartureReason.TEAM_GONE, now=now, actor=actor)
        if unbinds or to is GrantState.ENDED:
            # Bound to a Team that is gone, the claim would wait for ever.
            Redemption.objects.filter(pk=grant.redemption_id, bound_team_id=grant.team_id).update(bound_team=None)
        ends_at = Redemption.objects.values_list("ends_at", flat=True).get(pk=grant.redemption_id)
        if ends_at is not None and ends_at <= now:
            moves.end(redemption_id=grant.redemption_id, reason="time_over", now=now, actor=actor)
        elif to is GrantState.ENDED:
            moves.next_try(redemption_id=grant.redemption_id)
        return True

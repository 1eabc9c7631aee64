"""Opens a Departure: writes that a person is to leave a Team, with its event, before upstream is told.

The caller holds the Team's lock, except where a function takes it.
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
from invites.states import CONFIRMED, DepartureReason, GrantState
from notifications.audit import events
from teampool.models import Member
from teampool.pool import seats

# Key in the evidence of departures the guardian opened by itself: the end of its active hours, as ISO text.
UNTIL = "until"


def open_departure(*, grant: SeatGrant, reason: DepartureReason, now: datetime, actor: Actor) -> Departure:
    """Write that this grant's person is to leave, which the guardian cannot cancel."""
    invited_at = grant.invited_at and grant.invited_at.isoformat()
    departure = Departure(
        team_id=grant.team_id,
        email=grant.email,
        upstream_user_id=grant.upstream_user_id,
        grant=grant,
        reason=reason,
        evidence={"seat": grant.state, "invited_at": invited_at},
    )
    return _open(departure, now=now, actor=actor)


def open_for_outsider(*, row: Member, now: datetime, actor: Actor) -> Departure:
    """Write that this member or pending invite without a seat of ours is to leave, as an operator decided."""
    is_member = row.kind == Member.Kind.MEMBER
    invited_at = row.joined_at.isoformat() if row.joined_at is not None and not is_member else None
    departure = Departure(
        team_id=row.team_id,
        email=row.email or row.upstream_id,  # hidden: the id stands for the address
        upstream_user_id=row.upstream_id if is_member else "",
        reason=DepartureReason.STRANGER,
        evidence={"by": actor.name, "kind": row.kind, "role": row.role, "invited_at": invited_at},
    )
    return _open(departure, now=now, actor=actor)


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
        if (known := locking.locked_departure(team_id=team_id, email=email)) is not None:
            return known
        if grant_id is not None and not SeatGrant.objects.live().filter(pk=grant_id, team_id=team_id).exists():
            return None
        departure = Departure(
            team_id=team_id,
            email=email,
            upstream_user_id=upstream_user_id,
            grant_id=grant_id,
            reason=reason,
            evidence=evidence,
            is_automatic=True,
        )
        why = why_stay(departure, now)
        if why:
            give_up_overdue(departure, why, now=now, actor=actor)
            return None
        return _open(departure, now=now, actor=actor, details=evidence)


def leave_dead_team(*, grant: SeatGrant, now: datetime, actor: Actor, unbinds: bool = False) -> bool:
    """Give up a seat in a Team that is lost, here only; the departure is carried out if that Team returns.

    The redemption stays open without a grant and starts a new try. A person who was in is no longer bound to that
    Team; with `unbinds` nobody is. False: the grant is no longer as the caller saw it, and nothing was given up.
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


def _open(new: Departure, *, now: datetime, actor: Actor, details: dict[str, Any] | None = None) -> Departure:
    """Save this departure with its event, and return it; or return the one that is open for this person already.

    An automatic one that is open becomes an operator's, with the same event: the guardian can no longer cancel it.
    """
    departure = locking.locked_departure(team_id=new.team_id, email=new.email)
    if departure is None:
        departure = new
        departure.due_at = departure.opened_at = now
        departure.save()
    elif departure.is_automatic:
        departure.is_automatic, departure.reason, departure.grant = False, new.reason, new.grant
        departure.save(update_fields=["is_automatic", "reason", "grant"])
    else:
        return departure
    events.departure_moved(subject=departure.subject, state="opened", reason=new.reason, actor=actor, details=details)
    return departure

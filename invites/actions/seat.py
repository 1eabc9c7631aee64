"""What an operator does to a seat: withdraw, take back, move, extend. Each function leaves its audit row.

Nothing here waits for upstream: whoever is to leave gets a Departure with a bell of its own, and the reconciler
is the sweep.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from base.actors import Actor
from invites import bells, locking
from invites.departures import opening
from invites.models import Departure, Redemption, SeatGrant
from invites.seats import moves, seating
from invites.states import HOLDS_SEAT, DepartureReason, DepartureState, GrantState, RedemptionState, Refusal
from notifications.audit import events


class Refused(Exception):
    """Nothing was changed, and `code` says why: "changed" when the seat or finding moved on meanwhile."""

    def __init__(self, code: str = "changed") -> None:
        super().__init__(code)
        self.code = code


def withdraw(*, redemption_id: int, actor: Actor, reason: DepartureReason = DepartureReason.WITHDRAWN) -> None:
    """Take back an invitation nobody accepted; once it is gone the code is usable again.

    Raises Refused("joined") when the person is in already, ("no_seat") when no seat is held.
    """
    with transaction.atomic(durable=True):
        grant = _locked_grant(redemption_id)
        if grant.state == GrantState.JOINED:
            raise Refused("joined")
        _let_go(grant, reason, actor)


def take_back(*, redemption_id: int, actor: Actor) -> None:
    """End a seat and take the person out; the code stays spent. Raises Refused("no_seat")."""
    with transaction.atomic(durable=True):
        _let_go(_locked_grant(redemption_id), DepartureReason.TAKEN_BACK, actor)


def reseat(*, redemption_id: int, actor: Actor) -> None:
    """Move a person to another Team under the same claim: no new code, the end of a temporary seat kept.

    A lost Team's seat is given up at once; from a living one the person leaves first, so that there are never
    two live seats. Raises Refused("no_seat"), ("bound") for a claim that may sit in that Team only.
    """
    now = timezone.now()
    grant = SeatGrant.objects.live().filter(redemption_id=redemption_id).select_related("team", "redemption").first()
    if grant is None:
        raise Refused("no_seat")
    if grant.redemption.bound_team_id == grant.team_id and not grant.team.is_lost:
        raise Refused("bound")
    if not grant.team.is_lost:
        with transaction.atomic(durable=True):
            _let_go(_locked_grant(redemption_id), DepartureReason.RESEATED, actor)
        return
    if opening.leave_dead_team(grant=grant, now=now, actor=actor, unbinds=True):
        seating.reseat_or_refuse(redemption_id=redemption_id, now=now, actor=actor)


def end_claim(*, redemption_id: int, actor: Actor) -> None:
    """End a claim that waits without a seat. Its code can be used again, unless the person was in before.

    Raises Refused("over"), ("changed") when it got a seat meanwhile.
    """
    now = timezone.now()
    with transaction.atomic(durable=True):
        redemption = locking.locked_claim(redemption_id)
        if redemption.state != RedemptionState.OPEN:
            raise Refused("over")
        if redemption.grants.filter(state__in=HOLDS_SEAT).exists():
            raise Refused("changed")
        if was_in(redemption.grants.all()):
            moves.end(redemption_id=redemption_id, reason=DepartureReason.TAKEN_BACK, now=now, actor=actor)
        else:
            moves.refuse(redemption_id=redemption_id, refusal=Refusal.WITHDRAWN, now=now, actor=actor)


def was_in(tries: Iterable[SeatGrant]) -> bool:
    """Whether one of a claim's seats ever was the person's: then its code stays used."""
    return any(grant.state == GrantState.ENDED for grant in tries)


def set_end(*, redemption_id: int, ends_at: datetime | None, actor: Actor) -> None:
    """Extend a temporary seat, shorten it, or make it permanent (None).

    Raises Refused("over"), ("leaving") when upstream is being told, or was told, to take the person out.
    """
    leaving = Departure.objects.filter(grant__redemption=redemption_id, state=DepartureState.OPEN)
    live = SeatGrant.objects.live().filter(redemption_id=redemption_id)
    with transaction.atomic(durable=True):
        for team_id in live.values_list("team_id", flat=True):  # one at most; locked against the last look
            locking.lock_team(team_id)
        if leaving.filter(Q(told_at__isnull=False) | Q(lease_until__gt=timezone.now())).exists():
            raise Refused("leaving")
        redemption = locking.locked_redemption(redemption_id)
        if redemption.state != RedemptionState.OPEN:
            raise Refused("over")
        fields: dict[str, object] = {"ends_at": ends_at}
        if ends_at is None:
            fields["seat_time"] = None  # or the clock would start at the next confirmation
        Redemption.objects.filter(pk=redemption_id).update(**fields)
        events.seat_end_changed(
            subject=redemption.subject,
            before=redemption.ends_at.isoformat() if redemption.ends_at else None,
            after=ends_at.isoformat() if ends_at else None,
            actor=actor,
        )


def _locked_grant(redemption_id: int) -> SeatGrant:
    live = SeatGrant.objects.live().filter(redemption_id=redemption_id)
    team_id = live.values_list("team_id", flat=True).first()
    if team_id is None:
        raise Refused("no_seat")
    locking.lock_team(team_id)
    grant = live.filter(team_id=team_id).first()
    if grant is None:
        raise Refused("no_seat")
    return grant


def _let_go(grant: SeatGrant, reason: DepartureReason, actor: Actor) -> None:
    """Open the departure; a seat upstream never heard of needs none and is given up right here.

    The bell is for this very departure: the reconciler reads its list once and may be waiting for another Team.
    """
    now = timezone.now()
    if grant.state == GrantState.RESERVED and not grant.ask_first:
        moves.leave(grant, GrantState.CANCELLED, reason=reason, now=now, actor=actor)
        if reason is DepartureReason.TAKEN_BACK:
            moves.end(redemption_id=grant.redemption_id, reason=reason, now=now, actor=actor)
        elif reason is DepartureReason.RESEATED:
            moves.next_try(redemption_id=grant.redemption_id)
        bells.reconcile()
    else:
        departure = opening.open_departure(grant=grant, reason=reason, now=now, actor=actor)
        bells.carry_out(departure.pk)

"""What an operator does to a seat: withdraw, take back, move, extend. Each function writes its audit row.

Nothing here waits for ChatGPT: a person who must leave gets a Departure and a bell for it; the reconciler sweeps.
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
    """Nothing was changed; `code` says why: "changed" when the seat or finding changed meanwhile."""

    def __init__(self, code: str = "changed") -> None:
        super().__init__(code)
        self.code = code


def withdraw(*, redemption_id: int, actor: Actor, reason: DepartureReason = DepartureReason.WITHDRAWN) -> None:
    """Withdraw an invitation nobody accepted; once it is gone, the code is usable again.

    Raises Refused("joined") when the person is in already, ("no_seat") when no seat is held.
    """
    with transaction.atomic(durable=True):
        grant = _locked_grant(redemption_id)
        if grant.state == GrantState.JOINED:
            raise Refused("joined")
        _let_go(grant, reason, actor)


def take_back(*, redemption_id: int, actor: Actor) -> None:
    """End a seat and remove the person; the code stays used. Raises Refused("no_seat")."""
    with transaction.atomic(durable=True):
        _let_go(_locked_grant(redemption_id), DepartureReason.TAKEN_BACK, actor)


def reseat(*, redemption_id: int, actor: Actor) -> None:
    """Move a person to another Team under the same claim: no new code, the end of a temporary seat kept.

    A seat in a lost Team is given up at once. A person in a living Team must leave first, so that they never hold two
    seats. Raises Refused("no_seat"), or ("bound") for a claim that may only be in that Team.
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
    """End a claim that waits without a seat. Its code can be used again, unless the person had been in.

    Raises Refused("over"), or ("changed") when it got a seat meanwhile.
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
    """True when the person was ever in by this claim: then its code stays used."""
    return any(grant.state == GrantState.ENDED for grant in tries)


def set_end(*, redemption_id: int, ends_at: datetime | None, actor: Actor) -> None:
    """Extend a temporary seat, shorten it, or make it permanent (None).

    Raises Refused("over"), or ("leaving") when ChatGPT is being or was told to remove the person.
    """
    leaving = Departure.objects.filter(grant__redemption=redemption_id, state=DepartureState.OPEN)
    live = SeatGrant.objects.live().filter(redemption_id=redemption_id)
    with transaction.atomic(durable=True):
        for team_id in live.values_list("team_id", flat=True):  # at most one; `carry_out` must not look in between
            locking.lock_team(team_id)
        if leaving.filter(Q(told_at__isnull=False) | Q(lease_until__gt=timezone.now())).exists():
            raise Refused("leaving")
        redemption = locking.locked_redemption(redemption_id)
        if redemption.state != RedemptionState.OPEN:
            raise Refused("over")
        fields: dict[str, object] = {"ends_at": ends_at}
        if ends_at is None:
            fields["seat_time"] = None  # else the next confirmation would start the time
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
    """Open a departure; a seat ChatGPT never heard of is given up right here.

    Rings for this departure: the reconciler reads its list once, and may be waiting for another Team.
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

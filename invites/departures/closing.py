"""Closes a Departure with its event: done when a list proved that the person is out, dropped when they stay."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from base.actors import Actor
from invites.departures.rights import ALLOWED, is_over
from invites.models import Departure, SeatGrant
from invites.seats import moves
from invites.states import DepartureReason, DepartureState, RedemptionState
from notifications.audit import events

# Why a departure was dropped, in our own words, as `last_problem` holds it. After the first three the person stays in.
PROTECTED = "owners and admins are never removed"
NOT_PERMITTED = "ChatGPT does not permit it"
OTHER_SEAT = "in a seat of another kind"
HIDDEN = "the e-mail is hidden"
ACCEPTED = "was accepted meanwhile"
OUT_OF_HOURS = "outside the guardian's hours"
SWITCHED_OFF = "the guardian was switched off"
REPORT_ONLY = "the guardian only reports"
SPENT = "removals of 72 hours used up"


def close(departure: Departure, state: DepartureState, *, why: str = "", now: datetime, actor: Actor) -> bool:
    """Close an open departure with its event: done, or dropped with `why`.

    False, and nothing is changed: after the caller read it, it was closed, or claimed by a worker, or the guardian's
    became an operator's.
    """
    with transaction.atomic():
        as_read = Departure.objects.filter(state=DepartureState.OPEN, is_automatic=departure.is_automatic)
        if not as_read.let_go(departure, state=state, closed_at=now, last_problem=why):
            return False
        events.departure_moved(
            subject=departure.subject,
            state=state.value,
            reason=departure.reason,
            actor=actor,
            details={"why": why} if why else None,
        )
    return True


def let_stay(departure: Departure, why: str, *, now: datetime, actor: Actor) -> None:
    """Drop a departure whose person stays after all. The caller holds the Team's lock."""
    give_up_overdue(departure, why, now=now, actor=actor)
    close(departure, DepartureState.DROPPED, why=why, now=now, actor=actor)


def call_off(*, departure_ids: list[int], why: str, now: datetime, actor: Actor) -> None:
    """Drop these automatic departures, except those ChatGPT was told of and those a worker holds."""
    rows = Departure.objects.filter(pk__in=departure_ids, is_automatic=True, state=DepartureState.OPEN)
    for departure in rows.filter(told_at=None, lease_until=None):
        close(departure, DepartureState.DROPPED, why=why, now=now, actor=actor)


def give_up_overdue(departure: Departure, why: str, *, now: datetime, actor: Actor) -> None:
    """End our seat of an overdue person who stays in the Team, or they could hold two.

    The same when it was to be taken back from somebody in a seat of another kind. A person whom we may not remove
    (PROTECTED, NOT_PERMITTED) keeps the seat until they redeemed a new code. The caller holds the lock.
    """
    if departure.grant_id is None:
        return
    is_overdue = departure.reason == DepartureReason.OVERDUE and is_over(departure, now)
    if not is_overdue and (why, departure.reason) != (OTHER_SEAT, DepartureReason.TAKEN_BACK):
        return
    # As it is under the lock.
    grant = SeatGrant.objects.live().filter(pk=departure.grant_id).select_related("redemption").first()
    if grant is None:
        return
    if why == OTHER_SEAT:
        moves.leave_them_there(grant, now=now, actor=actor)
    elif why == ALLOWED or (why in (PROTECTED, NOT_PERMITTED) and grant.redemption.state == RedemptionState.ENDED):
        moves.leave_in(grant, reason="time_over", now=now, actor=actor)

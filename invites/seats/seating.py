"""Gives an open redemption without a live grant its seat, or refuses it. Database only."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from base.actors import Actor
from base.transactions import require_transaction
from invites import bells, locking
from invites.models import Departure, Redemption, SeatGrant
from invites.seats import moves, timing
from invites.states import HOLDS_SEAT, DepartureReason, DepartureState, RedemptionState, Refusal
from notifications.audit import events
from teampool.models import Team, TeamQuerySet, living
from teampool.pool import seats

# Cancelled for want of seats only: then "no seat" is the whole truth.
FULL = "seats_full"
# An operator (or the wish to reclaim) took the invitation back: nothing is tried elsewhere, the code is free.
WITHDRAWN = (DepartureReason.WITHDRAWN.value, DepartureReason.RECLAIMED.value)


def take_seat(
    redemption: Redemption, *, now: datetime, actor: Actor, barred: Collection[int] | None = None
) -> SeatGrant | None:
    """Hold a seat in the first Team of choice that has one and write the grant; None holds nothing.

    In the caller's transaction. The first Team of choice nobody is writing to at this moment is taken; only where
    there is none are they waited for, each in a savepoint of its own: PostgreSQL keeps a row it waited for locked even
    when nothing was updated, and two who try Teams in another order would block.
    `barred` are Teams not to be tried; looked up unless the caller knows them.
    """
    candidates = Team.objects.allocatable(now).in_order_of_choice()
    if redemption.bound_team_id is not None:
        candidates = candidates.filter(pk=redemption.bound_team_id)
    barred = _barred(redemption) if barred is None else barred
    if barred:
        candidates = candidates.exclude(pk__in=barred)
    # SQLite: who gets here holds the only lock there is.
    savepoint = transaction.atomic if connection.features.has_select_for_update else contextlib.nullcontext
    at_rest = _first_at_rest(candidates)
    if at_rest is not None and seats.hold(team_id=at_rest, now=now):
        return open_grant(redemption, team_id=at_rest, now=now, actor=actor)
    for team_id in candidates.values_list("pk", flat=True):
        with contextlib.suppress(_Refused), savepoint():
            if not seats.hold(team_id=team_id, now=now):
                raise _Refused
            return open_grant(redemption, team_id=team_id, now=now, actor=actor)
    return None


def _first_at_rest(candidates: TeamQuerySet) -> int | None:
    """The first of them that nobody is writing to at this moment, locked. None says nothing about free seats.

    Many who come at once would else queue for one Team after the other, each until the last one's commit.
    """
    require_transaction()
    if not connection.features.has_select_for_update_skip_locked:
        return None  # SQLite: one writer at a time in any case
    at_rest = candidates.select_for_update(of=("self",), no_key=True, skip_locked=True)
    return at_rest.values_list("pk", flat=True).first()


class _Refused(Exception):
    """Rolls the savepoint back, and with it the lock."""


def open_grant(
    redemption: Redemption, *, team_id: int, now: datetime, actor: Actor, ask_first: bool = False
) -> SeatGrant:
    """Write the grant for a seat just held, and ring for its delivery."""
    grant = SeatGrant.objects.create(
        redemption=redemption,
        team_id=team_id,
        email=redemption.email,
        try_number=redemption.try_number,
        ask_first=ask_first,
        due_at=now,
        created_at=now,
    )
    events.seat_moved(subject=grant.subject, before="", after=grant.state, actor=actor, details={"team": grant.team_id})
    bells.deliver()
    return grant


def _barred(redemption: Redemption) -> set[int]:
    """Teams this claim must not go to: tried already, just moved out of, being left, or seated in."""
    tried = Q(try_number=redemption.try_number)
    # Moved out of it by an operator: the move must not end where it began.
    left = Q(try_number=redemption.try_number - 1, reason=DepartureReason.RESEATED)
    seated = SeatGrant.objects.filter(
        Q(tried | left, redemption=redemption) | Q(email=redemption.email, state__in=HOLDS_SEAT)
    )
    leaving = Departure.objects.filter(email=redemption.email, state=DepartureState.OPEN)
    return {*seated.values_list("team_id", flat=True), *leaving.values_list("team_id", flat=True)}


def reseat_or_refuse(*, redemption_id: int, now: datetime, actor: Actor) -> Redemption:
    """The second half of a failover and of a re-seat, and the reconciler's row "open without a live grant".

    Takes a seat in a Team not tried yet; after 3 Teams, or when none is left, refuses and frees the code.
    Somebody who had a seat before is never refused: the claim waits, and ends only with its time.
    Does nothing to a redemption that is not open, has a live grant, or waits for a departure.
    """
    with transaction.atomic(durable=True):
        redemption = locking.locked_claim(redemption_id)
        if redemption.state != RedemptionState.OPEN or redemption.grants.filter(state__in=HOLDS_SEAT).exists():
            return redemption
        if departures_under_way(redemption.email).exists():
            return redemption
        _seat_or_settle(redemption, now=now, actor=actor)
        redemption.refresh_from_db()
        return redemption


def _seat_or_settle(redemption: Redemption, *, now: datetime, actor: Actor) -> None:
    tried = list(redemption.grants.filter(try_number=redemption.try_number))
    decided = _decided(redemption)
    if DepartureReason.TAKEN_BACK in decided:
        moves.end(redemption_id=redemption.pk, reason=DepartureReason.TAKEN_BACK, now=now, actor=actor)
    elif decided or any(grant.reason in WITHDRAWN for grant in tried):
        moves.refuse(redemption_id=redemption.pk, refusal=Refusal.WITHDRAWN, now=now, actor=actor)
    elif redemption.ends_at is not None and redemption.ends_at <= now:
        moves.end(redemption_id=redemption.pk, reason="time_over", now=now, actor=actor)
    elif len(tried) < timing.MOST_TEAMS and take_seat(redemption, now=now, actor=actor) is not None:
        return
    elif redemption.try_number > 1:  # a re-seat: keep the claim, and ask the same Teams again after a while
        if tried and max(grant.ended_at or now for grant in tried) <= now - timing.UNRESOLVED_AFTER:
            moves.next_try(redemption_id=redemption.pk)
    else:
        moves.refuse(redemption_id=redemption.pk, refusal=_refusal(tried), now=now, actor=actor)


def _decided(redemption: Redemption) -> set[str]:
    """What an operator decided about a seat that then was lost by itself: it is not given again elsewhere."""
    ways = Departure.objects.filter(grant__redemption=redemption, reason__in=(DepartureReason.TAKEN_BACK, *WITHDRAWN))
    return set(ways.exclude(state=DepartureState.DROPPED).values_list("reason", flat=True))


def _refusal(tried: list[SeatGrant]) -> Refusal:
    reasons = {grant.reason for grant in tried}
    if reasons == {"domain_restricted"}:
        return Refusal.EMAIL_REFUSED
    return Refusal.NO_SEAT if reasons <= {FULL} else Refusal.TEAM_UNAVAILABLE


def departures_under_way(email: str) -> QuerySet[Departure]:
    """Ways out of living Teams: while one is open, a new invite there would be taken back.

    What was left behind in a lost Team waits for that Team alone; nobody waits for it.
    """
    open_ = Departure.objects.filter(living("team__"), email=email, state=DepartureState.OPEN)
    return open_.exclude(reason=DepartureReason.TEAM_GONE)

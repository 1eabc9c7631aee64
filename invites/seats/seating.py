"""Give an open redemption without a live grant a seat, or refuse it. Database only."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Exists, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery

from base.actors import Actor
from base.transactions import require_transaction
from invites import bells, locking
from invites.models import Departure, Redemption, SeatGrant
from invites.seats import moves, timing
from invites.states import HOLDS_SEAT, NO_PLACE, DepartureReason, DepartureState, RedemptionState, Refusal
from notifications.audit import events
from teampool.models import Member, Team, TeamQuerySet, living
from teampool.pool import seats

# When all tries failed with these reasons, the refusal is "no seat".
FULL = {"seats_full", NO_PLACE}
# An operator or the reclaim rule withdrew the invitation: try no other Team, free the code.
WITHDRAWN = (DepartureReason.WITHDRAWN.value, DepartureReason.RECLAIMED.value)


def _kept_for_waiting() -> Subquery:
    """How many waiting claims may go to the outer query's Team; claims that `_barred` keeps from it do not count."""
    team, again = OuterRef(OuterRef("pk")), OuterRef("try_number")
    tried = Q(try_number=again) | Q(try_number=again - 1, reason=DepartureReason.RESEATED)
    waiting = Redemption.objects.waiting().filter(
        Q(bound_team=None) | Q(bound_team=OuterRef("pk")),
        ~Exists(SeatGrant.objects.filter(tried, redemption=OuterRef("pk"), team=team)),
        ~Exists(Departure.objects.filter(email=OuterRef("email"), team=team, state=DepartureState.OPEN)),
        ~Exists(Member.objects.in_other_seats().filter(email=OuterRef("email"), team=team)),
    )
    count = Func(F("pk"), function="COUNT", output_field=IntegerField())  # without GROUP BY: 0 where nobody waits
    return Subquery(waiting.order_by().annotate(n=count).values("n"))


KEPT_FOR_WAITING = _kept_for_waiting()


def take_seat(
    redemption: Redemption, *, now: datetime, actor: Actor, barred: Collection[int] | None = None
) -> SeatGrant | None:
    """Hold a seat in the first Team of choice with a free seat, and write the grant; None when there is no seat.

    A new claim leaves each Team the seats that waiting claims may take; a waiting claim may take the last one. Runs in
    the caller's transaction. First tries the first Team that nobody is writing to. Else tries each Team and waits for
    its lock, in a savepoint: PostgreSQL keeps a lock it waited for even when the update changed nothing, and two
    redemptions that try Teams in different order would block each other. `barred`: Teams not to try; computed if None.
    """
    kept = 0 if redemption.is_waiting else KEPT_FOR_WAITING
    candidates = Team.objects.allocatable(now, kept=kept).in_order_of_choice()
    if redemption.bound_team_id is not None:
        candidates = candidates.filter(pk=redemption.bound_team_id)
    barred = _barred(redemption) if barred is None else barred
    if barred:
        candidates = candidates.exclude(pk__in=barred)
    # On SQLite we already hold the only write lock, so savepoints would be useless.
    savepoint = transaction.atomic if connection.features.has_select_for_update else contextlib.nullcontext
    at_rest = _first_at_rest(candidates)
    # Its lock keeps the seat it was found with. Who begins to wait from here on is not counted: were the seat refused,
    # this Team would stay locked while others are tried.
    if at_rest is not None and seats.hold(team_id=at_rest, now=now):
        return open_grant(redemption, team_id=at_rest, now=now, actor=actor)
    for team_id in candidates.values_list("pk", flat=True):
        with contextlib.suppress(_Refused), savepoint():
            if connection.features.has_select_for_update:
                # Lock first: an UPDATE that waits for the lock would count the claims that waited when it began.
                locking.lock_team(team_id)
            if not seats.hold(team_id=team_id, now=now, kept=kept):
                raise _Refused
            return open_grant(redemption, team_id=team_id, now=now, actor=actor)
    return None


def _first_at_rest(candidates: TeamQuerySet) -> int | None:
    """Lock the first Team that nobody is writing to. None says nothing about free seats.

    Without this, many redemptions at once would queue for the same Team, each until the last one's commit.
    """
    require_transaction()
    if not connection.features.has_select_for_update_skip_locked:
        return None  # SQLite has one writer at a time anyway
    at_rest = candidates.select_for_update(of=("self",), no_key=True, skip_locked=True)
    return at_rest.values_list("pk", flat=True).first()


class _Refused(Exception):
    """Rolls the savepoint back, which also releases the lock."""


def open_grant(
    redemption: Redemption, *, team_id: int, now: datetime, actor: Actor, ask_first: bool = False
) -> SeatGrant:
    """Write the grant of a seat just held, and ring for its delivery."""
    grant = SeatGrant.objects.create(
        redemption=redemption,
        team_id=team_id,
        email=redemption.email,
        try_number=redemption.try_number,
        ask_first=ask_first,
        due_at=now,
        created_at=now,
    )
    if redemption.is_waiting:
        redemption.is_waiting = False
        redemption.save(update_fields=["is_waiting"])
    events.seat_moved(subject=grant.subject, before="", after=grant.state, actor=actor, details={"team": grant.team_id})
    bells.deliver()
    return grant


def _barred(redemption: Redemption) -> set[int]:
    """Teams this claim must not go to: tried already, just moved out of, being left, or in there by any seat."""
    tried = Q(try_number=redemption.try_number)
    # After a re-seat: not back into the Team an operator moved them out of.
    left = Q(try_number=redemption.try_number - 1, reason=DepartureReason.RESEATED)
    seated = SeatGrant.objects.filter(
        Q(tried | left, redemption=redemption) | Q(email=redemption.email, state__in=HOLDS_SEAT)
    )
    leaving = Departure.objects.filter(email=redemption.email, state=DepartureState.OPEN)
    elsewhere = Member.objects.in_other_seats().filter(email=redemption.email)
    return {team_id for rows in (seated, leaving, elsewhere) for team_id in rows.values_list("team_id", flat=True)}


def reseat_or_refuse(*, redemption_id: int, now: datetime, actor: Actor) -> Redemption:
    """Seat an open redemption without a live grant elsewhere, or refuse it: after a failover, re-seat or crash.

    Takes a seat in a Team not tried yet. After 3 Teams, or when none has a seat, refuses and frees the code. A person
    who had a seat before is never refused: their claim waits, and ends only when its time is over. Does nothing to a
    redemption that is not open, has a live grant, or waits for a departure.
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
    elif redemption.try_number > 1:  # a re-seat: keep the claim, and try the same Teams again later
        if tried and max(grant.ended_at or now for grant in tried) <= now - timing.UNRESOLVED_AFTER:
            moves.next_try(redemption_id=redemption.pk)
    else:
        moves.refuse(redemption_id=redemption.pk, refusal=_refusal(tried), now=now, actor=actor)


def _decided(redemption: Redemption) -> set[str]:
    """An operator's decisions about seats whose Team was then lost: such a seat is not given again elsewhere."""
    ways = Departure.objects.filter(grant__redemption=redemption, reason__in=(DepartureReason.TAKEN_BACK, *WITHDRAWN))
    return set(ways.exclude(state=DepartureState.DROPPED).values_list("reason", flat=True))


def _refusal(tried: list[SeatGrant]) -> Refusal:
    reasons = {grant.reason for grant in tried}
    if reasons == {"domain_restricted"}:
        return Refusal.EMAIL_REFUSED
    return Refusal.NO_SEAT if reasons <= FULL else Refusal.TEAM_UNAVAILABLE


def departures_under_way(email: str) -> QuerySet[Departure]:
    """Open departures from living Teams: a new invite there would be revoked.

    Departures from lost Teams are left out: nobody waits for them.
    """
    open_ = Departure.objects.filter(living("team__"), email=email, state=DepartureState.OPEN)
    return open_.exclude(reason=DepartureReason.TEAM_GONE)

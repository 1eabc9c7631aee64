"""Finish whatever a crash, a lost bell or a dead worker left (design §4).

| what it finds | what finishes it |
| --- | --- |
| RESERVED, INVITING with an ended lease, INVITED and unseen | due again by their own columns: `deliver` |
| an open redemption without a live grant | a seat elsewhere, or refused with its code free |
| an open departure that is due | ChatGPT is told; the next complete list confirms it |
| a grant with a resend wanted and nothing due | made due |
| an invitation nobody accepted within the days set | withdrawn, its code usable again |
| unresolved for 10 minutes, and for 24 hours | operators are told, once each |
| a seat that ends soon | its person gets a mail, once for each end |
"""

from __future__ import annotations

import contextlib
import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from base.actors import Actor
from invites import bells
from invites.actions import seat
from invites.departures import carry_out
from invites.models import Departure, Redemption, SeatGrant
from invites.seats import mails, seating, timing
from invites.settings import RECLAIM_AFTER_DAYS
from invites.states import DepartureReason, DepartureState, GrantState, RedemptionState
from notifications.audit import events
from teampool import leases

log = logging.getLogger(__name__)
ACTOR = Actor("job", "reconcile")
RECLAIM_AGAIN = timedelta(days=1)
LEASE = ("departures",)
LEASE_TTL = timedelta(minutes=3)
_MOST_ALERTS = 200  # in one transaction; the rest a minute later
UNRESOLVED = (GrantState.RESERVED, GrantState.INVITING, GrantState.INVITED)


def reconcile() -> dict[str, int]:
    """One pass over everything unfinished; counts of what it did. May run beside itself."""
    now = timezone.now()
    return {
        "seated": _seat_waiting(now),
        "resends": _wake_resends(now),
        "reclaimed": _reclaim(now),
        "alerts": _alert_unresolved(now),
        "reminders": mails.remind(now),
        "due": _ring_for_due(now),
        # Last, because only this talks to ChatGPT and may take long.
        "departures": _carry_out_departures(now),
    }


def _seat_waiting(now: datetime) -> int:
    count = 0
    for redemption_id in list(Redemption.objects.waiting().order_by("pk").values_list("pk", flat=True)):
        try:
            seating.reseat_or_refuse(redemption_id=redemption_id, now=now, actor=ACTOR)
            count += 1
        except Exception:
            log.exception("reconcile: redemption %s", redemption_id)
    return count


def _carry_out_departures(now: datetime) -> int:
    """A slice of the due departures, by one worker: a Team that hangs costs a timeout. Rings when some are left."""
    until = timezone.now() + timing.DEPARTURES
    count, is_over = 0, False
    with leases.slot(LEASE, ttl=LEASE_TTL) as alone:
        if alone is None:
            return 0
        for departure_id in list(Departure.objects.due(now).order_by("due_at").values_list("pk", flat=True)):
            if is_over := timezone.now() >= until:
                break
            try:
                count += carry_out.carry_out(departure_id=departure_id)
            except Exception:
                log.exception("reconcile: departure %s", departure_id)
    if is_over:
        bells.reconcile()
    return count


def _wake_resends(now: datetime) -> int:
    wanted = SeatGrant.objects.filter(
        Q(due_at=None) | Q(due_at__gt=now),
        state__in=(GrantState.INVITED, GrantState.VERIFIED),
        redemption__resend_wanted_at__lte=now,
    )
    return SeatGrant.objects.filter(pk__in=wanted.values("pk"), lease_until=None).update(due_at=now)


def _reclaim(now: datetime) -> int:
    days = RECLAIM_AFTER_DAYS.get()
    if not days:
        return 0
    tried = Q(reason=DepartureReason.RECLAIMED, closed_at__gt=now - RECLAIM_AGAIN)  # reclaimed before, in vain
    leaving = Departure.objects.filter(Q(state=DepartureState.OPEN) | tried, grant=OuterRef("pk"))
    old = SeatGrant.objects.filter(
        ~Exists(leaving),
        state__in=(GrantState.INVITED, GrantState.VERIFIED),
        invited_at__lte=now - timedelta(days=days),
    )
    count = 0
    for redemption_id in list(old.values_list("redemption_id", flat=True)):
        with contextlib.suppress(seat.Refused):  # joined at this very moment
            seat.withdraw(redemption_id=redemption_id, actor=ACTOR, reason=DepartureReason.RECLAIMED)
            count += 1
    return count


def _alert_unresolved(now: datetime) -> int:
    """Tell operators at 10 minutes and at 24 hours; the Team is not marked as broken."""
    unresolved = SeatGrant.objects.filter(
        redemption=OuterRef("pk"), state__in=UNRESOLVED, created_at__lte=now - timing.UNRESOLVED_AFTER
    )
    waits = Q(is_waiting=True, created_at__lte=now - timing.UNRESOLVED_AFTER)
    rows = Redemption.objects.filter(Q(Exists(unresolved)) | waits, state=RedemptionState.OPEN)
    late = Q(alerted_at=None) | Q(
        created_at__lte=now - timing.ALERT_AFTER, alerted_at__lt=F("created_at") + timing.ALERT_AFTER
    )
    told: dict[timedelta, list[Redemption]] = {}
    with transaction.atomic(durable=True):
        for redemption in rows.filter(late).order_by("pk")[:_MOST_ALERTS]:
            if Redemption.objects.filter(late, pk=redemption.pk).update(alerted_at=now) == 1:
                age = timing.UNRESOLVED_AFTER if redemption.alerted_at is None else timing.ALERT_AFTER
                events.invite_unresolved(subject=redemption.subject, minutes=_minutes(age), actor=ACTOR)
                told.setdefault(age, []).append(redemption)
        for age, those in told.items():  # one notice for all of them
            first = those[0].subject
            events.invites_unresolved(count=len(those), minutes=_minutes(age), first=first)
    return sum(len(those) for those in told.values())


def _minutes(age: timedelta) -> int:
    return int(age.total_seconds() // 60)


def _ring_for_due(now: datetime) -> int:
    due = SeatGrant.objects.due(now).count()
    if due:
        bells.deliver()
    return due

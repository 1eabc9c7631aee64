"""Mails to redeemers: the invitation is there, the seat moved, the seat ends soon.

Queued in the transaction of the fact. One query while no mail server is set up.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import (
    CharField,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.db.models.functions import Cast, Concat
from django.urls import reverse
from django.utils.translation import override

from invites import times
from invites.models import Redemption, SeatGrant
from invites.states import CONFIRMED, RedemptionState
from notifications import outbox
from notifications.audit import events
from notifications.models import Message

REMIND_BEFORE = timedelta(hours=24)
# No reminder for a shorter seat: its success mail has only just come.
SHORTEST = timedelta(hours=2)
_AT_ONCE = 200


def write_confirmed(redemption: Redemption, grant: SeatGrant) -> None:
    """Mail the person: this grant's Team listed them for the first time."""
    move = None
    if grant.try_number > 1:
        earlier = SeatGrant.objects.filter(redemption_id=redemption.pk).exclude(pk=grant.pk)
        if earlier.exclude(verified_at=None, joined_at=None).exists():
            move = grant.pk
    events.seat_confirmed(
        subject=redemption.subject,
        language=redemption.language,
        status_path=_path(redemption),
        ends_at=_end(redemption),
        move=move,
    )


def remind(now: datetime) -> int:
    """Mail up to 200 people whose seat ends soon and who were not told of this end; return how many."""
    if not outbox.may_write("reminder"):
        return 0
    with transaction.atomic(durable=True):
        # Locked, so that the mail has the end that is stored.
        ending = list(_ending(now).select_for_update(of=("self",), skip_locked=True)[:_AT_ONCE])
        for redemption in ending:
            events.seat_ends_soon(
                subject=redemption.subject,
                language=redemption.language,
                status_path=_path(redemption),
                ends_at=_end(redemption),
            )
    return len(ending)


def _ending(now: datetime) -> QuerySet[Redemption]:
    """Seats in use that end within a day and are past half of their time."""
    reminded = Message.objects.filter(
        dedupe_key=Concat(Value(events.REMINDED), Cast(OuterRef("pk"), CharField()), output_field=CharField())
    )
    seated = SeatGrant.objects.filter(redemption=OuterRef("pk"), state__in=CONFIRMED)
    began = ExpressionWrapper(F("ends_at") - F("seat_time"), output_field=DateTimeField())
    is_past_half = Q(left__lte=ExpressionWrapper(Value(now) - F("began"), output_field=DurationField()))
    rows = Redemption.objects.filter(
        Q(seat_time=None) | Q(seat_time__gte=SHORTEST),
        Exists(seated),
        ~Exists(reminded),
        state=RedemptionState.OPEN,
        ends_at__gt=now,
        ends_at__lte=now + REMIND_BEFORE,
    )
    rows = rows.annotate(
        began=began, left=ExpressionWrapper(F("ends_at") - Value(now), output_field=DurationField())
    ).filter(Q(seat_time=None) | is_past_half)
    return rows.order_by("ends_at")


def _path(redemption: Redemption) -> str:
    return reverse("status", args=[redemption.public_id])


def _end(redemption: Redemption) -> str:
    if redemption.ends_at is None:
        return ""
    with override(redemption.language):
        return times.public_time(redemption.ends_at)

"""What redeemers are written: that the invitation is there, that the seat moved, that it ends soon.

Queued in the transaction of the fact, at the cost of one query while no mail server is set up.
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

# All of a redemption that a mail is made of.
COLUMNS = ("email", "language", "public_id", "seat_time", "ends_at")
REMIND_BEFORE = timedelta(hours=24)
# Seats shorter than this get no reminder: the success mail has only just come.
SHORTEST = timedelta(hours=2)
_AT_ONCE = 200


def write_confirmed(redemption: Redemption, grant: SeatGrant) -> None:
    """The person was seen in the lists of this grant's Team for the first time."""
    move = None
    if grant.try_number > 1:
        earlier = SeatGrant.objects.filter(redemption_id=redemption.pk).exclude(pk=grant.pk)
        if earlier.exclude(verified_at=None, joined_at=None).exists():
            move = grant.pk
    events.seat_confirmed(
        subject=_about(redemption),
        language=redemption.language,
        status_path=_path(redemption),
        ends_at=_end(redemption),
        move=move,
    )


def remind(now: datetime) -> int:
    """Write to a page of those whose seat ends soon and who were not told of this end; how many."""
    if not outbox.may_write("reminder"):
        return 0
    with transaction.atomic(durable=True):
        # Locked, so that an end set anew meanwhile is the one that is written.
        ending = list(_ending(now).select_for_update(of=("self",), skip_locked=True)[:_AT_ONCE])
        for redemption in ending:
            events.seat_ends_soon(
                subject=_about(redemption),
                language=redemption.language,
                status_path=_path(redemption),
                ends_at=_end(redemption),
            )
    return len(ending)


def _ending(now: datetime) -> QuerySet[Redemption]:
    """Seats in use with an end at most a day off, and at most half of their time."""
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
    return rows.order_by("ends_at").only(*COLUMNS)


def _about(redemption: Redemption) -> events.Subject:
    return events.Subject("redemption", str(redemption.pk), redemption.email)


def _path(redemption: Redemption) -> str:
    return reverse("status", args=[redemption.public_id])


def _end(redemption: Redemption) -> str:
    if redemption.ends_at is None:
        return ""
    with override(redemption.language):
        return times.public_time(redemption.ends_at)

"""Requests to send the invitation mail again, and to look again for unconfirmed invitations.

Only the wish is written here; the worker (`deliver`) acts on it. How often and how soon stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction

from base.actors import Actor
from base.work import free
from invites import bells, locking
from invites.models import Redemption, SeatGrant
from invites.seats import timing
from invites.states import UNCONFIRMED, GrantState, RedemptionState
from notifications.audit import events

MOST_RESENDS = 3
AFTER_FIRST_MAIL = timedelta(minutes=2)
AFTER_RESEND = timedelta(minutes=10)
AFTER_FAILURE = timedelta(minutes=2)
_WITH_A_MAIL = (GrantState.INVITED, GrantState.VERIFIED)


class Resend(StrEnum):
    NOT_OFFERED = "not_offered"
    QUEUED = "queued"
    NONE_LEFT = "none_left"
    WAIT = "wait"
    AVAILABLE = "available"


@dataclass(frozen=True, slots=True)
class ResendView:
    """Whether a resend is possible now, from when else, and how the last one went."""

    state: Resend
    wait_until: datetime | None = None
    sent_at: datetime | None = None
    has_failed: bool = False


def resend_view(redemption: Redemption, grant: SeatGrant | None, now: datetime) -> ResendView:
    """Offered only while a mail we sent waits to be accepted; not for an invite we only found (`sends` is 0)."""
    if grant is None or redemption.state != RedemptionState.OPEN or grant.state not in _WITH_A_MAIL or grant.sends == 0:
        return ResendView(Resend.NOT_OFFERED)
    if redemption.resend_wanted_at is not None:
        return ResendView(Resend.QUEUED)
    sent_at, failed_at = redemption.resent_at, redemption.resend_failed_at
    if sent_at is not None and sent_at < grant.created_at:
        sent_at = None  # that mail was for an earlier seat
    has_failed = failed_at is not None and failed_at >= grant.created_at and (sent_at is None or failed_at > sent_at)
    if redemption.resends >= MOST_RESENDS:
        return ResendView(Resend.NONE_LEFT, sent_at=sent_at, has_failed=has_failed)
    waits = [
        (grant.invited_at or grant.sent_at or grant.created_at, AFTER_FIRST_MAIL),
        (sent_at, AFTER_RESEND),
        (failed_at, AFTER_FAILURE),
    ]
    until = max(start + wait for start, wait in waits if start is not None)
    state = Resend.WAIT if now < until else Resend.AVAILABLE
    return ResendView(state, until if state is Resend.WAIT else None, sent_at, has_failed)


def want_resend(*, redemption_id: int, actor: Actor, now: datetime) -> bool:
    """Ask the worker for another mail; False when that is not possible now, or was already asked."""
    team_id = SeatGrant.objects.live().filter(redemption_id=redemption_id).values_list("team_id", flat=True).first()
    if team_id is None:
        return False
    with transaction.atomic(durable=True):
        locking.lock_team(team_id)  # before the redemption: locking order
        redemption = locking.locked_redemption(redemption_id)
        grant = locking.locked_live_grant(redemption)
        if grant is None or resend_view(redemption, grant, now).state is not Resend.AVAILABLE:
            return False
        Redemption.objects.filter(pk=redemption.pk).update(resend_wanted_at=now)
        SeatGrant.objects.filter(pk=grant.pk).update(due_at=now)
        events.resend_wanted(subject=redemption.subject, actor=actor)
        bells.deliver()
    return True


def check_again(*, now: datetime, actor: Actor) -> int:
    """Make every invitation due that no list has shown for ten minutes, except those a worker holds; return how many.

    `deliver` only looks earlier; it still decides whether anything is sent again.
    """
    is_open = Redemption.objects.filter(state=RedemptionState.OPEN)
    unseen = SeatGrant.objects.filter(
        free(now),
        state__in=UNCONFIRMED,
        created_at__lte=now - timing.UNRESOLVED_AFTER,
        redemption__in=is_open,
    )
    with transaction.atomic(durable=True):
        count = unseen.update(due_at=now)
        if count:
            events.invites_checked(count=count, actor=actor)
            bells.deliver()
    return count

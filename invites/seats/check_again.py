"""Looking for unseen invitations at once, when an operator does not want to wait for the next time."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from base.actors import Actor
from base.work import free
from invites.bells import ring_deliver
from invites.models import Redemption, SeatGrant
from invites.seats import timing
from invites.states import UNCONFIRMED, RedemptionState
from notifications.audit import events


def check_again(*, now: datetime, actor: Actor) -> int:
    """Make every invitation due that no list has shown for ten minutes; how many.

    Only the next look comes sooner: whether anything is sent again is decided as ever (`deliver`). One a worker is busy
    with is left alone.
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
            ring_deliver()
    return count

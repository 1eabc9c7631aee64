"""An operator has failed messages sent again: queued anew, recorded, and the worker rung, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from base.actors import Actor
from notifications import bells
from notifications.audit import events
from notifications.models import Message


def send_again(*, actor: Actor, message_ids: Iterable[int] | None = None) -> int:
    """Queue the failed ones among these messages anew, with the same ids, or every failed one; how many there were."""
    failed = Message.objects.filter(state=Message.State.FAILED)
    if message_ids is not None:
        failed = failed.filter(pk__in=list(message_ids))
    with transaction.atomic():
        count = failed.update(
            state=Message.State.WAITING, attempts=0, due_at=timezone.now(), lease_until=None, last_error=""
        )
        if count:
            events.messages_sent_again(count=count, actor=actor)
            bells.deliver()
    return count

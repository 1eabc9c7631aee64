"""An operator has failed messages sent again: queued anew, recorded, and the worker rung, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from base.actors import Actor
from notifications import bells
from notifications.audit import events
from notifications.models import Message
from notifications.sending import deliver


def send_again(*, message_ids: Iterable[int], actor: Actor) -> int:
    """How many of them are on their way again; one that did not fail, or no longer, is left alone."""
    with transaction.atomic():
        found = Message.objects.filter(pk__in=list(message_ids)).order_by("pk")
        count = sum(deliver.send_again(message) for message in found)
        _note(count, actor)
    return count


def send_all_again(*, actor: Actor) -> int:
    """Every failed message; how many there were."""
    with transaction.atomic():
        count = deliver.send_all_again()
        _note(count, actor)
    return count


def _note(count: int, actor: Actor) -> None:
    if count:
        events.messages_sent_again(count=count, actor=actor)
        bells.deliver()

"""The door of the background worker into this room."""

from __future__ import annotations

from django.utils import timezone

from base.bells import ring
from notifications.outbox import DELIVER
from notifications.sending import deliver as delivery


def deliver() -> int:
    """A slice of at most 45 s over the messages that are due; rings itself again when time was short."""
    until = timezone.now() + delivery.SLICE
    sent = delivery.drain(until)
    if timezone.now() >= until and delivery.has_due(timezone.now()):
        ring(DELIVER)
    return sent

"""This room's tasks: the queue calls them by name."""

from __future__ import annotations

from django.utils import timezone

from notifications import bells
from notifications.models import Message
from notifications.sending.deliver import SLICE, drain


def deliver() -> int:
    """Send due messages for at most 45 s; rings again when some are left."""
    until = timezone.now() + SLICE
    sent = drain(until)
    if timezone.now() >= until and Message.objects.due(timezone.now()).exists():
        bells.deliver()
    return sent

"""This room's times that a clock which ran ahead may have written wrongly."""

from __future__ import annotations

from base.clock_repair import Moments
from notifications.models import Message
from notifications.sending.deliver import BACK_OFF, LEASE


def moments() -> list[Moments]:
    waiting = Message.objects.filter(state=Message.State.WAITING)
    return [Moments(waiting, leases={"lease_until": LEASE}, waits={"due_at": max(BACK_OFF)}, facts=["created_at"])]

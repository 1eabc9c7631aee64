"""Heartbeats: proof that a node's worker runs jobs.

When the newest is over an hour old the database stood still: a restored backup, a long stop, a clock that jumped.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta

from django.db.models import Max

from guardian.mode import pause_removals
from guardian.models import Heartbeat

# Set by `up`, so that two workers on one machine have different names.
NODE_VARIABLE = "SEATKEEPER_NODE"
LONGEST_STILL = timedelta(hours=1)


def node() -> str:
    return (os.environ.get(NODE_VARIABLE) or socket.gethostname())[:120]


def beat(now: datetime) -> None:
    Heartbeat.objects.update_or_create(node=node(), defaults={"at": now})


def last_beat(of: str) -> datetime | None:
    return Heartbeat.objects.filter(node=of).values_list("at", flat=True).first()


def newest_beat() -> datetime | None:
    """The latest heartbeat of any node; None when there is none."""
    at: datetime | None = Heartbeat.objects.aggregate(at=Max("at"))["at"]
    return at


def nodes_alive(now: datetime, within: timedelta) -> int:
    return Heartbeat.objects.filter(at__gt=now - within).count()


def pause_if_stale(now: datetime) -> bool:
    """Pause removals when the newest heartbeat is over an hour old; True if it was. Call it before `beat`.

    Such a database may not know who was given a seat or permission since: an operator must look first.
    """
    newest = newest_beat()
    if newest is None or now - newest <= LONGEST_STILL:
        return False
    pause_removals(stood_still_hours=(now - newest).total_seconds() / 3600)
    return True

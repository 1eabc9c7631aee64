"""Whether the background work moves: heartbeats, written by a task on each node and read from anywhere.

Without one for an hour the database stood still: a copy restored from yesterday, a long stop, a clock that jumped.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta

from django.db.models import Max

from guardian.mode import pause_removals
from guardian.models import Heartbeat

# `up` names its worker, so that two on one machine are told apart.
NODE_VARIABLE = "SEATKEEPER_NODE"
LONGEST_STILL = timedelta(hours=1)


def node() -> str:
    return (os.environ.get(NODE_VARIABLE) or socket.gethostname())[:120]


def beat(now: datetime) -> None:
    """Say that this node's worker gets through its queue."""
    Heartbeat.objects.update_or_create(node=node(), defaults={"at": now})


def last_beat(of: str) -> datetime | None:
    return Heartbeat.objects.filter(node=of).values_list("at", flat=True).first()


def newest_beat() -> datetime | None:
    """The last sign of life of any node; None when there never was one."""
    at: datetime | None = Heartbeat.objects.aggregate(at=Max("at"))["at"]
    return at


def nodes_alive(now: datetime, within: timedelta) -> int:
    return Heartbeat.objects.filter(at__gt=now - within).count()


def pause_if_stale(now: datetime) -> bool:
    """Pause removals when the last heartbeat is over an hour old; True if it was. Call it before a new one is written.

    What such a database knows of who may be where is old: nobody is removed before an operator has looked.
    """
    newest = newest_beat()
    if newest is None or now - newest <= LONGEST_STILL:
        return False
    pause_removals(stood_still_hours=(now - newest).total_seconds() / 3600)
    return True

"""Tells whether a worker is stuck: its processes live, but no job runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import DatabaseError, connections
from django.utils import timezone

from guardian.clockwork import heartbeats


class Watchdog:
    """Watches the heartbeat of one node.

    It counts from when it saw the heartbeat change, on the monotonic clock: neither a corrected date nor a laptop's
    sleep moves it. A database that does not answer says nothing about the worker.
    """

    def __init__(self, *, node: str, limit: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.node = node
        self.limit = limit
        self.nodes = 1
        self._clock = clock
        self._seen: datetime | None = None
        self._seen_at = clock()

    def restart(self) -> None:
        """Start counting anew: a new worker gets the whole limit."""
        self._seen_at = self._clock()

    def is_stuck(self) -> bool:
        try:
            last = heartbeats.last_beat(self.node)
            # All nodes take heartbeats off the same queue: with N nodes each gets every Nth on average.
            self.nodes = max(1, heartbeats.nodes_alive(timezone.now(), timedelta(seconds=self.limit)))
        except DatabaseError:
            self.restart()
            return False
        finally:
            connections.close_all()
        if last != self._seen:
            self._seen = last
            self.restart()
        return self.silence > self.limit * self.nodes

    @property
    def silence(self) -> float:
        """Seconds since the heartbeat was last seen to change."""
        return self._clock() - self._seen_at

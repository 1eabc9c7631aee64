"""Notices that the database stood still: a copy restored from yesterday, a long stop, a clock that jumped.

What such a database knows of who may be where is old, so nobody is taken out before an operator has looked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from guardian.clockwork import heartbeats
from guardian.mode import pause_removals

LONGEST = timedelta(hours=1)


def check(now: datetime) -> bool:
    """Pause removals when the last sign of life is over an hour old. Asked before a new one is written."""
    newest = heartbeats.newest_beat()
    if newest is None or now - newest <= LONGEST:
        return False
    pause_removals(stood_still_hours=(now - newest).total_seconds() / 3600)
    return True

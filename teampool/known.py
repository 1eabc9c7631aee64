"""How the number of a Team's places is known, and how long a number that was read is good for. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

GOOD_FOR = timedelta(hours=24)


class Known(StrEnum):
    """Where the number of places comes from."""

    POOLS = "pools"
    ENTITLED = "entitled"
    CAP = "cap"
    ASSUMED = "assumed"
    UNREAD = "unread"
    STALE = "stale"


def is_stale(*, read_at: datetime, cap_set_at: datetime | None, now: datetime) -> bool:
    """True 24 h after the last read, while no cap was set since that read: nobody is placed by such a number."""
    return now - read_at > GOOD_FOR and (cap_set_at is None or cap_set_at <= read_at)

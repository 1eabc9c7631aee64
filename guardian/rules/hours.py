"""The hours in which the guardian works, in the operator's time zone. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def is_within(now: datetime, *, start: time, end: time, zone: ZoneInfo) -> bool:
    """True from `start` until `end`, past midnight if `end` is earlier, all day if both are equal.

    Compares wall-clock times. When the clocks change, an hour that does not exist is skipped, and one that comes twice
    counts twice.
    """
    wall = now.astimezone(zone).time()
    if start == end:
        return True
    if start < end:
        return start <= wall < end
    return wall >= start or wall < end


def closes_at(now: datetime, *, start: time, end: time, zone: ZoneInfo) -> datetime | None:
    """When the hours that hold at `now` end; None when they never end."""
    if start == end:
        return None
    here = now.astimezone(zone)
    at = here.replace(hour=end.hour, minute=end.minute, second=0, microsecond=0, fold=0)
    return at if at > here else at + timedelta(days=1)  # the same time tomorrow, even if the day has 23 or 25 hours

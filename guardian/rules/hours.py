"""The hours in which the guardian works, by the clock on the operator's wall."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def is_within(now: datetime, *, start: time, end: time, zone: ZoneInfo) -> bool:
    """Pure. From `start` up to, not including, `end`; past midnight when `end` is the earlier; all day when equal.

    Wall-clock times are compared, so a change to or from daylight-saving time shifts nothing: an hour that
    does not exist is skipped, one that comes twice counts twice.
    """
    wall = now.astimezone(zone).time()
    if start == end:
        return True
    if start < end:
        return start <= wall < end
    return wall >= start or wall < end


def closes_at(now: datetime, *, start: time, end: time, zone: ZoneInfo) -> datetime | None:
    """Pure. When the hours that hold at `now` are over; None when they never are."""
    if start == end:
        return None
    here = now.astimezone(zone)
    at = here.replace(hour=end.hour, minute=end.minute, second=0, microsecond=0, fold=0)
    return at if at > here else at + timedelta(days=1)  # a day on the wall, however long

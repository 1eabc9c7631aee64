from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from guardian.rules.hours import closes_at, is_within

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")


def at(text: str, zone: ZoneInfo) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("wall", "start", "end", "expected"),
    [
        ("08:59", "09:00", "22:00", False),
        ("09:00", "09:00", "22:00", True),
        ("21:59", "09:00", "22:00", True),
        ("22:00", "09:00", "22:00", False),
        ("23:30", "22:00", "06:00", True),
        ("05:59", "22:00", "06:00", True),
        ("06:00", "22:00", "06:00", False),
        ("12:00", "22:00", "06:00", False),
        ("03:00", "00:00", "00:00", True),
        ("15:00", "09:00", "09:00", True),
    ],
)
def test_it_reads_the_clock_on_the_wall(wall: str, start: str, end: str, expected: bool) -> None:
    now = at(f"2026-03-02T{wall}", SHANGHAI)
    hours = {"start": time.fromisoformat(start), "end": time.fromisoformat(end)}
    assert is_within(now, zone=SHANGHAI, **hours) is expected


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"], ids=["an hour is skipped", "an hour comes twice"])
def test_the_hours_stay_where_they_are_when_the_clocks_change(day: str) -> None:
    """From 01:00 to 04:00 on the wall, however many real hours that is."""
    midnight = at(f"{day}T00:00", BERLIN)
    minutes = [midnight + timedelta(minutes=n) for n in range(6 * 60)]
    inside = [one for one in minutes if is_within(one, start=time(1), end=time(4), zone=BERLIN)]
    assert len(inside) == (2 if day == "2026-03-29" else 4) * 60
    assert {one.astimezone(BERLIN).hour for one in inside} <= {1, 2, 3}


@pytest.mark.parametrize(
    ("now", "start", "end", "expected"),
    [
        ("2026-03-02T12:00", "09:00", "22:00", "2026-03-02T22:00"),
        ("2026-03-02T23:30", "22:00", "06:00", "2026-03-03T06:00"),
        ("2026-03-03T05:59", "22:00", "06:00", "2026-03-03T06:00"),
        ("2026-03-28T23:00", "22:00", "04:00", "2026-03-29T04:00"),
        ("2026-10-24T23:00", "22:00", "04:00", "2026-10-25T04:00"),
    ],
)
def test_they_close_by_the_clock_on_the_wall_too(now: str, start: str, end: str, expected: str) -> None:
    hours = {"start": time.fromisoformat(start), "end": time.fromisoformat(end)}
    assert closes_at(at(now, BERLIN), zone=BERLIN, **hours) == at(expected, BERLIN)


def test_all_day_they_never_close() -> None:
    assert closes_at(at("2026-03-02T12:00", BERLIN), start=time(9), end=time(9), zone=BERLIN) is None

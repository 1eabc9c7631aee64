"""Times as the operator reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from base import times

# These write wall-clock times as people read them.
pytestmark = pytest.mark.usefixtures("shanghai")

NOW = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


class TestAgo:
    @pytest.mark.parametrize(
        ("age", "words"),
        [
            (timedelta(seconds=0), "0 s ago"),
            (timedelta(seconds=59), "59 s ago"),
            (timedelta(seconds=60), "1 min ago"),
            (timedelta(minutes=59, seconds=59), "59 min ago"),
            (timedelta(minutes=60), "1 h ago"),
            (timedelta(hours=23, minutes=59), "23 h ago"),
            (timedelta(hours=24), "2026-03-01 14:30"),
            (timedelta(seconds=-1), "2026-03-02 14:30"),
        ],
    )
    def test_it_takes_the_largest_whole_unit(self, age: timedelta, words: str) -> None:
        assert times.ago(NOW - age, NOW) == words


class TestClock:
    @pytest.mark.parametrize(
        ("now", "words"),
        [
            ("2026-03-02T15:59:59Z", "14:30"),
            ("2026-03-02T16:00:00Z", "2026-03-02 14:30"),
            ("2026-03-01T16:00:00Z", "14:30"),
            ("2026-03-01T15:59:59Z", "2026-03-02 14:30"),
        ],
    )
    def test_the_day_is_named_unless_it_is_today(self, now: str, words: str) -> None:
        """Today is a day of the operator's time zone: 8 hours before that of Greenwich."""
        assert times.clock(NOW, datetime.fromisoformat(now)) == words


class TestTag:
    def test_it_is_readable_by_machines_in_full(self) -> None:
        assert times.tag(NOW, "5 min ago") == (
            '<time datetime="2026-03-02T06:30:00+00:00" title="2026-03-02 14:30">5 min ago</time>'
        )

    def test_none_is_a_dash(self) -> None:
        assert times.tag(None) == "–"

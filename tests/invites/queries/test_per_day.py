"""Redemptions counted by the days of the operator's calendar."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from invites.queries.per_day import DAYS, by_day
from tests.invites.rows import a_redemption

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shanghai")]
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)  # 12:00 in Shanghai


def test_a_day_begins_at_midnight_where_the_operator_is() -> None:
    for n, minute in enumerate((59, 0)):  # 23:59 on the first of March, 00:00 on the second
        a_redemption(f"{n}@example.com", created_at=datetime(2026, 3, 1, 15 + n, minute, tzinfo=UTC))
    days = by_day(NOON)
    assert [day.date.isoformat() for day in days[-2:]] == ["2026-03-01", "2026-03-02"]
    assert [day.accepted for day in days[-2:]] == [1, 1]
    assert days[-1].begins_at == days[-2].ends_at == datetime(2026, 3, 1, 16, tzinfo=UTC)


def test_refused_ones_are_counted_apart() -> None:
    a_redemption("a@example.com", created_at=NOON)
    a_redemption("b@example.com", created_at=NOON, state="refused")
    a_redemption("c@example.com", created_at=NOON, state="ended")
    assert (by_day(NOON)[-1].accepted, by_day(NOON)[-1].refused) == (2, 1)


def test_a_revoked_one_had_been_accepted() -> None:
    a_redemption("a@example.com", created_at=NOON, state="refused", refusal="no_seat")
    a_redemption("b@example.com", created_at=NOON, state="refused", refusal="withdrawn")
    assert (by_day(NOON)[-1].accepted, by_day(NOON)[-1].refused) == (1, 1)


def test_every_day_is_there_in_one_query(django_assert_num_queries: Any) -> None:
    a_redemption("a@example.com", created_at=datetime(2026, 1, 31, 15, 59, tzinfo=UTC))  # the day before the first
    with django_assert_num_queries(1):
        days = by_day(NOON)
    assert len(days) == DAYS == 30
    assert days[0].date.isoformat() == "2026-02-01"
    assert sum(day.accepted + day.refused for day in days) == 0

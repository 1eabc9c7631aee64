"""Redemptions per day, and how many of them were refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import connection
from django.utils.timezone import localdate, make_aware

from invites.models import Redemption
from invites.states import RedemptionState, Refusal

DAYS = 30
_TABLE = Redemption._meta.db_table
# A withdrawn invitation does not count as refused: it had been accepted first.
_IS_REFUSED = f"state = '{RedemptionState.REFUSED}' AND refusal <> '{Refusal.WITHDRAWN}'"
_REFUSED = f"COUNT(CASE WHEN {_IS_REFUSED} THEN 1 END)"
_ONE_DAY = f"SELECT %s, COUNT(*), {_REFUSED} FROM {_TABLE} WHERE created_at >= %s AND created_at < %s"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Day:
    """A day in the operator's time zone: from `begins_at` until before `ends_at`."""

    date: date
    begins_at: datetime
    ends_at: datetime
    accepted: int
    refused: int


def by_day(now: datetime, *, days: int = DAYS) -> list[Day]:
    """The last `days` days, oldest first, with today. One query.

    It reads a range of the index for each day: to group by date, SQLite would call Python for every row.
    """
    today = localdate(now)
    dates = [today - timedelta(days=back) for back in reversed(range(days))]
    begin = [make_aware(datetime.combine(one, time.min)) for one in [*dates, today + timedelta(days=1)]]
    edges = [connection.ops.adapt_datetimefield_value(edge) for edge in begin]
    with connection.cursor() as cursor:
        spans = [value for n in range(days) for value in (n, edges[n], edges[n + 1])]
        cursor.execute(" UNION ALL ".join([_ONE_DAY] * days), spans)
        found = {n: (total, refused) for n, total, refused in cursor.fetchall()}
    return [
        Day(one, begin[n], begin[n + 1], accepted=found[n][0] - found[n][1], refused=found[n][1])
        for n, one in enumerate(dates)
    ]

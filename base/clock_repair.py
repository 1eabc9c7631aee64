"""Repair times that were written while the server's clock ran ahead.

After the clock is corrected they are impossible: a lease nobody holds, a wait of days, a list that seems newer than
every later list. Each room names its columns in `clock_repair.py`; the guardian runs the repair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet, Value

# Clocks of two nodes may differ by minutes. A smaller lead needs no repair: it is over in 15 minutes.
SKEW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Moments:
    """Time columns of some rows, by what they mean.

    `leases` and `waits` name the longest honest lead. A late lease is shortened to it, because its holder may still be
    working; a late wait ends now. A late fact becomes now; a forgotten column becomes NULL and is found out anew.
    """

    rows: QuerySet[Any]
    leases: Mapping[str, timedelta] = field(default_factory=dict)
    waits: Mapping[str, timedelta] = field(default_factory=dict)
    facts: Sequence[str] = ()
    forgotten: Sequence[str] = ()

    def bounds(self, now: datetime) -> dict[str, tuple[datetime, datetime | None]]:
        """For each column: the last honest time, and what replaces a later time."""
        return (
            {name: (now + longest + SKEW, now + longest) for name, longest in self.leases.items()}
            | {name: (now + longest + SKEW, now) for name, longest in self.waits.items()}
            | dict.fromkeys(self.facts, (now + SKEW, now))
            | dict.fromkeys(self.forgotten, (now + SKEW, None))
        )

    def ahead(self, now: datetime) -> QuerySet[Any]:
        later = (Q(**{f"{name}__gt": last}) for name, (last, _becomes) in self.bounds(now).items())
        return self.rows.filter(reduce(or_, later)).order_by()


def is_any_ahead(tables: Sequence[Moments], now: datetime) -> bool:
    """True when any column of any table holds an impossible time. One query."""
    first, *rest = (table.ahead(now).values_list(Value(1)) for table in tables)
    return first.union(*rest, all=True).exists()


def bring_back(tables: Sequence[Moments], now: datetime) -> dict[str, int]:
    """Repair every impossible time; return the number of rows by table. Safe to run twice at once."""
    done: Counter[str] = Counter()
    for table in tables:
        bounds = table.bounds(now)
        for row in list(table.ahead(now).values("pk", *bounds)):
            late = {name: row[name] for name, (last, _) in bounds.items() if row[name] is not None and row[name] > last}
            # One row at a time, only if unchanged: no two rows are locked at once, and a newer write wins.
            mine = table.rows.model._default_manager.filter(pk=row["pk"], **late)
            done[str(table.rows.model._meta.model_name)] += mine.update(**{name: bounds[name][1] for name in late})
    return {name: count for name, count in done.items() if count}

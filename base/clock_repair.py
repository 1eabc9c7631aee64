"""Moments that a clock which ran ahead left in our rows.

Once it is right again they lie where no honest writer reaches: a lease nobody holds, a wait of days, a list that
seems newer than every later one. Each room names its columns in its `moments.py`; the guardian puts them right.
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

# Clocks of two nodes may differ by minutes without anybody's harm: what a smaller lead leaves is over as soon.
SKEW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Moments:
    """Columns of some rows that hold moments.

    A lease and a wait lie as far ahead as written here at most. A lease is cut to that, since its holder may be
    at work; a wait is over. A fact is past: it happened now, or is forgotten where it has to be found out anew.
    """

    rows: QuerySet[Any]
    leases: Mapping[str, timedelta] = field(default_factory=dict)
    waits: Mapping[str, timedelta] = field(default_factory=dict)
    facts: Sequence[str] = ()
    forgotten: Sequence[str] = ()

    def bounds(self, now: datetime) -> dict[str, tuple[datetime, datetime | None]]:
        """For each column the last moment that can be honest, and what a later one becomes."""
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
    """One read, whatever is in the tables."""
    first, *rest = (table.ahead(now).values_list(Value(1)) for table in tables)
    return first.union(*rest, all=True).exists()


def bring_back(tables: Sequence[Moments], now: datetime) -> dict[str, int]:
    """Put right every such moment; how many rows of which table. May run beside itself and everything else."""
    done: Counter[str] = Counter()
    for table in tables:
        bounds = table.bounds(now)
        for row in list(table.ahead(now).values("pk", *bounds)):
            late = {name: row[name] for name, (last, _) in bounds.items() if row[name] is not None and row[name] > last}
            # By itself, and only as it was read: no two rows are ever locked at once, and whoever moved it on wins.
            mine = table.rows.model._default_manager.filter(pk=row["pk"], **late)
            done[str(table.rows.model._meta.model_name)] += mine.update(**{name: bounds[name][1] for name in late})
    return {name: count for name, count in done.items() if count}

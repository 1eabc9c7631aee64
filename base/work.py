"""Rows that are work: a worker claims a row, works outside any transaction, then writes down the result.

Lease: a claim sets `lease_until`; until then the row belongs to that worker. If the worker dies, the row is free
again when the lease ends.
Fence: a claim also raises `attempts`, and each later write of it filters by that. Where the row has no `attempts` (an
ImportJob, an Owner's renewal, a look at a Team), the end of the lease is the fence: no other claim has the same.
0 rows changed: the claim or the write came too late; another worker has the row, and its result counts.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models import Q

Row = TypeVar("Row", bound=models.Model)


def free(now: datetime, lease: str = "lease_until") -> Q:
    """Rows no worker holds: never claimed, released, or with a lease that ended."""
    return Q((lease, None)) | Q((f"{lease}__lte", now))


class WorkQuerySet(models.QuerySet[Row]):
    """For a model with `state`, `attempts`, `lease_until` and `due_at`."""

    def due(self, now: datetime) -> Self:
        return self.filter(free(now), due_at__lte=now)

    def claim(self, row: Any, *, now: datetime, until: datetime) -> bool:
        """Lease a free row to the caller. False: another worker claimed or changed it since it was read."""
        return self.filter(free(now)).write(row, attempts=row.attempts + 1, lease_until=until)

    def write(self, row: Any, **fields: Any) -> bool:
        """Write `fields` if the row is still as `row` was read. False: another claim or state counts."""
        as_read = self.filter(pk=row.pk, state=row.state, attempts=row.attempts)
        if as_read.update(**fields) != 1:
            return False
        for name, value in fields.items():
            setattr(row, name, value)
        return True

    def let_go(self, row: Any, **fields: Any) -> bool:
        """Write the result of a claim and free the row. False: as in `write`."""
        return self.write(row, lease_until=None, **fields)

"""Rows that are work: a worker claims a row, works outside any transaction, then writes down the result.

Lease: a claim sets `lease_until`; until then the row belongs to that worker. If the worker dies, the row is free
again when the lease ends.
Fence: a claim also raises `attempts` (or sets a lease nobody else has), and each later write of it filters by that.
0 rows changed: the claim or the write came too late; another worker has the row, and its result counts.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q


def free(now: datetime, lease: str = "lease_until") -> Q:
    """Rows no worker holds: never claimed, released, or with a lease that ended."""
    return Q((lease, None)) | Q((f"{lease}__lte", now))

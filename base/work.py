"""Rows that are work: a worker claims one, does it outside any transaction, and writes down what came of it.

The lease: a claim sets `lease_until`, and until then the row is that worker's alone. A worker that dies lets nothing
go; when its lease has ended, the row is free for anybody.
The fence: a claim raises `attempts`, or sets a lease nobody else has, and every later write of the claim names it.
0 rows: a claim or write that changes none came too late. Another worker has the row now, and its word counts.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q


def free(now: datetime, lease: str = "lease_until") -> Q:
    """Rows no worker holds: never claimed, let go of, or left behind by one whose lease has ended."""
    return Q((lease, None)) | Q((f"{lease}__lte", now))

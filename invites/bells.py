"""Bells of this room; `teampool/bells.py` has those that `teampool` rings too."""

from __future__ import annotations

from datetime import datetime

from base.bells import ring
from teampool.bells import sync, sync_team

__all__ = ["carry_out", "deliver", "reconcile", "sync", "sync_team"]


def deliver(*, at: datetime | None = None) -> None:
    ring("invites.tasks.deliver", at=at)


def carry_out(departure_id: int, *, at: datetime | None = None) -> None:
    ring("invites.tasks.carry_out", departure_id, at=at)


def reconcile() -> None:
    ring("invites.tasks.reconcile")

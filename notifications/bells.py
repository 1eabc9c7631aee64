"""Bells of this room. The task that checks the stock is in `invites`, which may not be imported here, so by name."""

from __future__ import annotations

from datetime import datetime

from base.bells import ring


def deliver() -> None:
    ring("notifications.tasks.deliver")


def check_stock(*, at: datetime | None = None) -> None:
    ring("invites.tasks.check_stock", at=at)

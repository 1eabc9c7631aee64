"""The bells of this room. The stock is looked at by a room further left, which is named as a string only."""

from __future__ import annotations

from datetime import datetime

from base.bells import ring


def deliver() -> None:
    ring("notifications.tasks.deliver")


def check_stock(*, at: datetime | None = None) -> None:
    ring("invites.tasks.check_stock", at=at)

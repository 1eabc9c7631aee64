"""Bells of this room. The tasks that sync Teams are in `invites`, which may not be imported here, so by name."""

from __future__ import annotations

from datetime import datetime

from base.bells import ring
from notifications.bells import check_stock

__all__ = ["check_stock", "keep_alive", "run_import", "sync", "sync_team", "take_over"]


def run_import(job_id: int) -> None:
    ring("teampool.tasks.run_import", job_id)


def keep_alive() -> None:
    ring("teampool.tasks.keep_alive")


def take_over() -> None:
    ring("teampool.tasks.take_over")


def sync_team(team_id: int, *, at: datetime | None = None) -> None:
    ring("invites.tasks.sync_team", team_id, at=at)


def sync() -> None:
    ring("invites.tasks.sync")

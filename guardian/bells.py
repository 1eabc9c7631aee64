"""Bells of this room."""

from __future__ import annotations

from datetime import datetime

from base.bells import ring


def beat(name: str, number: int, *, at: datetime) -> None:
    ring("guardian.tasks.beat", name, number, at=at)


def sweep(*, at: datetime) -> None:
    ring("guardian.tasks.sweep", at=at)


def look_only() -> None:
    ring("guardian.tasks.look_only")

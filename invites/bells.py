"""The one bell of this room: grants are due."""

from __future__ import annotations

from datetime import datetime

from base.bells import ring, ring_at

DELIVER = "invites.tasks.deliver"


def ring_deliver() -> None:
    ring(DELIVER)


def ring_deliver_at(when: datetime) -> None:
    ring_at(when, DELIVER)

"""What the last reads of a Team's seats said, as its row keeps it: read here without asking ChatGPT."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from teampool.known import Known
from teampool.models import Team
from teampool.pool.capacity import Capacity, Reading, Refusals


def as_json(reading: Reading | None) -> dict[str, Any] | None:
    """A reading as `Team.reading` stores it."""
    return None if reading is None else asdict(reading) | {"read_at": reading.read_at.isoformat()}


def reading(team: Team) -> Reading | None:
    """The last number that was read; None when none ever was."""
    if team.reading is None:
        return None
    read_at = datetime.fromisoformat(team.reading["read_at"])
    if team.seats_read_at is not None:
        read_at = min(read_at, team.seats_read_at)  # which is put right when the clock ran ahead
    return Reading(**team.reading | {"known": Known(team.reading["known"]), "read_at": read_at})


def refusals(team: Team) -> Refusals | None:
    """The definite refusals of the subscription since it was last answered; None without any."""
    first, last, status = team.seats_refused_at, team.seats_refused_again_at, team.seats_refused_status
    return None if first is None or last is None or status is None else Refusals(first, last, status)


def capacity(team: Team, now: datetime) -> Capacity:
    """The number as it was counted last and what it is worth by now, for `capacity_words.explain`."""
    kept, is_stale = reading(team), team.is_seats_stale(now)
    return Capacity(
        0 if is_stale else team.seat_total,
        Known.STALE if is_stale else Known(team.seats_known),
        team.seats_read_at,
        None if is_stale else team.seats_bought,
        kept,
        kept.own if kept else 1,
        team.operator_cap,
        is_codex_only=team.is_codex_only is True,
        refusals=refusals(team),
    )

"""The true books of a workspace's paid seats, and what its subscription shows of them (upstream §9)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sandbox.errors import Json
from sandbox.late import Late
from sandbox.pools import PAID_TYPES, Purchase
from sandbox.shapes import stamp
from sandbox.state import REQUESTED, Hold, Workspace

KINDS = ("available", "held", "hold_list")


def note(workspace: Workspace, now: float) -> None:
    """Note every number that is shown late; called after each change. Holds end here by the clock."""
    over = sorted((h for h in workspace.holds if h.until is not None and h.until <= now), key=lambda h: h.until or 0.0)
    for hold in over:
        workspace.holds.remove(hold)
        _note(workspace, hold.until or now)
    _note(workspace, now)


def _note(workspace: Workspace, at: float) -> None:
    for seat_type in PAID_TYPES:
        holds = tuple(hold for hold in workspace.holds if hold.seat_type == seat_type)
        held = len(holds) + (workspace.reserved(seat_type) if workspace.pending_in_held else 0)
        available = max(0, workspace.paid(seat_type) - workspace.assigned(seat_type) - held)
        for kind, value in zip(KINDS, (available, held, holds), strict=True):
            late = workspace.shown.setdefault((kind, seat_type), Late())
            seconds: float = getattr(workspace, f"{kind}_lag_seconds")
            late.note(value, at, seconds=seconds, reads=getattr(workspace, f"{kind}_lag_reads"))


def shown(workspace: Workspace, kind: str, seat_type: str, now: float, *, count: bool = True) -> Any:
    """Return a number as the workspace shows it by now; `hold_list` gives a tuple of holds.

    The reading counts, so that a number late by readings catches up; with `count` False it does not.
    """
    note(workspace, now)
    return workspace.shown[kind, seat_type].read(now, count=count)


def purchase_row(purchase: Purchase) -> Json:
    """Describe a purchase."""
    return {**asdict(purchase), "at": stamp(purchase.at, "z"), "is_ours": purchase.is_ours}


def hold_row(hold: Hold) -> Json:
    """Describe a held seat."""
    return {
        "email": hold.member.person.email,
        "user_id": hold.member.person.id,
        "seat_type": hold.seat_type,
        "since": stamp(hold.since, "z"),
        "until": None if hold.until is None else stamp(hold.until, "z"),
    }


def pool_rows(workspace: Workspace, now: float) -> dict[str, Json]:
    """Return the true numbers of each paid seat type: nothing late, nothing left out."""
    return {
        seat_type: {
            **asdict(pool),
            "assigned": workspace.assigned(seat_type),
            "held": workspace.held(now, seat_type),
            "pending": workspace.reserved(seat_type),
            "free": workspace.free(now, seat_type),
        }
        for seat_type, pool in workspace.pools.items()
    }


def report(workspace: Workspace, now: float) -> Json:
    """Return what is true of a workspace: its books, who is in, whose seat is held, what clients bought."""
    free = workspace.free(now)
    people = workspace.assigned() + workspace.reserved()
    return {
        "account_id": workspace.account_id,
        "pools": pool_rows(workspace, now),
        "free_standard": max(0, free),
        "oversold": max(0, -free),
        "over_full": max(0, people - workspace.paid()),
        "seats_bought_by_us": sum(one.count for one in workspace.purchases if one.is_ours),
        "purchases": [purchase_row(one) for one in workspace.purchases],
        "members": {m.person.email: m.seat_type for m in workspace.members.values() if m.deactivated_at is None},
        "invited": {i.email: i.seat_type for i in workspace.invites.values() if i.status != REQUESTED},
        "requests": [i.email for i in workspace.invites.values() if i.status == REQUESTED],
        "held": [hold_row(hold) for hold in workspace.holds if hold.until is None or hold.until > now],
        "vacancies": workspace.vacancies,
    }

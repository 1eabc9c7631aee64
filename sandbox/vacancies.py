"""What a removal leaves behind: a vacancy, perhaps a held seat, and a notice about it (upstream §7)."""

from __future__ import annotations

from typing import Any

from sandbox.base import Memory
from sandbox.errors import Json
from sandbox.pools import PAID_TYPES
from sandbox.state import Hold, Member, Workspace


def vacate(world: Memory, workspace: Workspace, member: Member, *, held: bool | None = None) -> Json | None:
    """Take a member out; the seat is held as `held` says, None: as the workspace's policy says.

    Returns the policy notice; None when the workspace has no threshold or no paid seat became vacant.
    """
    del workspace.members[member.person.id]
    notice = None
    if member.seat_type in PAID_TYPES and member.deactivated_at is None:
        notice = _vacancy(world, workspace, member, held=held)
    world.note(workspace)
    return notice


def _vacancy(world: Memory, workspace: Workspace, member: Member, *, held: bool | None) -> Json | None:
    now = world.now()
    workspace.vacancies += 1
    is_held = _is_held(workspace) if held is None else held
    until = None if workspace.hold_seconds is None else now + workspace.hold_seconds
    if is_held:
        workspace.holds.append(Hold(member, member.seat_type, now, until))
    threshold = workspace.vacancy_threshold
    if threshold is None:
        return None
    is_billed = workspace.vacancies >= threshold
    numbers: dict[str, Any] = {
        "billed_seat_delta": int(is_billed),
        "vacancy_ordinal": workspace.vacancies,
        "free_vacancy_threshold": threshold,
    }
    if world.shapes_of(workspace)["policy_numbers"] == "string":
        numbers = {key: str(value) for key, value in numbers.items()}
    return {
        "kind": "pending_replacement",
        **numbers,
        "replacement_required": is_billed,
        "billing_starts_at": world.stamp(now),
        "expires_at": None if until is None else world.stamp(until),
    }


def _is_held(workspace: Workspace) -> bool:
    """Whether the vacancy just counted is held: by `holds_from`, else from the notice's threshold on."""
    first = workspace.vacancy_threshold if workspace.holds_from is None else workspace.holds_from
    if first is None or workspace.holds_from == 0:
        return False
    return workspace.vacancies >= first


def end_holds(world: Memory, workspace: Workspace, *, email: str | None = None, seat_type: str | None = None) -> int:
    """Give held seats back, of one person or one seat type only if named; returns how many."""
    ended = [
        hold
        for hold in workspace.holds
        if email in (None, hold.member.person.email) and seat_type in (None, hold.seat_type)
    ]
    workspace.holds = [hold for hold in workspace.holds if hold not in ended]
    world.note(workspace)
    return len(ended)

"""Members: the list and the removal (upstream §3, §7)."""

from __future__ import annotations

from typing import Any

from sandbox.call import Call, Refused
from sandbox.errors import Json, plain
from sandbox.listing import invented_id, matching, page
from sandbox.state import Member, Workspace
from sandbox.wire import Reply


def list_members(call: Call) -> Reply:
    """GET users: every member whose row shows by now, removed ones that linger included."""
    workspace, _ = call.scoped()
    now = call.world.now()
    workspace.gone_members = [(until, row) for until, row in workspace.gone_members if until > now]
    shown = [row for row in workspace.members.values() if row.visible_at <= now]
    shown += [row for _, row in workspace.gone_members if row.person.id not in workspace.members]
    shown.sort(key=lambda row: (row.created, row.person.id))
    rows = [
        _row(call, workspace, member)
        for member in shown
        if matching(call, [None if member.hide_email else member.person.email, member.person.name])
    ]
    return page(call, rows, call.world.shapes["members_key"], lambda number: _invented(call, workspace, number))


def _row(call: Call, workspace: Workspace, member: Member) -> Json:
    shapes, person = call.world.shapes, member.person
    is_owner = person is workspace.owner
    row: dict[str, Any] = {
        "id": person.id if shapes["members_id"] == "prefixed" else person.id.removeprefix("user-"),
        "account_user_id": f"{person.id}__{workspace.account_id}",
        "email": person.email,
        "verified_email": person.email,
        "role": "account-owner" if shapes["members_all_owner"] else member.role,
        "seat_type": member.seat_type,
        "credit_limits": [],
        "name": person.name if shapes["members_name"] == "shown" else None,
        "created_time": call.world.stamp(member.created),
        "is_scim_managed": False,
        "creation_source": None,
        "deactivated_time": call.world.stamp(member.deactivated_at) if member.deactivated_at is not None else None,
        "pending_seat_type": None,
        "reclaimable_seat_type": None,
        "trial_state": None,
        "is_trial": False,
    }
    hides = "null" if member.hide_email else shapes["members_email"] if not is_owner else "shown"
    if hides == "null":
        row["email"] = row["verified_email"] = row["name"] = None
    elif hides == "absent":
        del row["email"], row["verified_email"]
    if shapes["members_sparse"]:
        row = {key: row[key] for key in ("id", "role", "email") if key in row}
    if shapes["members_extra"]:
        row |= {"entirely_new_field": {"nested": [1, 2]}, "another_flag": None}
    return row


def _invented(call: Call, workspace: Workspace, number: int) -> Json:
    person = f"user-Invented{number:016d}"
    return {
        "id": person,
        "account_user_id": f"{person}__{workspace.account_id}",
        "email": f"invented.{invented_id(number)}@example.net",
        "role": "standard-user",
        "seat_type": "default",
        "created_time": call.world.stamp(workspace.created),
    }


def remove_member(call: Call) -> Reply:
    """DELETE users/{id}: the member is gone at once; the seat may be held for a while."""
    workspace, _ = call.writable()
    member = call.target()
    if member is None:
        raise Refused(plain(404, "User not found in workspace"))
    if member.role == "account-owner":
        raise Refused(plain(403, "Cannot remove the workspace owner"))
    now = call.world.now()
    del workspace.members[member.person.id]
    linger = call.tweak.get("linger", workspace.removal_lag_seconds)
    if linger:
        workspace.gone_members.append((now + linger, member))
    return removal_reply(call, _vacancy_notice(call, workspace, member))


def _vacancy_notice(call: Call, workspace: Workspace, member: Member) -> Json | None:
    """Count the vacancy; beyond the free ones the seat is held, and the notice says so."""
    threshold = workspace.vacancy_threshold
    if threshold is None or not member.takes_seat:
        return None
    workspace.removals += 1
    is_held = workspace.removals > threshold
    now = call.world.now()
    until = now + workspace.hold_seconds
    if is_held:
        workspace.holds.append(until)
    numbers: dict[str, Any] = {
        "billed_seat_delta": int(is_held),
        "vacancy_ordinal": workspace.removals,
        "free_vacancy_threshold": threshold,
    }
    if call.world.shapes["policy_numbers"] == "string":
        numbers = {key: str(value) for key, value in numbers.items()}
    return {
        "kind": "pending_replacement",
        **numbers,
        "replacement_required": is_held,
        "billing_starts_at": call.world.stamp(now),
        "expires_at": call.world.stamp(until),
    }


def removal_reply(call: Call, notice: Json | None) -> Reply:
    """Return the answer to a successful DELETE, in the form the shapes ask for."""
    shapes = call.world.shapes
    form = shapes["delete_reply"]
    if form == "204":
        return Reply(status=204, body="", effect=True)
    bodies: dict[str, Any] = {"success": {"success": True}, "deleted": {"deleted": True}, "empty_object": {}}
    if form == "success" and call.op == "remove":
        bodies["success"]["billing_notice"] = None
        if shapes["policy_notice"] != "absent":
            bodies["success"]["policy_notice"] = notice if shapes["policy_notice"] == "object" else None
    return Reply(body=bodies.get(form, ""), effect=True)

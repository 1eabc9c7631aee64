"""Members: the list and the removal (upstream §3, §7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox import books
from sandbox.call import Call, Refused
from sandbox.errors import Json, plain
from sandbox.listing import invented_id, matching, page, respell
from sandbox.pools import PAID_TYPES
from sandbox.state import Hold, Member, Person, Workspace
from sandbox.vacancies import vacate
from sandbox.wire import Reply

BILLED: Json = {"kind": "vacant_seat_billed", "amount": "30.00", "currency": "USD"}  # upstream's own shape is not known


def list_members(call: Call) -> Reply:
    """GET users: every member whose row shows by now, removed ones that linger included; or the held people."""
    workspace, _ = call.scoped()
    if seat_type := call.request.query.get("active_vacancy_hold_seat_type"):
        # A reading is one pass over a list: only its first page counts.
        is_first = call.request.query.get("offset", "0") in ("", "0")
        rows = _held_rows(call, workspace, seat_type, count=is_first)
    else:
        rows = _plain_rows(call, workspace)
    return page(call, rows, call.shapes["members_key"], lambda number: _invented(call, workspace, number))


def _plain_rows(call: Call, workspace: Workspace) -> list[Json]:
    now, shapes = call.world.now(), call.shapes
    workspace.gone_members = [(until, row) for until, row in workspace.gone_members if until > now]
    listed = [row for row in workspace.members.values() if row.visible_at <= now]
    listed += [row for _, row in workspace.gone_members if row.person.id not in workspace.members]
    if shapes["members_owner"] == "absent":
        listed = [row for row in listed if row.person is not workspace.owner]
    listed.sort(key=lambda row: (row.created, row.person.id))
    rows = [_row(call, workspace, member) for member in listed if _matches(call, member)]
    if shapes["members_held"] == "shown":
        there = [row.person for row in listed]
        for seat_type in PAID_TYPES:
            rows += _held_rows(call, workspace, seat_type, count=False, besides=there)
    return rows


def _held_rows(
    call: Call, workspace: Workspace, seat_type: str, *, count: bool, besides: Sequence[Person] = ()
) -> list[Json]:
    """Return the rows of removed people whose seat of this type is kept; `count` says whether it is a reading."""
    if seat_type not in PAID_TYPES:
        return []
    holds: tuple[Hold, ...] = books.shown(workspace, "hold_list", seat_type, call.world.now(), count=count)
    wanted = [hold for hold in holds if hold.member.person not in besides and _matches(call, hold.member)]
    return [_row(call, workspace, hold.member, hold) for hold in wanted]


def _matches(call: Call, member: Member) -> bool:
    return matching(call, [None if member.hide_email else member.person.email, member.person.name])


def _row(call: Call, workspace: Workspace, member: Member, hold: Hold | None = None) -> Json:
    shapes, person = call.shapes, member.person
    is_owner = person is workspace.owner
    gone_at = hold.since if hold else member.deactivated_at
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
        "deactivated_time": call.world.stamp(gone_at) if gone_at is not None else None,
        "pending_seat_type": None,
        "reclaimable_seat_type": hold.seat_type if hold else None,
        "trial_state": None,
        "is_trial": False,
    }
    hides = "null" if member.hide_email else shapes["members_email"] if not is_owner else "shown"
    if hides == "null":
        row["email"] = row["verified_email"] = row["name"] = None
    elif hides == "absent":
        del row["email"], row["verified_email"]
    respell(row, "seat_type", shapes["members_seat_type"])
    if shapes["members_sparse"]:
        row = {key: row[key] for key in ("id", "role", "email") if key in row}
    if shapes["members_extra"]:
        row |= {"entirely_new_field": {"nested": [1, 2]}, "another_flag": None}
    return {key: value for key, value in (row | member.shows).items() if key not in member.hides}


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
    notice = vacate(call.world, workspace, member)
    linger = call.tweak.get("linger", workspace.removal_lag_seconds)
    if linger:
        workspace.gone_members.append((call.world.now() + linger, member))
    return removal_reply(call, notice)


def removal_reply(call: Call, notice: Json | None) -> Reply:
    """Return the answer to a successful DELETE, in the form the shapes ask for."""
    shapes = call.shapes
    form = shapes["delete_reply"]
    if form == "204":
        return Reply(status=204, body="", effect=True)
    bodies: dict[str, Any] = {"success": {"success": True}, "deleted": {"deleted": True}, "empty_object": {}}
    if form == "success" and call.op == "remove":
        if shapes["billing_notice"] != "absent":
            bodies["success"]["billing_notice"] = BILLED if shapes["billing_notice"] == "object" else None
        if shapes["policy_notice"] != "absent":
            bodies["success"]["policy_notice"] = notice if shapes["policy_notice"] == "object" else None
    return Reply(body=bodies.get(form, ""), effect=True)

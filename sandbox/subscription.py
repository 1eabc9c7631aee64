"""The subscription: paid, assigned, held and free seats of each type (upstream §9)."""

from __future__ import annotations

from typing import Any

from sandbox import books
from sandbox import shapes as style
from sandbox.call import Call, Refused
from sandbox.errors import SEATS_REFUSED, Json, plain
from sandbox.listing import respell
from sandbox.pools import Pool
from sandbox.state import MANAGERS, SEAT_TYPES, Member, Workspace
from sandbox.wire import Reply


def subscription(call: Call) -> Reply:
    """GET subscriptions: managers only, unless the workspace refuses it to all or to its admins."""
    call.authenticate()
    account_id = call.request.query.get("account_id")
    if not account_id:
        raise Refused(plain(400, "must specify either organization_id or account_id"))
    workspace, member = call.scoped(account_id)
    if not _may_read(workspace, member):
        raise Refused(SEATS_REFUSED["401"])
    if not workspace.has_subscription:
        raise Refused(SEATS_REFUSED["404"])
    if workspace.subscription_answer != "normal" and call.world.now() >= workspace.subscription_refuses_at:
        raise Refused(SEATS_REFUSED[workspace.subscription_answer])
    return Reply(body=_body(call, workspace))


def _may_read(workspace: Workspace, member: Member) -> bool:
    if member.role == "account-admin":
        return workspace.admin_reads_seats
    return member.role in MANAGERS


def _body(call: Call, workspace: Workspace) -> Json:
    shapes = call.shapes
    capacity: Any = [
        _capacity(call, workspace, seat_type, pool)
        for seat_type, pool in workspace.pools.items()
        if pool.is_listed and shapes[f"{seat_type}_pool"] == "present"
    ]
    body: Json = {
        "id": workspace.subscription_id,
        "plan_type": workspace.plan_type,
        "seats_in_use": workspace.seats_in_use(),
        "seats_entitled": {"zero": 0, "null": None}.get(shapes["seats_entitled"], workspace.seats_entitled),
        "seat_capacity": {"null": None, "empty": []}.get(shapes["seat_capacity"], capacity),
        "assigned": {seat_type: workspace.assigned(seat_type) for seat_type in SEAT_TYPES},
        "active_start": style.stamp(workspace.active_until - 30 * 86400, "z"),
        "active_until": style.stamp(workspace.active_until, "z"),
        "billing_period": "monthly",
        "will_renew": workspace.will_renew,
    }
    for key in ("seats_entitled", "seat_capacity", "assigned"):
        if shapes[key] == "missing":
            del body[key]
    respell(body, "will_renew", shapes["will_renew"])
    outcome = workspace.cancellation_outcome or ("deactivate" if workspace.delinquent else None)
    if workspace.delinquent or shapes["delinquent_fields"]:
        since = style.stamp(call.world.now(), "z") if workspace.delinquent else None
        body |= {
            "billing_currency": "USD",
            "is_delinquent": workspace.delinquent,
            "became_delinquent_timestamp": since,
            "grace_period_end_timestamp": since,
            "cancellation_outcome": outcome,
        }
    elif outcome is not None:
        body["cancellation_outcome"] = outcome
    return body


def _capacity(call: Call, workspace: Workspace, seat_type: str, pool: Pool) -> Json:
    """Return one pool. Its held and available seats may lag behind, each for itself."""
    shapes, now = call.shapes, call.world.now()
    held = books.shown(workspace, "held", seat_type, now)
    available = books.shown(workspace, "available", seat_type, now)
    if shapes["available_counts_pending"]:
        available = max(0, available - workspace.reserved(seat_type))
    row: Json = {
        "type": seat_type,
        "paid": pool.paid,
        "held": held,
        "renewal_requested": pool.renewal_requested,
        "available": None if pool.paid is None else available,
        "pending_unoccupied_removal": pool.pending_unoccupied_removal,
        "pending_occupied_downgrades": pool.pending_occupied_downgrades,
        "pending_unoccupied_downgrades": pool.pending_unoccupied_downgrades,
    }
    for key in ("paid", "held", "available"):
        form = shapes[f"pool_{key}"]
        if form == "text":
            row[key] = "several"
        elif form == "string":
            row[key] = str(row[key])
        elif form == "zero":
            row[key] = 0
        elif form != "number":
            respell(row, key, form)
    return row

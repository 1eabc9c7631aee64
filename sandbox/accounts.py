"""What a login may know: its workspaces, their seats, and itself (upstream §8, §9, §10)."""

from __future__ import annotations

from typing import Any

from sandbox import shapes as style
from sandbox.call import Call, Refused
from sandbox.errors import Json, plain
from sandbox.state import MANAGERS, Person, Workspace, digits, letters
from sandbox.wire import Reply

PERSONAL_PLAN = "free"


def account_check(call: Call) -> Reply:
    """GET accounts/check: every workspace of the caller that shows, in the form the shapes ask for."""
    person = call.authenticate()
    shapes = call.world.shapes
    rows: dict[str, Json] = {}
    for workspace in call.world.workspaces_of(person):
        if _in_check(workspace) != "missing":
            rows[workspace.account_id] = _entry(call, workspace, person)
    ordering = list(rows)
    if shapes["personal_account"]:
        rows["default"] = _personal(person)
    if ordering and shapes["accounts_map"] != "uuid":
        first = ordering[0]
        rows = {"default": rows[first]} | rows
        if shapes["accounts_map"] == "default_alias":
            del rows[first]
    if shapes["accounts_ordering"] == "extra":
        ordering.append(digits(9, 404))
    elif shapes["accounts_ordering"] == "short":
        ordering = ordering[1:]
    return Reply(body={"accounts": rows, "account_ordering": ordering})


def _in_check(workspace: Workspace) -> str:
    if workspace.in_check != "auto":
        return workspace.in_check
    return "deactivated" if workspace.suspended else "normal"


def _entry(call: Call, workspace: Workspace, person: Person) -> Json:
    seen = _in_check(workspace)
    until = style.stamp(workspace.active_until, "offset")
    entitlement: Json | None = {
        "subscription_id": workspace.subscription_id if workspace.has_subscription else None,
        "has_active_subscription": workspace.has_subscription and workspace.active_until > call.world.now(),
        "subscription_plan": "chatgptteamplan",
        "expires_at": until,
        "renews_at": until if workspace.will_renew else None,
        "cancels_at": None if workspace.will_renew else until,
        "billing_period": "monthly",
        "billing_currency": "USD",
        "is_delinquent": workspace.delinquent,
        "applied_discounts": [],
    }
    if call.world.shapes["entitlement"] == "null":
        entitlement = None
    return {
        "account": {
            "account_user_role": workspace.members[person.id].role,
            "account_user_id": f"{person.id}__{workspace.account_id}",
            "account_owner_id": workspace.owner.id,
            "account_id": workspace.account_id,
            "organization_id": workspace.organization_id,
            "name": workspace.name,
            "profile_picture_id": None,
            "profile_picture_url": None,
            "structure": workspace.structure,
            "workspace_type": None,
            "plan_type": workspace.plan_type,
            "is_deactivated": seen == "deactivated",
            "eligible_for_reactivation": seen == "deactivated",
            "created_time": style.stamp(workspace.created, "z"),
            "processor": {
                "a001": {"has_customer_object": True},
                "b001": {"has_transaction_history": True},
                "c001": {"has_transaction_history": False},
            },
            "is_most_recent_expired_subscription_gratis": False,
            "has_previously_paid_subscription": True,
            "is_trial": False,
            "trial_state": None,
            "is_view_only": False,
            "account_residency_region": "no_constraint",
            "account_compute_residency": "no_constraint",
            "promo_data": {},
            "tbo_config": None,
            "is_usage_based_seat_enabled": False,
        },
        "features": ["example_feature_a", "example_feature_b"],
        "entitlement": entitlement,
        "rate_limits": [],
        "last_active_subscription": {
            "subscription_id": workspace.subscription_id,
            "purchase_origin_platform": "chatgpt_web",
            "will_renew": workspace.will_renew,
        },
        "is_eligible_for_yearly_plus_subscription": False,
        "can_access_with_session": seen not in ("deactivated", "no_access"),
    }


def _personal(person: Person) -> Json:
    account_id = digits(8, int.from_bytes(person.email.encode()) % 10**6)
    return {
        "account": {
            "account_user_role": "account-owner",
            "account_id": account_id,
            "account_owner_id": person.id,
            "organization_id": None,
            "name": None,
            "structure": "personal",
            "plan_type": PERSONAL_PLAN,
            "is_deactivated": False,
        },
        "features": [],
        "entitlement": {"has_active_subscription": False, "subscription_plan": "chatgptfreeplan"},
        "last_active_subscription": None,
        "can_access_with_session": True,
    }


def subscription(call: Call) -> Reply:
    """GET subscriptions: purchased, used, held and free seats; managers only."""
    call.authenticate()
    account_id = call.request.query.get("account_id")
    if not account_id:
        raise Refused(plain(400, "must specify either organization_id or account_id"))
    workspace, member = call.scoped(account_id)
    if member.role not in MANAGERS:
        raise Refused(plain(401, "You do not have permission to view this subscription"))
    if not workspace.has_subscription:
        raise Refused(plain(404, "No subscription found for account"))
    return Reply(body=_seats(call, workspace))


def _seats(call: Call, workspace: Workspace) -> Json:
    shapes, now = call.world.shapes, call.world.now()
    paid, used, held = workspace.seats_entitled or 0, workspace.seats_in_use(), workspace.held(now)
    pending = workspace.reserved() if shapes["available_counts_pending"] else 0
    assigned = dict.fromkeys(("default", "usage_based", "automation", "prolite"), 0)
    for row in workspace.members.values():
        if row.deactivated_at is None:
            assigned[row.seat_type] = assigned.get(row.seat_type, 0) + 1
    body: dict[str, Any] = {
        "id": workspace.subscription_id,
        "plan_type": workspace.plan_type,
        "seats_in_use": used,
        "seats_entitled": {"zero": 0, "null": None}.get(shapes["seats_entitled"], workspace.seats_entitled),
        "seat_capacity": [
            _capacity("default", paid, held, max(0, paid - used - held - pending)),
            _capacity("prolite", 0, 0, 0),
        ],
        "assigned": assigned,
        "active_start": style.stamp(workspace.active_until - 30 * 86400, "z"),
        "active_until": style.stamp(workspace.active_until, "z"),
        "billing_period": "monthly",
        "will_renew": workspace.will_renew,
    }
    for key in ("seats_entitled", "seat_capacity", "assigned"):
        if shapes[key] == "missing":
            del body[key]
    if workspace.delinquent or shapes["delinquent_fields"]:
        since = style.stamp(now, "z") if workspace.delinquent else None
        body |= {
            "billing_currency": "USD",
            "is_delinquent": workspace.delinquent,
            "became_delinquent_timestamp": since,
            "grace_period_end_timestamp": since,
            "cancellation_outcome": "deactivate" if workspace.delinquent else None,
        }
    return body


def _capacity(kind: str, paid: int, held: int, available: int) -> Json:
    return {
        "type": kind,
        "paid": paid,
        "held": held,
        "renewal_requested": paid,
        "available": available,
        "pending_unoccupied_removal": 0,
        "pending_occupied_downgrades": [],
        "pending_unoccupied_downgrades": [],
    }


def me(call: Call) -> Reply:
    """GET me: who the token belongs to; in the name of a suspended workspace, 402."""
    person = call.authenticate()
    scope = call.world.workspaces.get(call.request.headers.get("chatgpt-account-id", ""))
    if scope is not None and person.id in scope.members:
        call.refuse_suspended(scope)
    organizations = [
        {
            "id": workspace.organization_id,
            "title": workspace.name,
            "role": "owner" if workspace.owner is person else "reader",
            "personal": False,
            "is_default": number == 0,
        }
        for number, workspace in enumerate(call.world.workspaces_of(person))
    ]
    return Reply(
        body={
            "object": "user",
            "id": person.id,
            "email": person.email,
            "name": person.name,
            "created": int(person.created),
            "mfa_flag_enabled": False,
            "amr": ["pwd"],
            "email_domain_type": "unknown",
            "client_id": person.client_id,
            "country": "US",
            "region": "California",
            "region_code": "CA",
            "picture": f"https://example.com/{letters(person.id, 8)}.png",
            "orgs": {"object": "list", "data": organizations},
        }
    )

"""What a login may know: its workspaces and itself (upstream §8, §10)."""

from __future__ import annotations

from sandbox import shapes as style
from sandbox.call import Call
from sandbox.errors import REMOVED, SUSPENDED, Json
from sandbox.listing import respell
from sandbox.state import Person, Workspace, digits, letters
from sandbox.wire import Reply

PERSONAL_PLAN = "free"
UNUSABLE: dict[str, Json] = {
    "removed": {"error": {"code": "account_removed_from_workspace", "message": REMOVED}},
    "error_code": {"error_code": "workspace_deactivated"},
    "status_code": {"status_code": 402, "error_message": SUSPENDED},
}
"""Why an entry cannot be used, by the value of the workspace's `in_check`."""


def account_check(call: Call) -> Reply:
    """GET accounts/check: every workspace of the caller that shows, in the form the shapes ask for."""
    person = call.authenticate()
    shapes = call.world.shapes
    rows: dict[str, Json] = {}
    for workspace in call.world.workspaces.values():
        if _is_shown(call, workspace, person):
            rows[workspace.account_id] = _entry(call, workspace, person)
    ordering = list(rows)
    if shapes["personal_account"]:
        rows["default"] = _personal(person)
    if shapes["accounts_ordering"] == "extra":
        ordering.append(digits(9, 404))
    elif shapes["accounts_ordering"] == "short":
        ordering = ordering[1:]
    if shapes["accounts_map"] == "list":
        return Reply(body={"accounts": [_flat(entry) for entry in rows.values()], "account_ordering": ordering})
    first = next((key for key in rows if key != "default"), None)
    if first is not None and shapes["accounts_map"] != "uuid":
        rows = {"default": rows[first]} | rows
        if shapes["accounts_map"] == "default_alias":
            del rows[first]
    return Reply(body={"accounts": rows, "account_ordering": ordering})


def _is_shown(call: Call, workspace: Workspace, person: Person) -> bool:
    """Whether the account check lists a workspace; it may tell somebody who is out that they are."""
    if workspace in call.world.workspaces_of(person):
        return _in_check(workspace) != "missing"
    return workspace.in_check == "removed" and person.id in workspace.members


def _in_check(workspace: Workspace) -> str:
    if workspace.in_check != "auto":
        return workspace.in_check
    return "deactivated" if workspace.suspended else "normal"


def _flat(entry: Json) -> Json:
    """Return an entry as the list of accounts has it: a few fields, all on one level."""
    account = entry["account"]
    return {
        "id": account["account_id"],
        "name": account["name"],
        "structure": account["structure"],
        "plan_type": account["plan_type"],
        "account_user_role": account["account_user_role"],
        "can_access_with_session": entry["can_access_with_session"],
    }


def _entry(call: Call, workspace: Workspace, person: Person) -> Json:
    """Return the entry of a workspace, and why it cannot be used when it cannot."""
    shapes, seen = call.world.shapes_of(workspace), _in_check(workspace)
    entry = _usual_entry(call, workspace, person)
    if shapes["entitlement"] == "null":
        entry["entitlement"] = None
    subscribed = entry["last_active_subscription"]
    if workspace.cancellation_outcome is not None:
        subscribed["cancellation_outcome"] = workspace.cancellation_outcome
    respell(subscribed, "will_renew", shapes["will_renew"])
    respell(entry, "features", shapes["features"])
    return entry | UNUSABLE.get(seen, {})


def _usual_entry(call: Call, workspace: Workspace, person: Person) -> Json:
    seen = _in_check(workspace)
    until = style.stamp(workspace.active_until, "offset")
    features = ["example_feature_a", "example_feature_b"]
    entitlement: Json = {
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
        "features": [*features, "codex_only"] if workspace.codex_only else features,
        "entitlement": entitlement,
        "rate_limits": [],
        "last_active_subscription": {
            "subscription_id": workspace.subscription_id,
            "purchase_origin_platform": "chatgpt_web",
            "will_renew": workspace.will_renew,
        },
        "is_eligible_for_yearly_plus_subscription": False,
        "can_access_with_session": seen == "normal",
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

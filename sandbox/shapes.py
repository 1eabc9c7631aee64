"""Shape toggles (upstream §16.3): the same facts, written in every form seen in the wild.

`POST /__sandbox__/shape {"key": value}` sets one or more; they hold for all workspaces until
changed, `clear_shapes` or `reset`. The setting `shapes` of a workspace sets some for it alone (what
is asked in its name, and its entry in the account check). The first value of each row is the default.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.errors import ALREADY, SEAT_FULL

CHOICES: dict[str, tuple[Any, ...]] = {
    # account check
    "accounts_map": ("uuid", "default_alias", "both", "list"),
    "accounts_ordering": ("exact", "extra", "short"),
    "entitlement": ("object", "null"),
    "features": ("shown", "missing", "null"),
    "personal_account": (False, True),
    # both lists
    "timestamps": ("z_fraction", "z", "offset", "offset_fraction"),
    "list_total": ("present", "absent"),
    # members
    "members_key": ("items", "users", "data"),
    "members_email": ("shown", "null", "absent"),
    "members_name": ("shown", "null"),
    "members_id": ("prefixed", "bare"),
    "members_extra": (False, True),
    "members_sparse": (False, True),
    "members_all_owner": (False, True),
    "members_owner": ("shown", "absent"),
    "members_held": ("apart", "shown"),
    "members_seat_type": ("shown", "missing", "null", "unknown"),
    # invites
    "invites_key": ("items", "account_invites"),
    "invites_status": ("int", "string", "digits", "request", "unknown", "absent"),
    "invites_seat_type": ("shown", "missing", "null", "unknown"),
    "account_invites": ("objects", "email_key", "strings", "int", "null", "missing"),
    "errored_element": ("object", "email_key", "string"),
    "errored_error": ("string", "object", "missing"),
    "already_member_emails": ("list", "missing"),
    "already_member": ("list", *ALREADY),
    "seat_full": ("seat_full_400", *(key for key in SEAT_FULL if key != "seat_full_400")),
    # deletes
    "delete_reply": ("success", "deleted", "empty_object", "empty", "204"),
    "delete_unknown_invite": ("404", "200"),
    "policy_notice": ("object", "null", "absent"),
    "policy_numbers": ("number", "string"),
    "billing_notice": ("null", "object", "absent"),
    # subscription
    "seats_entitled": ("number", "zero", "null", "missing"),
    "seat_capacity": ("present", "missing", "null", "empty"),
    "assigned": ("present", "missing"),
    "default_pool": ("present", "missing"),
    "prolite_pool": ("present", "missing"),
    "pool_paid": ("number", "zero", "string", "text", "null", "missing"),
    "pool_held": ("number", "string", "null", "missing"),
    "pool_available": ("number", "string", "null", "missing"),
    "will_renew": ("shown", "missing", "null"),  # in the account check too
    "delinquent_fields": (False, True),
    "available_counts_pending": (False, True),
    # session and token endpoint
    "session_token_in_body": (True, False),
    "session_account": (True, False),
    "session_id_token": (False, True),
    "session_rotation": ("none", "body", "cookie", "both", "both_different"),
    # which workspace an exchange is for: by its query, only by `_account`, only with one `reason`, or never another
    "session_exchange": (
        "query",
        "cookie",
        "setCurrentAccountWithoutRedirect",
        "account_switcher",
        "setCurrentAccount",
        "parent",
        "personal",
    ),
    # a token once made is handed out again, even dead: never, until a forced refresh, or for good
    "session_cache": ("none", "until_forced", "for_good"),
    "reuse_revokes_grant": (False, True),
    "wrong_client": ("token_expired", "invalid_client", "unauthorized_client"),
}
"""Key → allowed values, the default first."""

NUMBERS: dict[str, int] = {"default_limit": 25, "max_limit": 100, "session_token_length": 900}
"""Key → default of the toggles that take a positive number."""


def defaults() -> dict[str, Any]:
    """Return every toggle at its default."""
    return {key: values[0] for key, values in CHOICES.items()} | NUMBERS


def check(key: str, value: Any) -> None:
    """Raise ValueError unless the toggle exists and may take the value."""
    if key in NUMBERS:
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{key} takes a positive whole number")
    elif key not in CHOICES:
        raise ValueError(f"no shape {key!r}; there are: {', '.join(sorted(defaults()))}")
    elif value not in CHOICES[key] or isinstance(value, bool) != isinstance(CHOICES[key][0], bool):
        raise ValueError(f"{key} is one of {CHOICES[key]!r}")


def stamp(at: float, style: str = "z_fraction") -> str:
    """Write a moment as ISO-8601 in one of the four styles in use."""
    moment = datetime.fromtimestamp(at, UTC)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    if style.endswith("fraction"):
        text += f".{moment.microsecond:06d}"
    return text + ("Z" if style.startswith("z") else "+00:00")

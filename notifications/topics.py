"""What operators can be told of, and the keys of the settings that decide it; imports nothing of ours.

The outbox reads these keys as rows: the settings themselves are declared in `notifications.settings.declared`, which
it cannot import, since a changed setting is a fact that goes through the outbox.
"""

from __future__ import annotations

# In the order of the settings page; each has a switch.
TOPICS = (
    "token_expired",
    "login_expired",
    "team_suspended",
    "team_over_full",
    "seats_not_read",
    "subscription_ends",
    "low_stock",
    "removal_costs",
    "guardian_stopped",
    "guardian_capped",
    "sweep_too_slow",
    "list_untrusted",
    "invite_unresolved",
    "operator_locked_out",
    "delivery_failing",
)
OPERATOR_LANGUAGE = "notifications.operator_language"


def switch(topic: str) -> str:
    """The key of the setting that says whether operators are told of it."""
    return f"notifications.tell_{topic}"


def mail_switch(mail: str) -> str:
    """The key of the setting that says whether redeemers get this mail."""
    return f"notifications.mail_{mail}"

"""Settings of one workspace that the control plane changes, and changes back (`set_workspace`).

suspended             every scoped call is refused
suspended_answer      as `402` (default), `403_code` or `403_text`
in_check              how the account check shows it: `auto` (default: deactivated while suspended), `normal`,
                      `deactivated`, `no_access`, `missing`; or unusable with a reason: `removed` (shown even while
                      access is lost), `error_code`, `status_code`
delinquent            changes are refused with 401, reads go on
access_lost           404 for everybody, and missing from the account check
access_lost_answer    … or 403, 401 with `account_removed_from_workspace`
seats_entitled        paid standard seats, the owner's included; null: unknown, and no seat is free
premium_seats         paid Premium seats
invites_disabled      invites are refused with 403
allowed_domains       invites to other domains are refused with 403 (null: all are allowed)
list_lag_seconds      new rows show after that long (null: the global lag)
list_lag_reads        new invites show after that many readings of their list
removal_lag_seconds   removed and revoked rows stay listed that long
vacancy_threshold     the n-th vacancy and later ones are billed, as the removal's notice says (null: no notice)
holds_from            the n-th vacancy and later ones keep their seat: 1 all, 0 none (null: from the threshold on)
vacancies             how many vacancies there were so far: the next removal is the one after
hold_seconds          how long a vacant seat is held (null: until order `end_holds`)
pending_in_held       pending invites count as held seats
available_lag_seconds available_lag_reads held_lag_seconds held_lag_reads hold_list_lag_seconds hold_list_lag_reads
                      a change shows in that number, or in the list of held people, after so long and so many readings
over_invite           who is invited without a free seat is refused (`refuse`, default) or gets one bought (`buy`)
changes_kill_tokens   a purchase or a change of plan kills the access tokens for this workspace
invites_per_minute    more are refused with 429 and Retry-After (null: no limit)
has_subscription      without one the seats are answered with 404
subscription_answer   the seats are refused with `401`, `404`, `500`, `502`, `503` (default: `normal`) …
subscription_refuses_in
                      … from so many seconds on
admin_reads_seats     false: the seats are refused to an account-admin with 401
cancellation_outcome  `deactivate`: the workspace ends with its paid time (null: it does not say)
codex_only            the account check shows the feature `codex_only` (see the orders `workspace` and `upgrade`)
default_seat_type auto_accept_requests members_may_invite
                      what its settings page says (members_may_invite null: it does not say)
settings_answer       the settings page is refused with `403`, `404`, `500` (default: `normal`)
shapes                shape toggles for this workspace alone, over the common ones; `{}`: none
will_renew days_left  whether the subscription renews; days until it ends, may be negative
name plan_type structure
                      as the account check shows them
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox import shapes
from sandbox.base import Memory
from sandbox.errors import ACCESS_LOST_AS, SEATS_REFUSED, SUSPENDED_AS
from sandbox.state import DAY, SEAT_TYPES, Refusal, Workspace


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_domains(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_shapes(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    try:
        for key, form in value.items():
            shapes.check(key, form)
    except ValueError as error:
        raise Refusal(str(error)) from None
    return True


def _one_of(*values: Any) -> Callable[[Any], bool]:
    return lambda value: value in values and not isinstance(value, bool)


def _or_null(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


CHECKS: dict[str, Callable[[Any], bool]] = {
    "suspended": _is_flag,
    "suspended_answer": _one_of(*SUSPENDED_AS),
    "in_check": _one_of(
        "auto", "normal", "deactivated", "no_access", "missing", "removed", "error_code", "status_code"
    ),
    "delinquent": _is_flag,
    "access_lost": _is_flag,
    "access_lost_answer": _one_of(*ACCESS_LOST_AS),
    "seats_entitled": _or_null(_is_count),
    "premium_seats": _is_count,
    "invites_disabled": _is_flag,
    "allowed_domains": _or_null(_is_domains),
    "list_lag_seconds": _or_null(_is_seconds),
    "list_lag_reads": _is_count,
    "removal_lag_seconds": _is_seconds,
    "vacancy_threshold": _or_null(_is_count),
    "holds_from": _or_null(_is_count),
    "vacancies": _is_count,
    "hold_seconds": _or_null(_is_seconds),
    "pending_in_held": _is_flag,
    "available_lag_seconds": _is_seconds,
    "available_lag_reads": _is_count,
    "held_lag_seconds": _is_seconds,
    "held_lag_reads": _is_count,
    "hold_list_lag_seconds": _is_seconds,
    "hold_list_lag_reads": _is_count,
    "over_invite": _one_of("refuse", "buy"),
    "changes_kill_tokens": _is_flag,
    "invites_per_minute": _or_null(_is_count),
    "has_subscription": _is_flag,
    "subscription_answer": _one_of("normal", *SEATS_REFUSED),
    "subscription_refuses_in": _is_seconds,
    "admin_reads_seats": _is_flag,
    "will_renew": _is_flag,
    "days_left": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "cancellation_outcome": _one_of(None, "deactivate"),
    "codex_only": _is_flag,
    "default_seat_type": _one_of(*SEAT_TYPES),
    "auto_accept_requests": _is_flag,
    "members_may_invite": _or_null(_is_flag),
    "settings_answer": _one_of("normal", "403", "404", "500"),
    "shapes": _is_shapes,
    "name": _is_text,
    "plan_type": _is_text,
    "structure": _is_text,
}
ELSEWHERE = ("seats_entitled", "premium_seats", "subscription_refuses_in", "days_left")
"""Settings that are no field of their own."""


def apply_settings(world: Memory, workspace: Workspace, settings: dict[str, Any]) -> None:
    """Set what is given, all or nothing; refuses unknown names and values of the wrong kind."""
    for key, value in settings.items():
        if key not in CHECKS:
            raise Refusal(f"no setting {key!r}; there are: {', '.join(CHECKS)}")
        if not CHECKS[key](value):
            raise Refusal(f"{key} cannot be {value!r}")
    is_changed = settings.get("plan_type", workspace.plan_type) != workspace.plan_type
    for key, value in settings.items():
        if key == "days_left":
            workspace.active_until = world.now() + value * DAY
        elif key == "subscription_refuses_in":
            workspace.subscription_refuses_at = world.now() + value
        elif key in ("seats_entitled", "premium_seats"):
            workspace.pools["default" if key == "seats_entitled" else "prolite"].set_paid(value)
        else:
            setattr(workspace, key, value)
    world.note(workspace)
    if is_changed:
        world.changed_plan(workspace)

"""Settings of one workspace that the control plane changes, and changes back (`set_workspace`).

suspended             every scoped call is refused
suspended_answer      as `402` (default), `403_code` or `403_text`
in_check              how the account check shows it: `auto` (default: deactivated while suspended), `normal`,
                      `deactivated`, `no_access`, `missing`
delinquent            changes are refused with 401, reads go on
access_lost           404 for everybody, and missing from the account check
seats_entitled        purchased seats, the owner's included; null: unknown, and no seat is free
invites_disabled      invites are refused with 403
allowed_domains       invites to other domains are refused with 403 (null: all are allowed)
list_lag_seconds      new rows show after that long (null: the global lag)
list_lag_reads        new invites show after that many readings of their list
removal_lag_seconds   removed and revoked rows stay listed that long
vacancy_threshold     removals beyond that many hold their seat (null: never)
hold_seconds          how long they hold it
invites_per_minute    more are refused with 429 and Retry-After (null: no limit)
has_subscription      without one the seats are answered with 404
will_renew days_left  whether the subscription renews; days until it ends, may be negative
name plan_type structure
                      as the account check shows them
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.base import Memory
from sandbox.errors import SUSPENDED_AS
from sandbox.state import DAY, Refusal, Workspace


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


def _or_null(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or check(value)


CHECKS: dict[str, Callable[[Any], bool]] = {
    "suspended": _is_flag,
    "suspended_answer": lambda value: value in SUSPENDED_AS,
    "in_check": lambda value: value in ("auto", "normal", "deactivated", "no_access", "missing"),
    "delinquent": _is_flag,
    "access_lost": _is_flag,
    "seats_entitled": _or_null(_is_count),
    "invites_disabled": _is_flag,
    "allowed_domains": _or_null(_is_domains),
    "list_lag_seconds": _or_null(_is_seconds),
    "list_lag_reads": _is_count,
    "removal_lag_seconds": _is_seconds,
    "vacancy_threshold": _or_null(_is_count),
    "hold_seconds": _is_seconds,
    "invites_per_minute": _or_null(_is_count),
    "has_subscription": _is_flag,
    "will_renew": _is_flag,
    "days_left": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "name": _is_text,
    "plan_type": _is_text,
    "structure": _is_text,
}


def apply_settings(world: Memory, workspace: Workspace, settings: dict[str, Any]) -> None:
    """Set what is given, all or nothing; refuses unknown names and values of the wrong kind."""
    for key, value in settings.items():
        if key not in CHECKS:
            raise Refusal(f"no setting {key!r}; there are: {', '.join(CHECKS)}")
        if not CHECKS[key](value):
            raise Refusal(f"{key} cannot be {value!r}")
    for key, value in settings.items():
        if key == "days_left":
            workspace.active_until = world.now() + value * DAY
        else:
            setattr(workspace, key, value)

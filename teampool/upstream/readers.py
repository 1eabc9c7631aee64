"""Read rows from JSON: members, invites, workspaces, seats. Pure.

An unexpected shape is reported (`Unreadable`, or a count of lost rows), never guessed: a list that silently lost a row
would get somebody removed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic

from .envelope import scrub
from .types import (
    Entrance,
    Identity,
    InviteRow,
    MemberRow,
    RemovalNotice,
    RowT,
    SeatPool,
    Subscription,
    Workspace,
    normalise_email,
)

_BARE_ID = re.compile(r"[A-Za-z0-9]{8,}")
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:|@~-]{0,199}")
_MEMBER_KEYS = ("items", "users", "data")
# Why an entry of the account check cannot be used, as it says itself (upstream §8).
_DEACTIVATED = {"workspace_deactivated", "deactivated_workspace"}
_REMOVED = "account_removed_from_workspace"
_PAYMENT_REQUIRED = 402
_INVITE_KEYS = ("items", "account_invites", "data")


class Unreadable(Exception):
    """An answer of an unexpected shape; the text says which part."""


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """One page of a list. `total`, `limit` and `offset` are None where the answer has none.

    `lost`: rows that could not be read. `is_doubtful`: a row lacks its role.
    """

    rows: tuple[RowT, ...]
    lost: int
    is_doubtful: bool
    total: int | None
    limit: int | None
    offset: int | None


def is_safe_id(value: str) -> bool:
    """True for an id that cannot change where a URL path leads."""
    return _SAFE_ID.fullmatch(value) is not None


def read_moment(value: Any) -> datetime | None:
    """An aware time from ISO text or epoch seconds (or milliseconds); None when unreadable."""
    try:
        if isinstance(value, bool) or value is None:
            return None
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        moment = datetime.fromisoformat(value.strip())
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError, AttributeError, TypeError):
        return None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value.strip(), re.ASCII):
        return int(value)
    return value if isinstance(value, int) else None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def read_member(item: Any) -> MemberRow | None:
    """One member; None without an id."""
    row = _dict(item)
    user_id = _text(row.get("id")) or _text(row.get("account_user_id")).partition("__")[0]
    if not is_safe_id(user_id):
        return None
    if _BARE_ID.fullmatch(user_id):
        # ChatGPT once used bare ids; with the prefix they equal the id in the token.
        user_id = f"user-{user_id}"
    return MemberRow(
        user_id=user_id,
        email=normalise_email(row.get("email")) or normalise_email(row.get("verified_email")),
        role=_text(row.get("role")).lower(),
        seat_type=_text(row.get("seat_type")).lower() or "default",
        name=_text(row.get("name")),
        created_at=read_moment(row.get("created_time")),
        deactivated_at=read_moment(row.get("deactivated_time")),
        reclaimable_seat_type=_text(row.get("reclaimable_seat_type")).lower(),
    )


def read_invite_row(item: Any) -> InviteRow | None:
    """One pending invite; None with neither an id nor an address."""
    row = _dict(item)
    email = normalise_email(row.get("email_address")) or normalise_email(row.get("email"))
    invite_id = _text(row.get("id")) or _text(row.get("invite_id")) or (email or "")
    if not invite_id:
        return None
    return InviteRow(
        invite_id=invite_id,
        email=email,
        role=_text(row.get("role")).lower(),
        seat_type=_text(row.get("seat_type")).lower() or "default",
        created_at=read_moment(row.get("created_time")),
        status=_read_status(row),
    )


def _read_status(row: dict[str, Any]) -> str:
    """An invite's status as text; "" when it has none, "?" when it cannot be read."""
    value = row.get("status")
    if value is None:
        value = row.get("state")
    if value is None:
        return ""
    number = _number(value)
    return str(number) if number is not None else _text(value).lower() or "?"


def read_members_page(data: Any) -> Page[MemberRow]:
    """A page of members. A row without a role is kept, but makes the page doubtful."""
    page = _read_page(data, _MEMBER_KEYS, read_member)
    # Anybody without a role might be the owner: such a list removes nobody.
    return replace(page, is_doubtful=any(not row.role for row in page.rows))


def read_invites_page(data: Any) -> Page[InviteRow]:
    return _read_page(data, _INVITE_KEYS, read_invite_row)


def _read_page(data: Any, keys: tuple[str, ...], read: Callable[[Any], RowT | None]) -> Page[RowT]:
    if not isinstance(data, dict):
        raise Unreadable("the answer is not an object")
    items = next((data[key] for key in keys if isinstance(data.get(key), list)), None)
    if items is None:
        raise Unreadable("the answer has no list of rows")
    rows = [read(item) for item in items]
    readable = tuple(row for row in rows if row is not None)
    limit = _number(data.get("limit"))
    return Page(
        rows=readable,
        lost=len(rows) - len(readable),
        is_doubtful=False,
        total=_number(data.get("total")),
        limit=limit if limit is not None and limit > 0 else None,
        offset=_number(data.get("offset")),
    )


def read_workspaces(data: Any) -> tuple[Workspace, ...]:
    """Every workspace of an account check, once each, in upstream's order (upstream §8)."""
    accounts = data.get("accounts") if isinstance(data, dict) else None
    if isinstance(accounts, dict):
        entries = [(key, value) for key, value in accounts.items()]
    elif isinstance(accounts, list):
        entries = [("", value) for value in accounts]
    else:
        raise Unreadable("the answer has no accounts")
    found: dict[str, Workspace] = {}
    for key, entry in entries:
        workspace = _read_workspace(key, _dict(entry))
        # The personal account may be listed twice, by id and by alias: the first wins.
        if workspace is not None:
            found.setdefault(workspace.account_id, workspace)
    ordering = data.get("account_ordering")
    ordered = [value for value in ordering if isinstance(value, str)] if isinstance(ordering, list) else []
    rank = {account_id: place for place, account_id in enumerate(ordered)}
    return tuple(sorted(found.values(), key=lambda one: rank.get(one.account_id, len(rank))))


def _read_workspace(key: str, entry: dict[str, Any]) -> Workspace | None:
    account = _dict(entry.get("account")) or entry
    account_id = _text(account.get("account_id")) or _text(account.get("id"))
    if not account_id and key != "default":
        account_id = key.strip()
    if not is_safe_id(account_id):
        return None
    entitlement = _dict(entry.get("entitlement"))
    access = _flag(entry.get("can_access_with_session"))
    reasons = {_text(_dict(entry.get("error")).get("code")).lower(), _text(entry.get("error_code")).lower()}
    return Workspace(
        account_id=account_id,
        name=_text(account.get("name")),
        organization_id=_text(account.get("organization_id")),
        structure=_text(account.get("structure")).lower(),
        plan=_text(account.get("plan_type")),
        role=_text(account.get("account_user_role")).lower(),
        is_deactivated=account.get("is_deactivated") is True
        or bool(reasons & _DEACTIVATED)
        or entry.get("status_code") == _PAYMENT_REQUIRED,
        can_access=access is not False,
        is_removed=_REMOVED in reasons,
        has_active_subscription=_flag(entitlement.get("has_active_subscription")),
        expires_at=read_moment(entitlement.get("expires_at")),
        will_renew=_flag(_dict(entry.get("last_active_subscription")).get("will_renew")),
        is_delinquent=_flag(entitlement.get("is_delinquent")),
        features=_read_features(entry.get("features")),
    )


def _read_features(value: Any) -> frozenset[str] | None:
    return frozenset(_text(name).lower() for name in value) if isinstance(value, list) else None


def read_subscription(data: Any) -> Subscription:
    """Purchased seats, by type and in total. `seats_entitled` 0 is unknown, `paid` 0 is a real zero (upstream §9)."""
    if not isinstance(data, dict):
        raise Unreadable("the answer is not an object")
    capacity = data.get("seat_capacity")
    pools = [_dict(pool) for pool in capacity] if isinstance(capacity, list) else []
    return Subscription(
        seats_entitled=_count(data.get("seats_entitled")) or None,
        active_until=read_moment(data.get("active_until")),
        will_renew=_flag(data.get("will_renew")),
        is_delinquent=_flag(data.get("is_delinquent")),
        pools=tuple(_read_pool(pool) for pool in pools if _text(pool.get("type"))),
        has_pools=bool(capacity),
        assigned=_read_assigned(data.get("assigned")),
        seats_in_use=_count(data.get("seats_in_use")),
        cancellation_outcome=_text(data.get("cancellation_outcome")).lower(),
    )


def read_entrance(data: Any) -> Entrance:
    """Who lets people in besides the log-in. No public source names the members' setting: several names are tried."""
    if not isinstance(data, dict):
        raise Unreadable("the answer is not an object")
    said = [_flag(data.get(name)) for name in ("members_can_invite", "members_may_invite", "allow_member_invites")]
    members = next((flag for flag in said if flag is not None), None)
    return Entrance(members_may_invite=members, accepts_requests=_flag(data.get("auto_accept_requests")))


def _count(value: Any) -> int | None:
    """A number of seats or people; None for a negative or unreadable value, or one that fits no column."""
    number = _number(value)
    return number if number is not None and 0 <= number <= 1_000_000 else None


def _read_pool(pool: dict[str, Any]) -> SeatPool:
    held = pool.get("held")
    return SeatPool(
        seat_type=_text(pool.get("type")).lower(),
        paid=_count(pool.get("paid")),
        held=0 if held is None else _count(held),
        available=_count(pool.get("available")),
        renewal_requested=_count(pool.get("renewal_requested")),
    )


def _read_assigned(value: Any) -> dict[str, int | None] | None:
    if value is None:
        return {}
    if not isinstance(value, dict):
        return None
    return {str(kind).strip().lower(): _count(count) for kind, count in value.items()}


def read_removal_notice(data: Any) -> RemovalNotice | None:
    """What a 2xx to a removal says of its cost (upstream §7); None when nothing. Never raises: the removal stands."""
    said = _dict(data)
    policy, billing = _dict(said.get("policy_notice")), said.get("billing_notice")
    notice = RemovalNotice(
        vacancy_ordinal=_count(policy.get("vacancy_ordinal")),
        free_below=_count(policy.get("free_vacancy_threshold")),
        seats_billed=_count(policy.get("billed_seat_delta")),
        needs_replacement=_flag(policy.get("replacement_required")),
        billed_from=_date(policy.get("billing_starts_at")),
        billed_until=_date(policy.get("expires_at")),
        billing_text=_as_text(billing) if billing else "",
    )
    return notice if notice != RemovalNotice() else None


def _date(value: Any) -> datetime | None:
    """A moment that every time zone can show; year 1 or 9999 is no date of a bill."""
    moment = read_moment(value)
    return moment if moment is not None and 2000 <= moment.year < 3000 else None


def _as_text(value: Any) -> str:
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""
    # A database takes neither half of a surrogate pair nor NUL.
    return scrub(text.replace("\0", " ").encode("utf-8", "replace").decode())


def read_identity(data: Any) -> Identity | None:
    """Who the token belongs to; None for the anonymous user, as a dead token may be answered."""
    row = _dict(data)
    email = normalise_email(row.get("email"))
    return Identity(_text(row.get("id")), email) if email else None

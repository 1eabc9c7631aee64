"""What upstream says, as frozen, typed values without Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

MANAGER_ROLES = frozenset({"account-owner", "account-admin"})

STANDARD = "default"
PREMIUM = "prolite"
CODEX = "usage_based"
AUTOMATION = "automation"
OTHER_SEATS = frozenset({PREMIUM, CODEX, AUTOMATION})
"""Seat types that are known and not the standard one."""
CODEX_ONLY = "codex_only"


class Failure(StrEnum):
    """Every way a call can fail (upstream §14.1)."""

    CONNECT_FAILED = "connect_failed"
    TIMEOUT_OR_RESET = "timeout_or_reset"
    SERVER_ERROR = "server_error"
    EDGE_BLOCK = "edge_block"
    RATE_LIMITED = "rate_limited"
    TOKEN_REJECTED = "token_rejected"  # noqa: S105 - the name of a failure
    USER_DEACTIVATED = "user_deactivated"
    REFRESH_PERMANENT = "refresh_permanent"
    SESSION_DOUBTFUL = "session_doubtful"
    """The session gave no token. The first time that may be a hiccup; ten minutes later it is dead."""
    EXCHANGE_FAILED = "exchange_failed"
    """The session lives and has no token for this one workspace; nobody knows why."""
    TOKEN_REPEATED = "token_repeated"  # noqa: S105 - the name of a failure
    """The session goes on handing out the token that was refused, a forced refresh or not."""
    REFRESH_REUSED = "refresh_reused"
    REFRESH_TRANSIENT = "refresh_transient"
    REFRESH_MISCONFIGURED = "refresh_misconfigured"
    """The client id is missing or not this token's: the refresh token itself may be good."""
    WORKSPACE_SUSPENDED = "workspace_suspended"
    WORKSPACE_DELINQUENT = "workspace_delinquent"
    WORKSPACE_NOT_FOUND = "workspace_not_found"
    ACCESS_REMOVED = "access_removed"
    """ChatGPT says itself that this log-in was removed from the workspace."""
    PERMISSION_DENIED = "permission_denied"
    """A refusal without a known word; what it means for the Team is asked before it is believed."""
    SEATS_FULL = "seats_full"
    ALREADY_MEMBER = "already_member"
    ALREADY_INVITED = "already_invited"
    EMAIL_REJECTED = "email_rejected"
    DOMAIN_RESTRICTED = "domain_restricted"
    GHOST_SUCCESS = "ghost_success"
    CONFLICT_BUSY = "conflict_busy"
    NOT_FOUND_ITEM = "not_found_item"
    PROTOCOL_ERROR = "protocol_error"
    IDENTITY_MISMATCH = "identity_mismatch"
    UNKNOWN_401 = "unknown_401"
    REFUSED_UNCLEAR = "refused_unclear"
    """A clear no without a readable reason: nothing was done; try another Team, blame nobody."""


class Op(StrEnum):
    """The calls; errors and logs name them."""

    MEMBERS = "members"
    HOLD_LIST = "hold_list"
    INVITES = "invites"
    INVITE = "invite"
    REVOKE = "revoke"
    REMOVE = "remove"
    ACCOUNT_CHECK = "account_check"
    SUBSCRIPTION = "subscription"
    SETTINGS = "settings"
    ME = "me"
    SESSION = "session"
    OAUTH = "oauth"


class Fault(StrEnum):
    """What a failure counts against."""

    NONE = "none"
    TEAM = "team"
    CREDENTIAL = "credential"
    RECIPIENT = "recipient"
    NETWORK = "network"


_FAULTS: dict[Failure, Fault] = {
    Failure.WORKSPACE_SUSPENDED: Fault.TEAM,
    Failure.WORKSPACE_DELINQUENT: Fault.TEAM,
    Failure.WORKSPACE_NOT_FOUND: Fault.TEAM,
    Failure.ACCESS_REMOVED: Fault.TEAM,
    Failure.PERMISSION_DENIED: Fault.TEAM,
    Failure.SEATS_FULL: Fault.TEAM,
    Failure.TOKEN_REJECTED: Fault.CREDENTIAL,
    Failure.USER_DEACTIVATED: Fault.CREDENTIAL,
    Failure.REFRESH_PERMANENT: Fault.CREDENTIAL,
    Failure.REFRESH_REUSED: Fault.CREDENTIAL,
    Failure.IDENTITY_MISMATCH: Fault.CREDENTIAL,
    Failure.TOKEN_REPEATED: Fault.CREDENTIAL,
    Failure.EMAIL_REJECTED: Fault.RECIPIENT,
    Failure.DOMAIN_RESTRICTED: Fault.RECIPIENT,
    Failure.CONNECT_FAILED: Fault.NETWORK,
    Failure.TIMEOUT_OR_RESET: Fault.NETWORK,
    Failure.SERVER_ERROR: Fault.NETWORK,
    Failure.EDGE_BLOCK: Fault.NETWORK,
    Failure.RATE_LIMITED: Fault.NETWORK,
    Failure.REFRESH_TRANSIENT: Fault.NETWORK,
    Failure.SESSION_DOUBTFUL: Fault.NETWORK,
    Failure.EXCHANGE_FAILED: Fault.NETWORK,
    Failure.PROTOCOL_ERROR: Fault.NETWORK,
    Failure.UNKNOWN_401: Fault.NETWORK,
}


def fault_of(failure: Failure | None) -> Fault:
    return _FAULTS.get(failure, Fault.NONE) if failure is not None else Fault.NONE


class Verdict(StrEnum):
    """What a write did. NO is certain; UNKNOWN may have worked."""

    SENT = "sent"
    NO = "no"
    UNKNOWN = "unknown"


def normalise_email(value: object) -> str | None:
    """Trimmed and lower-cased; None when empty or not text."""
    if not isinstance(value, str):
        return None
    return value.strip().lower() or None


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A row of the member list; `email` is None when ChatGPT hides it."""

    user_id: str
    email: str | None
    role: str
    seat_type: str
    name: str
    created_at: datetime | None
    deactivated_at: datetime | None
    reclaimable_seat_type: str = ""
    """On the hold list: the type of the seat kept for this removed person."""

    @property
    def is_manager(self) -> bool:
        return self.role in MANAGER_ROLES


@dataclass(frozen=True, slots=True)
class InviteRow:
    """A row of the list of pending invites. An accepted invite may stay in it for a while.

    `status` is ChatGPT's own, a number as text: "2" or "pending", "1" for a request to join, "" for none.
    """

    invite_id: str
    email: str | None
    role: str
    seat_type: str
    created_at: datetime | None
    status: str = ""


RowT = TypeVar("RowT", bound=MemberRow | InviteRow)


@dataclass(frozen=True, slots=True)
class RemovalNotice:
    """What the answer to a removal says about its cost (upstream §7). None and "": not said, or not readable.

    `vacancy_ordinal`: the n-th vacancy of this workspace. Vacancies below `free_below` cost nothing.
    """

    vacancy_ordinal: int | None = None
    free_below: int | None = None
    seats_billed: int | None = None
    needs_replacement: bool | None = None
    billed_from: datetime | None = None
    billed_until: datetime | None = None
    billing_text: str = ""
    """`billing_notice` as it came, cut and without secrets: its shape is not known."""

    @property
    def costs(self) -> bool:
        """True when it says that this removal is charged; a number that is missing charges nothing."""
        if self.seats_billed is not None:
            return self.seats_billed > 0
        n, free_below = self.vacancy_ordinal, self.free_below
        return n is not None and free_below is not None and n >= free_below

    def facts(self) -> dict[str, Any]:
        """What is known of it, for JSON; `costs` is always there."""
        known = {name: value for name, value in asdict(self).items() if value not in (None, "")}
        moments = {name: value.isoformat() for name, value in known.items() if isinstance(value, datetime)}
        return {"costs": self.costs} | known | moments


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of an invite, a revocation or a removal (upstream §5 to §7).

    SENT must still be confirmed by the lists; for a revocation or a removal it is any 2xx. NO with NOT_FOUND_ITEM:
    there was nobody to remove.
    """

    verdict: Verdict
    failure: Failure | None = None
    status: int | None = None
    code: str = ""
    text: str = ""
    retry_after: timedelta | None = None
    user_id: str = ""
    notice: RemovalNotice | None = None
    """Of a removal, where the 2xx said anything about its cost."""

    @property
    def fault(self) -> Fault:
        return fault_of(self.failure)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace of a log-in, from the account check (upstream §8)."""

    account_id: str
    name: str
    organization_id: str
    structure: str
    plan: str
    role: str
    is_deactivated: bool
    can_access: bool
    is_removed: bool
    """This log-in was removed from it, as the entry says itself."""
    has_active_subscription: bool | None
    expires_at: datetime | None
    will_renew: bool | None
    is_delinquent: bool | None
    features: frozenset[str] | None = None
    """None when the answer has no list of them."""

    @property
    def is_codex_only(self) -> bool | None:
        """True for a workspace without standard seats; None when its features are unknown."""
        return None if self.features is None else CODEX_ONLY in self.features

    @property
    def is_manageable(self) -> bool:
        """True for a live workspace that this log-in administers, whatever its plan is called."""
        return (
            self.structure == "workspace"
            and self.role in MANAGER_ROLES
            and self.can_access
            and not self.is_deactivated
            and not self.is_removed
        )


@dataclass(frozen=True, slots=True)
class SeatPool:
    """The seats of one type. None is unknown (missing or not a number); 0 is a real zero (upstream §9).

    Only a missing `held` is 0; it is None when it is there and not a number.
    """

    seat_type: str
    paid: int | None
    held: int | None = 0
    available: int | None = None
    renewal_requested: int | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """Purchased seats; `seats_entitled` is the sum over all types, None when ChatGPT does not know it (upstream §9).

    Standard seats are those of the pool `default`. `has_pools`: `seat_capacity` held something, readable or not.
    """

    seats_entitled: int | None
    active_until: datetime | None
    will_renew: bool | None
    is_delinquent: bool | None
    pools: tuple[SeatPool, ...] = ()
    has_pools: bool = False
    assigned: Mapping[str, int | None] | None = field(default_factory=dict)
    """People by seat type; a value is None when it is no number, the whole when it is no object."""
    seats_in_use: int | None = None
    cancellation_outcome: str = ""

    def pool(self, seat_type: str) -> SeatPool | None:
        """The pool of this type; None when there is none, or more than one."""
        found = [pool for pool in self.pools if pool.seat_type == seat_type]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who lets people in besides the log-in, by the workspace's settings; None where they do not say (upstream §8)."""

    members_may_invite: bool | None
    accepts_requests: bool | None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token belongs to (upstream §10)."""

    user_id: str
    email: str


@dataclass(frozen=True, slots=True)
class TokenSet:
    """Tokens just received; "" means that none came, so keep the stored one."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    expires_at: datetime | None = None

"""What upstream says, in our words: frozen, typed, and free of Django."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

MANAGER_ROLES = frozenset({"account-owner", "account-admin"})

STANDARD = "default"
PREMIUM = "prolite"
CODEX = "usage_based"
AUTOMATION = "automation"
OTHER_SEATS = frozenset({PREMIUM, CODEX, AUTOMATION})
"""Seat types that are certainly not the standard one; a type nobody has heard of is not among them."""
CODEX_ONLY = "codex_only"


class Failure(StrEnum):
    """Every way a call can end other than well (upstream §14.1)."""

    CONNECT_FAILED = "connect_failed"
    TIMEOUT_OR_RESET = "timeout_or_reset"
    SERVER_ERROR = "server_error"
    EDGE_BLOCK = "edge_block"
    RATE_LIMITED = "rate_limited"
    TOKEN_REJECTED = "token_rejected"  # noqa: S105 - the name of a failure
    USER_DEACTIVATED = "user_deactivated"
    REFRESH_PERMANENT = "refresh_permanent"
    REFRESH_REUSED = "refresh_reused"
    REFRESH_TRANSIENT = "refresh_transient"
    WORKSPACE_SUSPENDED = "workspace_suspended"
    WORKSPACE_DELINQUENT = "workspace_delinquent"
    WORKSPACE_NOT_FOUND = "workspace_not_found"
    PERMISSION_DENIED = "permission_denied"
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
    """A clear no without a reason we can read: nothing was done, try another Team, blame nobody."""


class Op(StrEnum):
    """The calls there are; errors and logs name them."""

    MEMBERS = "members"
    INVITES = "invites"
    INVITE = "invite"
    REVOKE = "revoke"
    REMOVE = "remove"
    ACCOUNT_CHECK = "account_check"
    SUBSCRIPTION = "subscription"
    ME = "me"
    SESSION = "session"
    OAUTH = "oauth"


class Fault(StrEnum):
    """Who a failure counts against."""

    NONE = "none"
    TEAM = "team"
    CREDENTIAL = "credential"
    RECIPIENT = "recipient"
    NETWORK = "network"


_FAULTS: dict[Failure, Fault] = {
    Failure.WORKSPACE_SUSPENDED: Fault.TEAM,
    Failure.WORKSPACE_DELINQUENT: Fault.TEAM,
    Failure.WORKSPACE_NOT_FOUND: Fault.TEAM,
    Failure.PERMISSION_DENIED: Fault.TEAM,
    Failure.SEATS_FULL: Fault.TEAM,
    Failure.TOKEN_REJECTED: Fault.CREDENTIAL,
    Failure.USER_DEACTIVATED: Fault.CREDENTIAL,
    Failure.REFRESH_PERMANENT: Fault.CREDENTIAL,
    Failure.REFRESH_REUSED: Fault.CREDENTIAL,
    Failure.IDENTITY_MISMATCH: Fault.CREDENTIAL,
    Failure.EMAIL_REJECTED: Fault.RECIPIENT,
    Failure.DOMAIN_RESTRICTED: Fault.RECIPIENT,
    Failure.CONNECT_FAILED: Fault.NETWORK,
    Failure.TIMEOUT_OR_RESET: Fault.NETWORK,
    Failure.SERVER_ERROR: Fault.NETWORK,
    Failure.EDGE_BLOCK: Fault.NETWORK,
    Failure.RATE_LIMITED: Fault.NETWORK,
    Failure.REFRESH_TRANSIENT: Fault.NETWORK,
    Failure.PROTOCOL_ERROR: Fault.NETWORK,
    Failure.UNKNOWN_401: Fault.NETWORK,
}


def fault_of(failure: Failure | None) -> Fault:
    """Whose fault this failure is; NONE for those nobody is to blame for."""
    return _FAULTS.get(failure, Fault.NONE) if failure is not None else Fault.NONE


class Verdict(StrEnum):
    """What a write did. Only NO is a certain no; UNKNOWN may have worked."""

    SENT = "sent"
    NO = "no"
    UNKNOWN = "unknown"


def normalise_email(value: object) -> str | None:
    """Trimmed and lower-cased, or None when there is nothing readable."""
    if not isinstance(value, str):
        return None
    return value.strip().lower() or None


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One row of the member list; `email` is None when upstream hides it."""

    user_id: str
    email: str | None
    role: str
    seat_type: str
    name: str
    created_at: datetime | None
    deactivated_at: datetime | None
    reclaimable_seat_type: str = ""
    """On the hold list: the type of the seat that is kept for this removed person."""

    @property
    def is_manager(self) -> bool:
        return self.role in MANAGER_ROLES


@dataclass(frozen=True, slots=True)
class InviteRow:
    """One row of the pending list. An accepted invite may linger in it for a while.

    `status` is upstream's own, a number as text: "2" or "pending", "1" for a request to join; "" when the row has none.
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

    `ordinal`: the n-th vacancy of this workspace. Vacancies below `free_below` cost nothing.
    """

    ordinal: int | None = None
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
        return self.ordinal is not None and self.free_below is not None and self.ordinal >= self.free_below


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an invite, a revocation or a removal (upstream §5 to §7).

    SENT is still to be confirmed by the lists; of a revocation or a removal it is any 2xx, and NO with
    NOT_FOUND_ITEM means there was nobody to take out.
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
    """One workspace of a login, from the account check (upstream §8)."""

    account_id: str
    name: str
    organization_id: str
    structure: str
    plan: str
    role: str
    is_deactivated: bool
    can_access: bool
    has_active_subscription: bool | None
    expires_at: datetime | None
    will_renew: bool | None
    is_delinquent: bool | None
    features: frozenset[str] | None = None
    """None when the entry has no list of them."""

    @property
    def is_codex_only(self) -> bool | None:
        """True for a workspace without standard seats; None when its features were not shown."""
        return None if self.features is None else CODEX_ONLY in self.features

    @property
    def is_manageable(self) -> bool:
        """True for a live workspace this login administers; plan names decide nothing."""
        return (
            self.structure == "workspace" and self.role in MANAGER_ROLES and not self.is_deactivated and self.can_access
        )


@dataclass(frozen=True, slots=True)
class SeatPool:
    """The seats of one type. None: missing or not a number, so unknown; 0 is a known zero (upstream §9).

    `held` alone is 0 when it is missing, and None only when it is there and is no number.
    """

    seat_type: str
    paid: int | None
    held: int | None = 0
    available: int | None = None
    renewal_requested: int | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """Purchased seats; `seats_entitled` is None when upstream does not know (upstream §9).

    `seats_entitled` is the sum over all types; the standard seats are those of the pool `default`.
    `has_pools` is true when `seat_capacity` said anything at all, even something unreadable.
    """

    seats_entitled: int | None
    held: int
    active_until: datetime | None
    will_renew: bool | None
    is_delinquent: bool | None
    pools: tuple[SeatPool, ...] = ()
    has_pools: bool = False
    assigned: Mapping[str, int | None] | None = field(default_factory=dict)
    """People per seat type; None for one that is no number, and for an answer that is no object."""
    seats_in_use: int | None = None
    cancellation_outcome: str = ""

    def pool(self, seat_type: str) -> SeatPool | None:
        """The pool of this type; None without one, and for two of them, which nobody could tell apart."""
        found = [pool for pool in self.pools if pool.seat_type == seat_type]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token belongs to (upstream §10)."""

    user_id: str
    email: str


@dataclass(frozen=True, slots=True)
class TokenSet:
    """Tokens as just received; "" means upstream sent none, so keep the stored one."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionAnswer:
    """A session exchanged for tokens, and whose they are. The caller compares before storing."""

    tokens: TokenSet
    email: str
    user_id: str
    account_id: str

"""What the stand-in knows: people, workspaces, members, invites, mails. No HTTP in here."""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from sandbox.late import Late
from sandbox.pools import PAID_TYPES, Pool, Purchase

DAY = 86400.0
MANAGERS = ("account-owner", "account-admin")
ROLES = (*MANAGERS, "standard-user", "analytics-viewer", "reader")
SEAT_TYPES = (*PAID_TYPES, "usage_based", "automation")
PENDING, REQUESTED = 2, 1


class Refusal(Exception):
    """A control-plane order that cannot be carried out; `status` is the HTTP status to answer."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


def digits(kind: int, number: int) -> str:
    """Return an all-digit UUID: recognisable as invented, and the same on every run."""
    return f"{kind}{number:07d}-0000-4000-8000-{number:012d}"


def letters(text: str, length: int = 24) -> str:
    """Return a stable run of letters and digits made from a text."""
    out = ""
    block = text.encode()
    while len(out) < length:
        block = hashlib.sha256(block).digest()
        out += base64.b64encode(block).decode().replace("+", "").replace("/", "").rstrip("=")
    return out[:length]


def short_hash(secret: str) -> str:
    """Return what may be shown of a secret: enough to tell two apart, useless otherwise."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def normal(email: str) -> str:
    """Return an address as it is compared: trimmed and lower-case."""
    return email.strip().lower()


@dataclass(slots=True)
class Person:
    """Somebody with an e-mail address; a login too, once credentials were issued."""

    id: str
    email: str
    name: str
    created: float
    client_id: str | None = None
    banned: bool = False

    @property
    def sub(self) -> str:
        """The identity provider's name for this person."""
        return f"auth0|{letters(self.id)}"


@dataclass(slots=True)
class Member:
    """One person in one workspace; listed from `visible_at` on, its row altered by `shows` and `hides`."""

    person: Person
    role: str
    seat_type: str
    created: float
    visible_at: float
    hide_email: bool = False
    deactivated_at: float | None = None
    shows: dict[str, Any] = field(default_factory=dict)
    hides: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Hold:
    """A removed member whose seat is kept; `until` is None when only an order ends it."""

    member: Member
    seat_type: str
    since: float
    until: float | None = None


@dataclass(slots=True)
class Invite:
    """One pending invitation; listed from `visible_at` on and after `hidden_reads` more readings.

    With `status` 1 it is a request to join, which keeps no seat.
    """

    id: str
    email: str
    role: str
    seat_type: str
    created: float
    visible_at: float
    hidden_reads: int = 0
    mails: int = 0
    from_web: bool = False
    status: int = PENDING
    invited_by: str | None = None
    shows: dict[str, Any] = field(default_factory=dict)
    hides: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Mail:
    """One invitation mail that would have been sent; `count` is the how-many-eth of its invite."""

    number: int
    to: str
    account_id: str
    workspace: str
    at: float
    count: int


@dataclass(slots=True)
class Workspace:
    """One workspace. The fields from `suspended` on are set by `set_workspace`."""

    account_id: str
    number: int
    name: str
    organization_id: str
    subscription_id: str
    owner: Person
    created: float
    active_until: float
    pools: dict[str, Pool]
    plan_type: str = "team"
    structure: str = "workspace"
    members: dict[str, Member] = field(default_factory=dict)
    invites: dict[str, Invite] = field(default_factory=dict)
    gone_members: list[tuple[float, Member]] = field(default_factory=list)
    gone_invites: list[tuple[float, Invite]] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    purchases: list[Purchase] = field(default_factory=list)
    shown: dict[tuple[str, str], Late] = field(default_factory=dict)
    invite_times: deque[float] = field(default_factory=deque)
    subscription_refuses_at: float = 0.0
    suspended: bool = False
    suspended_answer: str = "402"
    in_check: str = "auto"
    delinquent: bool = False
    access_lost: bool = False
    access_lost_answer: str = "404"
    invites_disabled: bool = False
    allowed_domains: list[str] | None = None
    list_lag_seconds: float | None = None
    list_lag_reads: int = 0
    removal_lag_seconds: float = 0.0
    available_lag_seconds: float = 0.0
    available_lag_reads: int = 0
    held_lag_seconds: float = 0.0
    held_lag_reads: int = 0
    hold_list_lag_seconds: float = 0.0
    hold_list_lag_reads: int = 0
    pending_in_held: bool = False
    vacancies: int = 0
    vacancy_threshold: int | None = None
    holds_from: int | None = None
    hold_seconds: float | None = 30 * DAY
    over_invite: str = "refuse"
    changes_kill_tokens: bool = False
    invites_per_minute: int | None = None
    has_subscription: bool = True
    subscription_answer: str = "normal"
    admin_reads_seats: bool = True
    will_renew: bool = True
    cancellation_outcome: str | None = None
    codex_only: bool = False
    default_seat_type: str = "default"
    auto_accept_requests: bool = False
    members_may_invite: bool | None = None
    settings_answer: str = "normal"
    shapes: dict[str, Any] = field(default_factory=dict)

    @property
    def seats_entitled(self) -> int | None:
        """The sum of all paid seats, as upstream counts them; None when a number is not known."""
        paid = [pool.paid for pool in self.pools.values()]
        return None if None in paid else sum(number or 0 for number in paid)

    def paid(self, seat_type: str = "default") -> int:
        """Count the paid seats of a type; unknown is none."""
        pool = self.pools.get(seat_type)
        return pool.paid or 0 if pool else 0

    def seats_in_use(self) -> int:
        """Count everybody who is in, in whatever seat."""
        return sum(member.deactivated_at is None for member in self.members.values())

    def assigned(self, seat_type: str = "default") -> int:
        """Count the members who sit in a seat of a type, the owner included."""
        return sum(m.seat_type == seat_type and m.deactivated_at is None for m in self.members.values())

    def reserved(self, seat_type: str = "default") -> int:
        """Count the seats of a type kept for pending invites."""
        return sum(one.seat_type == seat_type and one.status != REQUESTED for one in self.invites.values())

    def held(self, now: float, seat_type: str = "default") -> int:
        """Count the seats of a type that a removal has not given back yet."""
        return sum(h.seat_type == seat_type and (h.until is None or h.until > now) for h in self.holds)

    def free(self, now: float, seat_type: str = "default") -> int:
        """Count the seats of a type an invite can still take; negative when over-full."""
        taken = self.assigned(seat_type) + self.reserved(seat_type) + self.held(now, seat_type)
        return self.paid(seat_type) - taken

    def members_of_email(self, email: str) -> Member | None:
        """Return the member with this address, shown or hidden."""
        wanted = normal(email)
        return next((m for m in self.members.values() if m.person.email == wanted), None)

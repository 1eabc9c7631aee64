"""What the stand-in knows: people, workspaces, members, invites, mails. No HTTP in here."""

from __future__ import annotations

import base64
import hashlib
from collections import deque
from dataclasses import dataclass, field

DAY = 86400.0
MANAGERS = ("account-owner", "account-admin")
ROLES = (*MANAGERS, "standard-user", "analytics-viewer", "reader")
SEAT_TYPES = ("default", "prolite", "usage_based", "automation")


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
    """One person in one workspace; listed from `visible_at` on."""

    person: Person
    role: str
    seat_type: str
    created: float
    visible_at: float
    hide_email: bool = False
    deactivated_at: float | None = None

    @property
    def takes_seat(self) -> bool:
        """Whether a purchased seat is used up."""
        return self.seat_type != "usage_based" and self.deactivated_at is None


@dataclass(slots=True)
class Invite:
    """One pending invitation; listed from `visible_at` on and after `hidden_reads` more readings."""

    id: str
    email: str
    role: str
    seat_type: str
    created: float
    visible_at: float
    hidden_reads: int = 0
    mails: int = 0
    from_web: bool = False


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
    seats_entitled: int | None = 5
    plan_type: str = "team"
    structure: str = "workspace"
    members: dict[str, Member] = field(default_factory=dict)
    invites: dict[str, Invite] = field(default_factory=dict)
    gone_members: list[tuple[float, Member]] = field(default_factory=list)
    gone_invites: list[tuple[float, Invite]] = field(default_factory=list)
    holds: list[float] = field(default_factory=list)
    removals: int = 0
    invite_times: deque[float] = field(default_factory=deque)
    suspended: bool = False
    suspended_answer: str = "402"
    in_check: str = "auto"
    delinquent: bool = False
    access_lost: bool = False
    invites_disabled: bool = False
    allowed_domains: list[str] | None = None
    list_lag_seconds: float | None = None
    list_lag_reads: int = 0
    removal_lag_seconds: float = 0.0
    vacancy_threshold: int | None = None
    hold_seconds: float = 30 * DAY
    invites_per_minute: int | None = None
    has_subscription: bool = True
    will_renew: bool = True

    def seats_in_use(self) -> int:
        """Count the members who take a seat, the owner included."""
        return sum(member.takes_seat for member in self.members.values())

    def reserved(self) -> int:
        """Count the seats kept for pending invites."""
        return sum(invite.seat_type != "usage_based" for invite in self.invites.values())

    def held(self, now: float) -> int:
        """Count the seats that a removal has not given back yet."""
        self.holds = [until for until in self.holds if until > now]
        return len(self.holds)

    def free(self, now: float) -> int:
        """Count the seats an invite can still take; negative when over-full."""
        entitled = self.seats_entitled or 0
        return entitled - self.seats_in_use() - self.reserved() - self.held(now)

    def members_of_email(self, email: str) -> Member | None:
        """Return the member with this address, shown or hidden."""
        wanted = normal(email)
        return next((m for m in self.members.values() if m.person.email == wanted), None)

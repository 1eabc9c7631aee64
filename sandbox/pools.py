"""Paid seats by type, and how they were bought (upstream §9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PAID_TYPES = ("default", "prolite")


@dataclass(slots=True)
class Pool:
    """The paid seats of one type; `paid` is None when nobody knows, and then no seat is free."""

    paid: int | None
    renewal_requested: int | None = None
    is_listed: bool = True
    pending_unoccupied_removal: int = 0
    pending_occupied_downgrades: list[Any] = field(default_factory=list)
    pending_unoccupied_downgrades: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.renewal_requested is None:
            self.renewal_requested = self.paid

    def set_paid(self, paid: int | None) -> None:
        """Set what is paid, from the next renewal on as well."""
        self.paid = self.renewal_requested = paid

    def add(self, count: int) -> None:
        """Buy seats (drop them when negative), from now on."""
        self.paid = (self.paid or 0) + count
        self.renewal_requested = max(0, (self.renewal_requested or 0) + count)

    def renew(self) -> None:
        """Begin the next paid time: what was asked for is what is paid."""
        self.paid = self.renewal_requested
        self.pending_unoccupied_removal = 0
        self.pending_occupied_downgrades = []
        self.pending_unoccupied_downgrades = []


@dataclass(slots=True)
class Purchase:
    """Seats bought in one go; `by` is `invite` (an over-invite of a client), `member` or `order`."""

    account_id: str
    seat_type: str
    count: int
    at: float
    by: str
    request: int | None = None  # number of the request in the log
    emails: list[str] = field(default_factory=list)
    login: str | None = None

    @property
    def is_ours(self) -> bool:
        """Whether a client bought them, by inviting more people than seats were free."""
        return self.by == "invite"

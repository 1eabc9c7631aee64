"""A workspace's own books, and somebody who reads them as badly as ChatGPT lets us: the judge of the seat rule.

Written from upstream §9, not from the code it judges. `paid = assigned + held + available`; a pending invitation
reserves a seat, and stands inside `held` or not. What is free is known here, and only guessed at by the client.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from teampool.pool.capacity import Capacity, Evidence, Reading, capacity_of, needs_hold_list
from teampool.pool.rows import Lists, Occupant, people_on_hold
from teampool.pool.vacancies import Read, Vacancy, emptied, still_waiting
from teampool.upstream.types import InviteRow, MemberRow, SeatPool, Subscription

START = datetime(2026, 11, 30, 14, 2, tzinfo=UTC)
OWN = "user-own"


def member(user_id: str, seat_type: str = "default", *, gone: bool = False, kept: str = "") -> MemberRow:
    role = "account-owner" if user_id == OWN else "standard-user"
    return MemberRow(user_id, f"{user_id}@x.co", role, seat_type, "", None, START if gone else None, kept)


def invite(user_id: str, seat_type: str = "default", status: str = "2", number: int = 0) -> InviteRow:
    return InviteRow(f"invite-{user_id}-{number}", f"{user_id}@x.co", "standard-user", seat_type, None, status)


def a_subscription(
    *pools: SeatPool, entitled: int | None = None, assigned: dict[str, int | None] | None = None
) -> Subscription:
    total = sum(pool.paid or 0 for pool in pools) if entitled is None else entitled
    return Subscription(total or None, None, None, None, pools, bool(pools), assigned or {})


@dataclass
class Books:
    """What is true at ChatGPT, minute by minute."""

    paid: int
    own: int = 1
    pending_in_held: bool = False
    premium_paid: int = 0
    minute: int = 0
    members: dict[str, int] = field(default_factory=dict)  # since when the list shows them
    premium: set[str] = field(default_factory=set)
    pending: dict[str, int] = field(default_factory=dict)  # since when the list shows them
    kept: set[str] = field(default_factory=set)
    shown_until: dict[str, int] = field(default_factory=dict)  # gone, and listed a while longer
    numbers: dict[str, int] = field(default_factory=dict)  # how often each was invited
    past: list[tuple[int, int, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.note()

    @property
    def now(self) -> datetime:
        return START + timedelta(minutes=self.minute)

    @property
    def free(self) -> int:
        return self.paid - self.own - len(self.members) - len(self.kept) - len(self.pending)

    def note(self) -> None:
        """Keep what each number is from this minute on; a late answer is one of these."""
        invited = len(self.pending) if self.pending_in_held else 0
        held = len(self.kept) + invited
        available = self.paid - self.own - len(self.members) - held
        self.past.append((self.minute, held, max(0, available), len(self.kept)))

    def late(self, minutes: int) -> tuple[int, int, int]:
        """`held`, `available` and the length of the hold list as they were some minutes ago."""
        then = [entry for entry in self.past if entry[0] <= self.minute - minutes]
        return (then or self.past)[-1 if then else 0][1:]

    def make_room(self) -> None:
        """Whoever else lets somebody in where nothing is free buys the seat."""
        if self.free <= 0:
            self.paid += 1

    def invite(self, person: str, *, shown_after: int = 0) -> None:
        self.pending[person] = self.minute + shown_after
        self.numbers[person] = self.numbers.get(person, 0) + 1

    def accept(self, person: str, *, shown_after: int = 0) -> None:
        del self.pending[person]
        self.members[person] = self.minute + shown_after

    def leave(self, person: str, *, is_kept: bool, shown_for: int = 0) -> None:
        del self.members[person]
        if is_kept:
            self.kept.add(person)
        if shown_for:
            self.shown_until[person] = self.minute + shown_for

    def lists(self) -> Lists:
        shown = {one for one, since in self.members.items() if since <= self.minute}
        shown |= {one for one, until in self.shown_until.items() if until > self.minute}
        own = member(OWN, "default" if self.own else "usage_based")
        rows = [own, *(member(one) for one in sorted(shown)), *(member(one, "prolite") for one in sorted(self.premium))]
        rows += [member(one, gone=True) for one in sorted(self.kept) if one not in shown | self.premium]
        invites = [
            invite(one, number=self.numbers[one]) for one, since in sorted(self.pending.items()) if since <= self.minute
        ]
        return Lists(tuple(rows), tuple(invites), OWN)

    def subscription(self, *, held_late: int = 0, available_late: int = 0) -> Subscription:
        held, available = self.late(held_late)[0], self.late(available_late)[1]
        pools = [SeatPool("default", self.paid, held, available)]
        if self.premium_paid:
            pools.append(SeatPool("prolite", self.premium_paid, 0, self.premium_paid - len(self.premium)))
        return a_subscription(*pools)

    def hold_list(self, *, minutes_late: int = 0) -> list[MemberRow]:
        return [member(f"user-kept{n}", gone=True, kept="default") for n in range(self.late(minutes_late)[2])]


@dataclass
class Client:
    """What the product keeps between reads. Each guard can be switched off, to show what it is for."""

    books: Books
    waits: bool = True
    counts_from_last_seen: bool = False
    trusts_vanished_invites: bool = False
    kept: Reading | None = None
    before: frozenset[Occupant] = frozenset()
    last_read_at: datetime = START
    vacancies: tuple[Vacancy, ...] = ()
    live: set[str] = field(default_factory=set)  # ours, that no list has shown yet
    withdrawn: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    capacity: Capacity | None = None
    free: int = 0

    def invite(self, person: str, *, shown_after: int) -> None:
        self.books.invite(person, shown_after=shown_after)
        self.live.add(person)
        self.free -= 1

    def withdraw(self, person: str) -> None:
        """Answered 2xx: it was pending."""
        self.withdrawn.add(f"invite-{person}-{self.books.numbers[person]}")
        self.live.discard(person)
        del self.books.pending[person]

    def read(
        self,
        *,
        with_seats: bool = True,
        with_hold_list: bool = True,
        held_late: int = 0,
        available_late: int = 0,
        hold_list_late: int = 0,
    ) -> None:
        books, now, lists = self.books, self.books.now, self.books.lists()
        seats = None
        if with_seats:
            seats = books.subscription(held_late=held_late, available_late=available_late)
        occupants = lists.occupants
        gone = emptied(
            before=self.before,
            after=occupants,
            withdrawn={one.upstream_id for one in self.before if one.kind == "invite"}
            if self.trusts_vanished_invites
            else self.withdrawn,
            gone_by=self.last_read_at if self.counts_from_last_seen else now,
        )
        read = Read(began=now, has_number=with_seats, was_ever_read=with_seats or self.kept is not None)
        self.vacancies = still_waiting((*self.vacancies, *gone), read) if self.waits else ()
        self.seen = {one.email.removesuffix("@x.co") for one in occupants}
        self.live -= self.seen
        on_hold = None
        if with_hold_list and needs_hold_list(seats, lists=lists, in_flight=len(self.live)):
            on_hold = people_on_hold(books.hold_list(minutes_late=hold_list_late), is_complete=True)
        self.capacity = capacity_of(
            Evidence(
                now=now,
                read_at=now,
                lists=lists,
                subscription=seats,
                is_codex_only=False,
                on_hold=on_hold,
                in_flight=len(self.live),
                waiting=len(self.vacancies),
                kept=self.kept,
            )
        )
        self.kept = self.capacity.reading
        self.before, self.last_read_at = occupants, now
        self.free = self.capacity.free(taken=lists.taken, in_flight=len(self.live), waiting=len(self.vacancies))

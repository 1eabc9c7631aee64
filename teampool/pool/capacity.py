"""How many places a Team has besides its own row, and how that is known (design §3, upstream §9 "Places"). Pure.

Standard seats only. A number too high is a card charge, so whatever is unclear gives the lower number. Where the rule
leaves a choice, the safe one is taken:

* Lines 3 and 4 need the account check's features: a Codex-only workspace may answer `/subscriptions` like one without.
* A pool `default` that stands there twice is unreadable; so is one whose `held` is no number without an `available`.
* A paid type nobody has heard of, among `assigned`, makes `seats_entitled` as unclear as Premium does.
* A kept number follows the own row when that moves into a standard seat, and never back before the next read.
* A cap stands in for a stale number only if it was set after the number went stale. Set before, it was meant as a
  bound on a number that was known: the lower of the two goes on counting.
* A cap older than 0.3 (without `cap_set_at`) may have been a bound too: it stands in for line 4, not for a number that
  was not read.

Known limit: line 3 sees neither seats kept after a removal nor Premium seats that nobody sits in.
Seats that are taken away without a trace in the lists, as by a renewal, are seen by the next read, not before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from teampool.known import GOOD_FOR, Known, is_stale
from teampool.pool.rows import Lists
from teampool.upstream.types import AUTOMATION, CODEX, PREMIUM, STANDARD, SeatPool, Subscription

REFUSALS_APART = timedelta(minutes=10)
_NOT_PAID_AS_SEATS = frozenset({STANDARD, CODEX, AUTOMATION})


@dataclass(frozen=True, slots=True)
class Reading:
    """What one read of the seats said, before any cap: stored, and kept until the next read that says a number.

    `held` and `available` are as they were used, pending invitations told apart; None leaves the term with it out.
    `members` sat in standard seats besides the own row, in the lists read with it.
    """

    known: Known
    bought: int
    own: int
    held: int | None
    members: int
    available: int | None
    premium: int
    read_at: datetime

    @property
    def bought_term(self) -> int | None:
        return None if self.held is None else self.bought - self.held - self.own

    @property
    def people_term(self) -> int | None:
        return None if self.available is None else self.members + self.available

    @property
    def places(self) -> int:
        """The lower of both terms, never below 0; 0 without any."""
        return max(0, min((term for term in (self.bought_term, self.people_term) if term is not None), default=0))

    def with_own(self, own: int) -> Reading:
        """The same number after the own row moved into a standard seat, which it took from those that were there."""
        more = max(0, own - self.own)
        return replace(self, own=self.own + more, available=None if self.available is None else self.available - more)


@dataclass(frozen=True, slots=True)
class Refusals:
    """The first and the last definite no of `/subscriptions`: 401 without a token code, or 404.

    Forgotten by the caller as soon as `/subscriptions` answers at all.
    """

    first_at: datetime
    last_at: datetime
    status: int

    @property
    def is_definite(self) -> bool:
        return self.last_at - self.first_at >= REFUSALS_APART


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that one complete snapshot and the stored Team say about the seats.

    `read_at`: when the snapshot began. `subscription`: None when it could not be read. `on_hold`: people on the hold
    list, None when it was not read or could not be. `in_flight`: our invitations that no list shows yet.
    `waiting`: places that emptied and that no settled read has shown yet, without those this read settles.
    `is_codex_only`: None while no account check showed the features. `kept`: the last reading. `assumed`: the
    default cap.
    """

    now: datetime
    read_at: datetime
    lists: Lists
    subscription: Subscription | None
    is_codex_only: bool | None
    on_hold: int | None = None
    in_flight: int = 0
    waiting: int = 0
    refusals: Refusals | None = None
    kept: Reading | None = None
    cap: int | None = None
    cap_set_at: datetime | None = None
    assumed: int = 4


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many places there are, how that is known and since when, with all that explains the number.

    `since`: when the number was read. `seats_bought`: bought without the own seat, for over-full alone; None while it
    is not known. `reading`: to be stored as the kept one. `cap`: the operator's. `read_now`: this snapshot said the
    number.
    """

    places: int
    known: Known
    since: datetime | None
    seats_bought: int | None
    reading: Reading | None
    own: int
    cap: int | None = None
    is_codex_only: bool = False
    refusals: Refusals | None = None
    read_now: bool = False

    @property
    def is_capped(self) -> bool:
        """True when the operator's cap is below what was read."""
        return self.known is Known.CAP and self.reading is not None and self.places < self.reading.places

    def free(self, *, taken: int, in_flight: int = 0, waiting: int = 0) -> int:
        """Places for new people: without rows that take one, our seats that no list shows yet, places still waiting."""
        return max(0, self.places - taken - in_flight - waiting)

    def is_over_full(self, taken: int) -> bool:
        """More people than were bought. Fewer places than people because seats are held or a number is stale is not."""
        return self.seats_bought is not None and taken > self.seats_bought


def needs_hold_list(subscription: Subscription | None, *, lists: Lists, in_flight: int) -> bool:
    """True where `held` may be pending invitations rather than seats kept for removed people."""
    pool = subscription.pool(STANDARD) if subscription else None
    return bool(pool and pool.held) and (bool(lists.standard_invites) or in_flight > 0)


def capacity_of(evidence: Evidence) -> Capacity:
    """The first line of upstream §9 that applies, under the operator's cap."""
    read = _read_pools(evidence)
    if read is None and evidence.is_codex_only:
        return _codex_only(evidence)
    read = read or _read_entitled(evidence)
    if read is not None:
        return replace(_from(read, evidence), read_now=True)
    own = evidence.lists.own
    if evidence.kept is not None:
        return _from(evidence.kept.with_own(own), evidence)
    will_never_say = _will_never_say(evidence)
    if evidence.cap is not None and (evidence.cap_set_at is not None or will_never_say):
        return Capacity(evidence.cap, Known.CAP, None, None, None, own, evidence.cap, refusals=evidence.refusals)
    if will_never_say:
        return Capacity(evidence.assumed, Known.ASSUMED, None, None, None, own, refusals=evidence.refusals)
    return Capacity(0, Known.UNREAD, None, None, None, own, refusals=evidence.refusals)


def _read_pools(evidence: Evidence) -> Reading | None:
    """Line 1."""
    pool = evidence.subscription.pool(STANDARD) if evidence.subscription else None
    if evidence.subscription is None or pool is None or pool.paid is None:
        return None
    if pool.held is None and pool.available is None:
        return None
    held, available = _held_and_available(pool, evidence)
    premium = evidence.subscription.pool(PREMIUM)
    return Reading(
        known=Known.POOLS,
        bought=pool.paid,
        own=evidence.lists.own,
        held=held,
        members=len(evidence.lists.standard_members),
        available=available,
        premium=(premium.paid if premium else None) or 0,
        read_at=evidence.read_at,
    )


def _held_and_available(pool: SeatPool, evidence: Evidence) -> tuple[int | None, int | None]:
    """Both numbers, with pending invitations moved from `held` to `available` as far as the hold list proves them."""
    held, available = pool.held, pool.available
    on_hold = evidence.on_hold
    if held is None or on_hold is None:
        return held, available
    if not needs_hold_list(evidence.subscription, lists=evidence.lists, in_flight=evidence.in_flight):
        return held, available
    invited = len(evidence.lists.standard_invites) + evidence.in_flight
    kept_for_people = max(on_hold, held - invited, evidence.waiting)
    return kept_for_people, None if available is None else available + held - kept_for_people


def _read_entitled(evidence: Evidence) -> Reading | None:
    """Line 3: the sum over all types, only where nothing but standard seats can be in it."""
    seats = evidence.subscription
    if seats is None or seats.has_pools or seats.seats_entitled is None or evidence.is_codex_only is not False:
        return None
    if evidence.lists.has_premium or seats.assigned is None:
        return None
    if any(count != 0 for kind, count in seats.assigned.items() if kind not in _NOT_PAID_AS_SEATS):
        return None
    return Reading(
        known=Known.ENTITLED,
        bought=seats.seats_entitled,
        own=evidence.lists.own,
        held=0,
        members=len(evidence.lists.standard_members),
        available=None,
        premium=0,
        read_at=evidence.read_at,
    )


def _codex_only(evidence: Evidence) -> Capacity:
    """Line 2: a known zero. The kept number stays kept, for the day the workspace is upgraded."""
    since = evidence.read_at if evidence.subscription else None
    own = evidence.lists.own
    return Capacity(0, Known.POOLS, since, None, evidence.kept, own, evidence.cap, is_codex_only=True)


def _from(reading: Reading, evidence: Evidence) -> Capacity:
    """What a reading is worth by now, under the cap."""
    cap, cap_set_at, now = evidence.cap, evidence.cap_set_at, evidence.now
    own = evidence.lists.own
    if now - reading.read_at > GOOD_FOR:
        if cap is None or is_stale(read_at=reading.read_at, cap_set_at=cap_set_at, now=now):
            return Capacity(0, Known.STALE, reading.read_at, None, reading, own, cap)
        if cap_set_at is not None and cap_set_at > reading.read_at + GOOD_FOR:
            return Capacity(cap, Known.CAP, reading.read_at, None, reading, own, cap)
        bought = None
    else:
        bought = max(0, reading.bought - own)  # an owner in a workspace without seats is no people too many
    if cap is not None and cap < reading.places:
        return Capacity(cap, Known.CAP, reading.read_at, bought, reading, own, cap)
    return Capacity(reading.places, reading.known, reading.read_at, bought, reading, own, cap)


def _will_never_say(evidence: Evidence) -> bool:
    """Line 4: a definite no twice, nothing ever read, and nothing that speaks of other seats."""
    if evidence.subscription is not None or evidence.refusals is None or evidence.is_codex_only is not False:
        return False
    return evidence.refusals.is_definite and not evidence.lists.has_premium

"""Decides who should not be in a Team, and which seat's person is missing. Pure: lists and rights in, findings out.

Doubt never makes a finding. Never found: owners, admins, the users of our log-ins, the baseline, allowed people, people
with a live seat in this Team that has not ended, people with an open redemption, and rows with a hidden e-mail. Absence
counts only in complete lists, and only while no hidden row may be the person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from guardian.rules.states import NEEDS_CARE, Kind
from guardian.settings import Policy
from invites import matching
from invites.matching import Listed
from teampool.pool.rows import is_standard
from teampool.upstream.types import MANAGER_ROLES

# Why a Team's list is not judged.
OWN_USER_MISSING = "own_user_missing"
NOBODY_KNOWN = "nobody_known"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a complete list. `email` is normalised; "" when ChatGPT hides it."""

    upstream_id: str
    email: str
    is_invite: bool = False
    role: str = "standard-user"
    seat_type: str = ""
    is_deactivated: bool = False


@dataclass(frozen=True, slots=True)
class Seat:
    """A live seat of ours. `is_confirmed`: the person was listed in that Team."""

    id: int
    team_id: int
    email: str
    upstream_user_id: str = ""
    is_confirmed: bool = False
    was_sent: bool = True
    ends_at: datetime | None = None
    absent_since: datetime | None = None

    def is_overdue(self, now: datetime) -> bool:
        return self.ends_at is not None and self.ends_at <= now


@dataclass(frozen=True, slots=True)
class TeamView:
    """A Team: its last complete list, our live seats there, and who may be there without a seat."""

    id: int
    own_id: str
    own_email: str
    rows: Sequence[Row]
    seats: Sequence[Seat] = ()
    allowed_emails: frozenset[str] = frozenset()
    allowed_ids: frozenset[str] = frozenset()

    def is_own(self, row: Row) -> bool:
        is_own = matching.is_any_of(row.upstream_id, row.email, ids=[self.own_id], emails=[self.own_email])
        return is_own and not row.is_invite

    def may_stay(self, row: Row) -> bool:
        return matching.is_any_of(row.upstream_id, row.email, ids=self.allowed_ids, emails=self.allowed_emails)


@dataclass(frozen=True, slots=True)
class Pool:
    """What all Teams share: live seats, and e-mails with an open redemption."""

    seats: Listed[Seat] = field(default_factory=lambda: Listed(()))
    under_way: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """A finding of one sweep. `upstream_id` is "" for a seat whose person is not listed."""

    kind: Kind
    team_id: int
    email: str
    upstream_id: str = ""
    is_invite: bool = False
    seat_id: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


def why_not_judged(team: TeamView, now: datetime) -> str:
    """Why this list proves nothing; "" when it may be judged.

    The log-in's own user must be in it. A list with none of the people we know and several we do not know is another
    Team's. `stored_snapshot.why_untrusted` and `evidence.twins` look for the same in other
    ways.
    """
    if not any(team.is_own(row) for row in team.rows):
        return OWN_USER_MISSING
    known = sum(1 for seat in team.seats if seat.is_confirmed)
    seated = _seated(team)
    people = [row for row in team.rows if _counts(team, row)]
    unknown = sum(1 for row in people if not team.may_stay(row) and row.upstream_id not in seated.by_row)
    if known >= 2 and unknown >= 2 and not seated.by_seat:
        return NOBODY_KNOWN
    return ""


def judge(team: TeamView, pool: Pool, now: datetime) -> list[Found]:
    """Everybody who should not be in this Team, and every confirmed seat whose person is not."""
    if why_not_judged(team, now):
        return []
    seated = _seated(team)
    found = [_over(seat, seated.by_seat.get(seat.id), now) for seat in team.seats if _has_to_end(seat, seated, now)]
    members = {row.email for row in team.rows if row.email and not row.is_invite}
    for row in team.rows:
        if not row.email or not _may_be_found(team, row) or row.upstream_id in seated.by_row or team.may_stay(row):
            continue
        # An accepted invite stays listed for a while: judge the person as the member. While a member's e-mail is
        # hidden, any invite may be that member's.
        if row.is_invite and (row.email in members or seated.hides_someone):
            continue
        kind = _kind_of(row, team, pool) if is_standard(row.seat_type) else Kind.OTHER_SEAT
        if kind is not None:
            known = {"role": row.role} | ({"seat_type": row.seat_type} if kind is Kind.OTHER_SEAT else {})
            found.append(Found(kind, team.id, row.email, row.upstream_id, row.is_invite, evidence=known))
    found += [
        Found(Kind.VANISHED, team.id, seat.email, seat_id=seat.id, evidence={"absent_since": _iso(seat.absent_since)})
        for seat in team.seats
        if seat.is_confirmed
        and seat.absent_since is not None
        and seat.id not in seated.by_seat
        and not seated.hides_someone
        and not seat.is_overdue(now)
    ]
    return found


@dataclass(frozen=True, slots=True)
class _Seated:
    by_seat: dict[int, Row]
    by_row: set[str]
    hides_someone: bool


def _seated(team: TeamView) -> _Seated:
    """Match rows to seats. `by_row` also has further rows of a seat's person, such as an accepted invite."""
    seats = matching.known(team.seats)
    rows = sorted(team.rows, key=lambda row: row.is_invite)  # members first
    by_seat = {seat.id: row for row, seat in seats.pair(rows) if seat is not None}
    by_row = {row.upstream_id for row in rows if seats.of(row.upstream_id, row.email) is not None}
    nameless = (row for row in rows if not row.email and row.upstream_id not in by_row)
    return _Seated(by_seat, by_row, any(not team.is_own(row) and not team.may_stay(row) for row in nameless))


def hides_someone(team: TeamView) -> bool:
    """True when a row without an e-mail may be anybody."""
    return _seated(team).hides_someone


def _counts(team: TeamView, row: Row) -> bool:
    """True for a row that a removal could ever be about."""
    return _may_be_found(team, row) and is_standard(row.seat_type)


def _may_be_found(team: TeamView, row: Row) -> bool:
    return row.role not in MANAGER_ROLES and not row.is_deactivated and not team.is_own(row)


def _has_to_end(seat: Seat, seated: _Seated, now: datetime) -> bool:
    if not seat.is_overdue(now) or not seat.was_sent:
        return False
    row = seated.by_seat.get(seat.id)
    # The person is gone, has not accepted, or hides their e-mail: the invitation is revoked and the seat ends; a person
    # whom no list names is never removed.
    # A seat whose person is in a seat of another kind ends in `follow`, and they stay.
    return row is None or row.is_invite or (row.role not in MANAGER_ROLES and is_standard(row.seat_type))


def _over(seat: Seat, row: Row | None, now: datetime) -> Found:
    return Found(
        Kind.OVERDUE,
        seat.team_id,
        seat.email,
        row.upstream_id if row else "",
        bool(row and row.is_invite),
        seat_id=seat.id,
        evidence={"ends_at": _iso(seat.ends_at)},
    )


def _kind_of(row: Row, team: TeamView, pool: Pool) -> Kind | None:
    """Stranger, duplicate, or None for a person whose redemption is open."""
    user_id = "" if row.is_invite else row.upstream_id
    seats = [seat for seat in pool.seats.all_of(user_id, row.email) if seat.team_id != team.id]
    if any(seat.is_confirmed for seat in seats):
        return Kind.DUPLICATE
    if seats or row.email in pool.under_way:
        return None
    return Kind.STRANGER


def _iso(at: datetime | None) -> str:
    return at.isoformat() if at else ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A standing finding this sweep may act on. `is_approved`: an operator approved the removal.

    `is_member`: a list shows a member, whose removal ChatGPT counts; not an invitation, nor an empty seat.
    """

    id: int
    kind: Kind
    team_id: int
    first_seen_at: datetime
    sightings: int
    is_approved: bool = False
    is_member: bool = True


@dataclass(frozen=True, slots=True)
class Choice:
    """`go`: removed by this sweep, in this order. `held`: too many at once, so an operator decides.

    `ready`: the number of ripe strangers and duplicates, those held earlier included. `spent`: members whose Team has
    had its removals of 72 hours; of the strangers and duplicates among them an operator decides, too.
    """

    go: list[int]
    held: list[int]
    ready: int
    spent: list[int] = field(default_factory=list)


def is_ripe(one: Candidate, policy: Policy, now: datetime) -> bool:
    """Seen often and long enough. An overdue seat needs neither: we know ourselves that its time is over."""
    if one.is_approved or one.kind is Kind.OVERDUE:
        return True
    if one.kind not in NEEDS_CARE or not policy.enforces:
        return False
    return one.sightings >= policy.sightings and now - one.first_seen_at >= policy.grace


def choose(
    candidates: Iterable[Candidate],
    policy: Policy,
    now: datetime,
    *,
    waiting: Mapping[int, int] | None = None,
    already: Mapping[int, int] | None = None,
    lately: Mapping[int, int] | None = None,
) -> Choice:
    """Choose whom this sweep removes; `already` counts by Team those it removed before it was interrupted.

    At most `max_per_sweep` overdue seats end in a sweep, and `max_per_team` in a Team; the rest wait for the next
    sweep. If more strangers and duplicates are ripe than these limits allow, remove none and hold all for an operator.
    `waiting` counts by Team the findings held earlier: they count towards the limits. `lately` counts by Team the
    removals of 72 hours: members beyond `max_per_72h` are `spent`. What an operator approved goes whatever the numbers.
    """
    ripe = sorted((one for one in candidates if is_ripe(one, policy, now)), key=lambda one: (one.first_seen_at, one.id))
    approved = [one for one in ripe if one.is_approved]
    care = [one for one in ripe if not one.is_approved and one.kind in NEEDS_CARE]
    over = [one for one in ripe if not one.is_approved and one.kind is Kind.OVERDUE]
    crowd = Counter(waiting) + Counter(one.team_id for one in care)
    is_crowd = crowd.total() > policy.max_per_sweep
    held = [one for one in care if is_crowd or crowd[one.team_id] > policy.max_per_team]
    go, spent = [one.id for one in approved], []
    taken, counted = Counter(already), Counter(lately)
    room = max(0, policy.max_per_sweep - taken.total())

    def take(one: Candidate, *, is_spent: bool) -> None:
        nonlocal room
        if one.is_member and is_spent:
            spent.append(one.id)
        elif room and taken[one.team_id] < policy.max_per_team:
            go.append(one.id)
            taken[one.team_id] += 1
            counted[one.team_id] += one.is_member
            room -= 1

    for one in over:
        take(one, is_spent=counted[one.team_id] >= policy.max_per_72h)
    ahead = counted + Counter(waiting) + Counter(one.team_id for one in care if one.is_member)
    for one in care:
        if one not in held:
            take(one, is_spent=ahead[one.team_id] > policy.max_per_72h)
    return Choice(go=go, held=[one.id for one in held], ready=crowd.total(), spent=spent)

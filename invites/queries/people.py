"""Who is in a Team and by what right: the last snapshot and our live seats. Reads only, five queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites import matching
from invites.matching import Listed
from invites.models import Departure, Redemption, SeatGrant
from invites.states import DepartureState, GrantState
from teampool.models import AllowedMember, Member, Owner, Team, Vacancy
from teampool.pool.rows import is_standard
from teampool.upstream.types import MANAGER_ROLES


class Standing(Enum):
    """By what right a person is in a Team, in the order of the page."""

    OWNER = "owner"
    ADMIN = "admin"
    STRANGER = "stranger"
    HIDDEN = "hidden"
    SEAT = "seat"
    BASELINE = "baseline"
    ALLOWED = "allowed"
    HELD = "held"


LOOKS = {
    Standing.OWNER: (_("Owner"), "info", "key"),
    Standing.ADMIN: (_("Admin"), "info", "shield_person"),
    Standing.STRANGER: (_("Stranger"), "danger", "person_alert"),
    # ChatGPT hides the e-mail: this may be any of the people below.
    Standing.HIDDEN: (_("Hidden"), "warning", "visibility_off"),
    Standing.SEAT: (pgettext_lazy("standing", "Seat"), "success", "event_seat"),
    Standing.BASELINE: (_("Baseline"), "default", "how_to_reg"),
    Standing.ALLOWED: (_("Allowed"), "default", "verified_user"),
    # Gone, but ChatGPT may keep the seat: its place waits for a read of the seats.
    Standing.HELD: (_("Seat held"), "warning", "hourglass_top"),
}
STATES = {
    GrantState.RESERVED: _("Being arranged"),
    GrantState.INVITING: _("Being invited"),
    GrantState.INVITED: _("Invited, not listed yet"),
    GrantState.VERIFIED: _("Waiting"),
    GrantState.JOINED: _("Joined"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """A line of the page. `email` is "" when hidden; `redemption` is the claim behind the seat.

    `member_id`: the row of the last snapshot, None for a seat it does not show. `leaving`: the open departure.
    `vacancy_id`: the place they left that waits for a read of the seats; they are not in the Team any more.
    """

    email: str
    name: str
    standing: Standing
    state: str
    since: datetime | None
    takes_seat: bool = True
    redemption: Redemption | None = None
    member_id: int | None = None
    leaving: Departure | None = None
    is_in_other_seat: bool = False
    vacancy_id: int | None = None

    @property
    def look(self) -> tuple[Any, str, str]:
        """The word, tone and icon of the person's badge."""
        return LOOKS[self.standing]

    @property
    def is_protected(self) -> bool:
        """True for owners and admins, and for people in a seat of another kind: nobody removes those."""
        is_left_there = self.is_in_other_seat and self.redemption is None
        return is_left_there or self.standing in (Standing.OWNER, Standing.ADMIN)


@dataclass(frozen=True, slots=True)
class Seating:
    """The people, how many of our seats have joined or wait, and how many places wait for a read of the seats."""

    people: list[Person]
    joined: int
    waiting: int
    held_back: int


def seating(team: Team) -> Seating:
    """Everybody in the last snapshot, once, and our seats that it does not show."""
    grants = list(SeatGrant.objects.live().filter(team=team).select_related("redemption__code").order_by("pk"))
    rows = list(team.members.order_by("kind", "email", "upstream_id"))
    allowed = matching.known(AllowedMember.objects.filter(Q(team=team) | Q(team=None)))
    leaving = matching.leaving(Departure.objects.filter(team=team, state=DepartureState.OPEN))
    present = {row.email for row in rows if row.email and row.kind == Member.Kind.MEMBER}
    # Members first: an accepted invite may still be listed for the same person.
    rows.sort(key=lambda row: row.kind != Member.Kind.MEMBER)
    seated = matching.known(grants).pair(
        row for row in rows if row.kind == Member.Kind.MEMBER or row.email not in present
    )
    people = [_person(row, team.owner, grant, allowed, leaving) for row, grant in seated]
    listed = {grant for _row, grant in seated}
    people += [_unlisted(grant, leaving) for grant in grants if grant not in listed]
    vacated = [_vacated(place) for place in Vacancy.objects.waiting().filter(team=team).order_by("pk")]
    people += vacated
    order = list(Standing)
    people.sort(key=lambda person: (order.index(person.standing), person.email))
    joined = sum(1 for grant in grants if grant.state == GrantState.JOINED)
    return Seating(people, joined, len(grants) - joined, len(vacated))


def _person(
    row: Member, owner: Owner, grant: SeatGrant | None, allowed: Listed[AllowedMember], leaving: Listed[Departure]
) -> Person:
    is_member = row.kind == Member.Kind.MEMBER
    email = row.email or (grant.email if grant is not None else "")
    return Person(
        email=email,
        name=row.name,
        standing=standing_of(row, owner, grant, allowed),
        state=str(_("Deactivated") if row.deactivated_at else _("Joined") if is_member else _("Waiting")),
        since=row.joined_at if is_member else None,  # for an invite, `joined_at` is when it was sent
        takes_seat=is_standard(row.seat_type) and row.deactivated_at is None,
        redemption=grant.redemption if grant is not None else None,
        member_id=row.pk,
        is_in_other_seat=not is_standard(row.seat_type),
        leaving=leaving.of(row.upstream_id, email),
    )


def standing_of(row: Member, owner: Owner, grant: SeatGrant | None, allowed: Listed[AllowedMember]) -> Standing:
    """By what right this row is there. `grant`: its live seat; `allowed`: the Team's permissions."""
    if matching.is_any_of(row.upstream_id, row.email, ids=[owner.upstream_user_id], emails=[owner.email]):
        return Standing.OWNER
    if row.role in MANAGER_ROLES:
        return Standing.ADMIN
    if grant is not None:
        return Standing.SEAT
    exception = allowed.of(row.upstream_id, row.email)
    if exception is not None:
        return Standing.BASELINE if exception.origin == AllowedMember.Origin.BASELINE else Standing.ALLOWED
    return Standing.STRANGER if row.email else Standing.HIDDEN


def _vacated(place: Vacancy) -> Person:
    return Person(
        email=place.email,
        name="",
        standing=Standing.HELD,
        state=str(_("Gone; ChatGPT may hold the seat, it cannot be given out yet")),
        since=place.gone_by,
        vacancy_id=place.pk,
    )


def _unlisted(grant: SeatGrant, leaving: Listed[Departure]) -> Person:
    return Person(
        email=grant.email,
        name="",
        standing=Standing.SEAT,
        state=str(STATES[GrantState(grant.state)]),
        since=None,
        redemption=grant.redemption,
        leaving=leaving.of("", grant.email),
    )

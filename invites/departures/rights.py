"""Whether somebody who is to leave a Team has meanwhile got a right to stay. Reads only, under the Team's lock."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from invites import matching
from invites.models import Departure, Redemption, SeatGrant
from invites.states import CONFIRMED, DepartureReason, RedemptionState
from teampool.models import AllowedMember, Member
from teampool.snapshot import Person

# Decided about a seat of ours: who is allowed to be there as well leaves it all the same.
BY_HAND = (
    DepartureReason.TAKEN_BACK,
    DepartureReason.WITHDRAWN,
    DepartureReason.RECLAIMED,
    DepartureReason.RESEATED,
)
# Why somebody stays after all, as `Departure.last_problem` holds it; `invites.admin.reasons` says it in words.
SEATED_AGAIN = "has a seat again"
ALLOWED = "was allowed meanwhile"
EXTENDED = "was extended meanwhile"
OTHER_SEAT_UNSURE = "the other seat is not confirmed"
UNDER_WAY = "a redemption is under way"


def why_stay(departure: Departure, now: datetime, person: Person | None = None) -> str:
    """Why this person stays after all, in our words; "" when they are to go.

    `person`: whom a list shows in their place right now, maybe under another address or id than was written down.
    """
    emails = {departure.email} | ({person.email} if person else set()) - {""}
    user_id = person.upstream_id if person and person.kind == Member.Kind.MEMBER else ""
    live = SeatGrant.objects.live().filter(matching.any_of([departure.upstream_user_id, user_id], emails))
    seated = live.filter(team_id=departure.team_id)
    if departure.grant_id is not None:
        seated = seated.exclude(pk=departure.grant_id)
    if seated.exists():
        return SEATED_AGAIN
    if departure.reason not in BY_HAND:
        known_as = {(departure.email, departure.upstream_user_id)} | ({(person.email, user_id)} if person else set())
        # An operator's removal of this person overrides the baseline (taken for everybody present at once), but not an
        # explicit permission.
        counts = departure.is_automatic
        if any(is_allowed(departure.team_id, email, id_, counts_baseline=counts) for email, id_ in known_as):
            return ALLOWED
    if departure.reason == DepartureReason.OVERDUE and not is_over(departure, now):
        return EXTENDED
    if departure.is_automatic and departure.grant_id is None:
        if live.filter(state__in=CONFIRMED).exclude(team_id=departure.team_id).exists():
            return ""
        return _came_through(departure, emails)
    return ""


def is_allowed(team_id: int, email: str, upstream_user_id: str, *, counts_baseline: bool = True) -> bool:
    """True for someone who may be in this Team without a grant: baseline or allowed, here or everywhere.

    Without `counts_baseline` only whom an operator allowed.
    """
    who = matching.any_of([upstream_user_id], [email])
    some = AllowedMember.objects.filter(who, Q(team=None) | Q(team_id=team_id))
    if not counts_baseline:
        some = some.exclude(origin=AllowedMember.Origin.BASELINE)
    return some.exists()


def is_over(departure: Departure, now: datetime) -> bool:
    """Whether the time of the seat it is about is over, as the claim says now."""
    grant = departure.grant
    if grant is None:
        return False
    ends_at = Redemption.objects.values_list("ends_at", flat=True).get(pk=grant.redemption_id)
    return ends_at is not None and ends_at <= now


def _came_through(departure: Departure, emails: set[str]) -> str:
    """A stranger may redeem a code at any moment; a duplicate needs the other seat to be sure of."""
    if departure.reason == DepartureReason.DUPLICATE:
        return OTHER_SEAT_UNSURE
    if Redemption.objects.filter(email__in=emails, state=RedemptionState.OPEN).exists():
        return UNDER_WAY
    return ""

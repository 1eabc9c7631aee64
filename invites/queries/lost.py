"""People with a seat in a lost or archived Team, and removals that failed while the person is still in. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q, QuerySet

from invites import matching
from invites.departures.closing import HIDDEN, NOT_PERMITTED, OTHER_SEAT, PROTECTED
from invites.models import Departure, Redemption, SeatGrant
from invites.states import HOLDS_SEAT, DepartureReason, DepartureState
from teampool.models import AllowedMember, Member, Team, living

# Only Teams that ChatGPT took from us. An operator who archived a Team was shown its people.
LOST = Q(archived_at=None, workspace_state__in=Team.LOST)
# Longer than any wait between tries: by then it was tried several times.
STUCK_AFTER = timedelta(hours=1)
# Older failures are left to the person's history.
KEPT_FOR = timedelta(days=7)


def claims(team_ids: Iterable[int] | None = None) -> QuerySet[Redemption]:
    """Claims with a seat in a lost or archived Team among `team_ids`, oldest first. None: all lost Teams."""
    seats = SeatGrant.objects.live()
    if team_ids is None:
        seats = seats.filter(team__in=Team.objects.filter(LOST))
    else:
        seats = seats.filter(~living("team__"), team_id__in=list(team_ids))
    return Redemption.objects.filter(pk__in=seats.values("redemption")).order_by("pk")


def team_ids_with_people(team_ids: Iterable[int]) -> list[int]:
    """Those of these Teams in which a seat is still held."""
    seats = SeatGrant.objects.filter(team_id__in=list(team_ids), state__in=HOLDS_SEAT)
    return sorted(set(seats.values_list("team_id", flat=True)))


def failed_removals(now: datetime) -> QuerySet[Departure]:
    """Given up this week, or open for an hour with a problem or without proof; in Teams that can be asked.

    Left out: people the last list no longer shows, departures tried again since, and invitations to be reclaimed that
    may have been accepted (nobody wants that person gone).
    """
    present = Member.objects.filter(matching.rows_of_departure(), team=OuterRef("team"))
    later = Departure.objects.filter(team=OuterRef("team"), email=OuterRef("email"), pk__gt=OuterRef("pk"))
    given_up = Q(state=DepartureState.DROPPED, closed_at__gte=now - KEPT_FOR)
    refused = given_up & Q(Exists(present), last_problem__in=[NOT_PERMITTED, OTHER_SEAT, PROTECTED])
    riddle = given_up & Q(Exists(_nameless()), last_problem=HIDDEN) & ~Q(reason=DepartureReason.RECLAIMED)
    stuck = Q(Exists(present), state=DepartureState.OPEN, told_at=None, opened_at__lte=now - STUCK_AFTER)
    unproven = Q(state=DepartureState.OPEN, told_at__lte=now - STUCK_AFTER)
    which = refused | riddle | stuck & ~Q(last_problem="") | unproven
    some = Departure.objects.filter(which, living("team__"))
    return some.filter(~Exists(later)).order_by("opened_at")


def _nameless() -> QuerySet[Member]:
    """Rows without an e-mail in the last list that neither a seat nor a permission explains."""
    seats = SeatGrant.objects.live().filter(matching.of_row(), team=OuterRef("team"))
    allowed = AllowedMember.objects.filter(matching.of_row(), Q(team=OuterRef("team")) | Q(team=None))
    rows = Member.objects.taking_places().filter(~Exists(seats), ~Exists(allowed), team=OuterRef("team"), email="")
    return rows.not_own()

"""Removals that failed while the person is still in, for the first screen. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from invites.departures.closing import HIDDEN, NOT_PERMITTED, PROTECTED
from invites.models import Departure, SeatGrant
from invites.states import DepartureReason, DepartureState
from teampool.models import AllowedMember, Member, living
from teampool.snapshot import USAGE_BASED

# Longer than any wait between tries: by then it was tried several times.
STUCK_AFTER = timedelta(hours=1)
# Older failures are left to the person's history.
KEPT_FOR = timedelta(days=7)


def failed(now: datetime) -> QuerySet[Departure]:
    """Given up this week, or open for an hour with a problem or without proof; in Teams that can be asked.

    Left out: people the last list no longer shows, departures tried again since, and invitations to be reclaimed that
    may have been accepted (nobody wants that person gone).
    """
    shown = Q(email=OuterRef("email")) & ~Q(email="") | Q(upstream_id=OuterRef("upstream_user_id"))
    present = Member.objects.filter(shown | Q(upstream_id=OuterRef("email")), team=OuterRef("team"))
    later = Departure.objects.filter(team=OuterRef("team"), email=OuterRef("email"), pk__gt=OuterRef("pk"))
    given_up = Q(state=DepartureState.DROPPED, closed_at__gte=now - KEPT_FOR)
    refused = given_up & Q(Exists(present), last_problem__in=[NOT_PERMITTED, PROTECTED])
    riddle = given_up & Q(Exists(_nameless()), last_problem=HIDDEN) & ~Q(reason=DepartureReason.RECLAIMED)
    stuck = Q(Exists(present), state=DepartureState.OPEN, told_at=None, opened_at__lte=now - STUCK_AFTER)
    unproven = Q(state=DepartureState.OPEN, told_at__lte=now - STUCK_AFTER)
    which = refused | riddle | stuck & ~Q(last_problem="") | unproven
    some = Departure.objects.filter(which, living("team__"))
    return some.filter(~Exists(later)).order_by(F("opened_at"))


def _nameless() -> QuerySet[Member]:
    """Rows without an e-mail in the last list that neither a seat nor a permission explains."""
    seats = SeatGrant.objects.live().filter(team=OuterRef("team"), upstream_user_id=OuterRef("upstream_id"))
    allowed = AllowedMember.objects.filter(
        Q(team=OuterRef("team")) | Q(team=None), upstream_user_id=OuterRef("upstream_id")
    )
    rows = Member.objects.filter(~Exists(seats), ~Exists(allowed), team=OuterRef("team"), email="", deactivated_at=None)
    return rows.exclude(seat_type=USAGE_BASED).not_own()

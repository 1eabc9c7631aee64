"""Seats whose time is over and whose people are still in, from our own books: known with the guardian off, too."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from base.actors import Actor
from base.bells import ring
from guardian.models import Finding
from guardian.rules.states import Kind, State
from invites.actions.seat import Refused
from invites.departures.carry_out import CARRY_OUT
from invites.departures.opening import open_automatic
from invites.models import Departure, SeatGrant
from invites.settings import REMOVALS_PAUSED
from invites.states import BEFORE_INVITED, DepartureReason, DepartureState
from teampool.models import living

# The guardian, when it is on and awake, needs a few minutes.
LEFT_TO_THE_GUARDIAN = timedelta(minutes=10)


def seats(now: datetime) -> QuerySet[SeatGrant]:
    """Of living Teams; not those on the way out, nor those an operator said to leave be."""
    leaving = Departure.objects.filter(team=OuterRef("team"), email=OuterRef("email"), state=DepartureState.OPEN)
    left_be = Finding.objects.filter(
        team=OuterRef("team"), email=OuterRef("email"), kind=Kind.OVERDUE, state=State.DISMISSED
    )
    over = SeatGrant.objects.live().filter(redemption__ends_at__lte=now - LEFT_TO_THE_GUARDIAN)
    over = over.filter(living("team__")).exclude(state__in=BEFORE_INVITED)
    return over.exclude(Exists(leaving)).exclude(Exists(left_be)).order_by("redemption__ends_at", "pk")


def remove(*, grant_id: int, actor: Actor) -> None:
    """Have the person of this seat leave now. Raises Refused: "paused", "changed", or "stays" when extended."""
    if REMOVALS_PAUSED.get():
        raise Refused("paused")
    now = timezone.now()
    grant = seats(now).select_related("redemption").filter(pk=grant_id).first()
    if grant is None:
        raise Refused
    ends_at = grant.redemption.ends_at
    departure = open_automatic(
        team_id=grant.team_id,
        email=grant.email,
        upstream_user_id=grant.upstream_user_id,
        reason=DepartureReason.OVERDUE,
        grant_id=grant.pk,
        evidence={"approved_by": actor.name, "ends_at": ends_at.isoformat() if ends_at else ""},
        now=now,
        actor=actor,
    )
    if departure is None:
        raise Refused("stays")
    ring(CARRY_OUT, departure.pk)

"""People whose seat has ended and who are still in, from our rows alone: works with the guardian off."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from base.actors import Actor
from guardian.models import Finding
from guardian.rules.states import Kind, State
from invites import bells
from invites.actions.seat import Refused
from invites.departures.opening import open_automatic
from invites.models import Departure, SeatGrant
from invites.settings import REMOVALS_PAUSED
from invites.states import BEFORE_INVITED, DepartureReason, DepartureState
from teampool.models import living

# The guardian, if on, removes them within minutes.
LEFT_TO_THE_GUARDIAN = timedelta(minutes=10)


def seats(now: datetime) -> QuerySet[SeatGrant]:
    """Overdue seats in living Teams, except those being removed and those an operator dismissed."""
    leaving = Departure.objects.filter(team=OuterRef("team"), email=OuterRef("email"), state=DepartureState.OPEN)
    left_be = Finding.objects.filter(
        team=OuterRef("team"), email=OuterRef("email"), kind=Kind.OVERDUE, state=State.DISMISSED
    )
    over = SeatGrant.objects.live().filter(redemption__ends_at__lte=now - LEFT_TO_THE_GUARDIAN)
    over = over.filter(living("team__")).exclude(state__in=BEFORE_INVITED)
    return over.exclude(Exists(leaving)).exclude(Exists(left_be)).order_by("redemption__ends_at", "pk")


def remove(*, grant_id: int, actor: Actor) -> None:
    """Open the removal of this seat's person. Raises Refused: "paused", "changed", or "stays" when it was extended."""
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
    bells.carry_out(departure.pk)

"""People with a seat in a lost or archived Team, who need a seat elsewhere. Reads only."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from invites.models import Redemption, SeatGrant
from invites.states import HOLDS_SEAT
from teampool.models import Team, living

# Only Teams that ChatGPT took from us. An operator who archived a Team was shown its people.
LOST = Q(archived_at=None, workspace_state__in=Team.LOST)


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

"""Teams whose seats were not read for 24 hours: told to operators once, and read again on request."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from base.actors import job
from notifications.audit import events
from teampool.known import GOOD_FOR
from teampool.models import Team, without_number

ACTOR = job("seats")


def places_nobody(now: datetime) -> Q:
    """Teams that take nobody only because their seats were not read for 24 hours, or never since they were opened."""
    is_well = Q(token_state=Team.Token.HEALTHY, workspace_state=Team.Workspace.ACTIVE)
    return without_number(now) & is_well & Q(archived_at=None, opened_at__lte=now - GOOD_FOR)


def does_place_nobody(team: Team, now: datetime) -> bool:
    """The same rule as `places_nobody`, for one Team."""
    is_well = team.token_state == Team.Token.HEALTHY and team.workspace_state == Team.Workspace.ACTIVE
    is_old = team.opened_at is not None and team.opened_at <= now - GOOD_FOR
    return is_well and is_old and team.archived_at is None and team.is_seats_unread(now)


def warn_of_unread(*, now: datetime) -> int:
    """Tell operators of each Team once that its last read is too old, whoever else looks; how many were told of now."""
    untold = Q(seats_warned_for=None) | ~Q(seats_warned_for=F("seats_read_at"))
    stale = Team.objects.filter(places_nobody(now), untold, seats_read_at__isnull=False, is_enabled=True)
    return sum(_tell(team) for team in stale.order_by("pk"))


def _tell(team: Team) -> bool:
    read_at = team.seats_read_at
    if read_at is None:
        return False
    with transaction.atomic():
        mine = Team.objects.filter(pk=team.pk, seats_read_at=read_at, seats_warned_for=team.seats_warned_for)
        if mine.update(seats_warned_for=read_at) != 1:
            return False  # another node was faster, or the seats were read meanwhile
        events.seats_not_read(subject=team.subject, read_at=read_at, actor=ACTOR)
    return True

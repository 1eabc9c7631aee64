"""Places that emptied in a Team whose seats cannot be read any more: an operator says that one is free."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from base.actors import Actor
from notifications.audit import events
from teampool.models import Team, Vacancy
from teampool.pool.vacancies import SETTLED_AFTER
from teampool.teams import changes


def may_be_released(team: Team, gone_by: datetime | None, now: datetime) -> bool:
    """True where the last complete list came without a number of seats, 15 minutes or more after the person left."""
    listed_at, read_at = team.snapshot_started_at, team.seats_read_at
    if gone_by is None or listed_at is None or read_at is None or read_at >= listed_at:
        return False
    return now >= gone_by + SETTLED_AFTER


def release(*, vacancy_id: int, actor: Actor) -> bool:
    """Call a place free, on the operator's word; the next complete list counts it. False when it waits no more."""
    with transaction.atomic(durable=True):
        place = Vacancy.objects.waiting().select_related("team").filter(pk=vacancy_id).first()
        if place is None or Vacancy.objects.waiting().filter(pk=place.pk).update(place_back_at=timezone.now()) != 1:
            return False  # a read of the seats, or another operator, was faster
        events.place_released(subject=place.team.subject, email=place.email, actor=actor)
        changes.want_sync(team_ids=[place.team_id])
    return True

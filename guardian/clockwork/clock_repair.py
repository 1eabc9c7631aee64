"""Repair, in every room, times that were written while the clock ran ahead."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

import invites.clock_repair
import notifications.clock_repair
import teampool.clock_repair
from base import clock_repair
from base.actors import job
from base.clock_repair import Moments
from guardian.models import Finding, Heartbeat, Sweep
from guardian.rules.states import STANDING
from invites.redeeming import throttle
from notifications.audit import events
from notifications.models import AuditEvent

ACTOR = job("clock")
TOLD_EVERY = timedelta(hours=1)


def moments() -> list[Moments]:
    """Of this and all other rooms. Not the self-timed jobs, which are restarted (`timetable.start_beats`)."""
    return [
        Moments(Heartbeat.objects.all(), facts=["at"]),
        Moments(Sweep.objects.filter(finished_at=None), facts=["started_at"]),
        Moments(Finding.objects.filter(state__in=STANDING), facts=["first_seen_at", "last_seen_at"]),
        *invites.clock_repair.moments(),
        *teampool.clock_repair.moments(),
        *notifications.clock_repair.moments(),
    ]


def ran_ahead(now: datetime) -> bool:
    """True when any row holds an impossible time. One query."""
    return clock_repair.is_any_ahead(moments(), now)


def bring_back(now: datetime) -> dict[str, int]:
    """Repair all of them, and record how many rows by table. One query when there are none."""
    tables = moments()
    done = clock_repair.bring_back(tables, now) if clock_repair.is_any_ahead(tables, now) else {}
    if done:
        throttle.forget_ahead(now=now)
        _write_down(done, now)
    return done


def _write_down(done: dict[str, int], now: datetime) -> None:
    # Once an hour: two nodes whose clocks differ would fill the audit.
    written = AuditEvent.objects.filter(
        action="clock_brought_back", at__gt=now - TOLD_EVERY, at__lte=now + clock_repair.SKEW
    )
    if not written.exists():
        with transaction.atomic():
            events.clock_brought_back(rows=done, actor=ACTOR)

"""The one list of what runs by the clock; `up` puts it in place at every start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django_q.models import Schedule

from guardian.clockwork import clock_repair
from guardian.clockwork.self_timed import LOST_AFTER, SelfTimed, seed
from guardian.rules.policy import draw_interval

PREFIX = "seatkeeper: "


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A task the queue's scheduler rings, at most half a minute late."""

    name: str
    task: str
    every: timedelta


SCHEDULED = (
    Scheduled("beats", "guardian.tasks.reseed", timedelta(minutes=1)),
    Scheduled("reconcile", "invites.tasks.reconcile", timedelta(minutes=1)),
    Scheduled("messages", "notifications.tasks.deliver", timedelta(minutes=1)),
    Scheduled("resume imports", "teampool.tasks.resume_imports", timedelta(minutes=1)),
    # Each Team is due every ten minutes; asking every minute spreads the looks out.
    Scheduled("sync", "invites.tasks.sync", timedelta(minutes=1)),
    Scheduled("stock", "teampool.tasks.check_stock", timedelta(minutes=1)),
    Scheduled("subscriptions", "teampool.tasks.warn_of_subscriptions", timedelta(hours=1)),
    Scheduled("keep alive", "teampool.tasks.keep_alive", timedelta(minutes=10)),
    Scheduled("housekeeping", "guardian.tasks.housekeeping", timedelta(days=1)),
)
BEATS = (
    SelfTimed("heartbeat", "guardian.tasks.heartbeat", timedelta(seconds=settings.HEARTBEAT_EVERY)),
    SelfTimed("sweep", "guardian.tasks.sweep", draw_interval),
    SelfTimed("deliver", "invites.tasks.deliver", timedelta(seconds=30)),
)


def put_in_place(now: datetime, scheduled: Sequence[Scheduled] = SCHEDULED) -> None:
    """Make the queue's schedules exactly ours, keep when they are next due, and start the beats."""
    with transaction.atomic(durable=True):
        ours = Schedule.objects.filter(name__startswith=PREFIX)
        ours.exclude(name__in=[PREFIX + job.name for job in scheduled]).delete()
        for job in scheduled:
            _put(job, now)
    start_beats(now, scheduled)


def _put(job: Scheduled, now: datetime) -> None:
    name = PREFIX + job.name
    # The table does not refuse a second row of the same name; update_or_create would stumble over it.
    first = Schedule.objects.filter(name=name).order_by("id").values_list("id", flat=True).first()
    Schedule.objects.filter(name=name).exclude(id=first).delete()
    fields = {
        "func": job.task,
        "schedule_type": Schedule.MINUTES,
        "minutes": int(job.every.total_seconds() // 60),
        "repeats": -1,
        "args": None,
        # Nobody reads the results of these, and every kept one costs the queue a look at all others.
        "kwargs": "q_options={'save': False}",
        "hook": None,
        "cluster": None,
    }
    Schedule.objects.update_or_create(name=name, defaults=fields, create_defaults=fields | {"next_run": now})


def start_beats(now: datetime, scheduled: Sequence[Scheduled] = SCHEDULED) -> None:
    """Start every beat anew: what a worker that is gone had taken along would come back only much later.

    First puts right what a clock that ran ahead left, here and in every room.
    """
    clock_repair.bring_back(now)
    for job in scheduled:
        # A next run further off than one period comes from such a clock; an empty one would never come.
        rows = Schedule.objects.filter(name=PREFIX + job.name).exclude(next_run__lte=now + job.every)
        rows.update(next_run=now)
    seed(BEATS, now)


def watch_the_clock(now: datetime) -> None:
    """Start the beats anew when a clock that ran ahead left anything: what they had queued waits for that time."""
    if clock_repair.ran_ahead(now):
        start_beats(now)


def find_beat(name: str) -> SelfTimed | None:
    return next((beat for beat in BEATS if beat.name == name), None)


def reseed_lost(now: datetime) -> list[str]:
    """Start the beats whose queue row was lost; the names of those."""
    return seed(BEATS, now, lost_before=now - LOST_AFTER)

"""The list of everything that runs by the clock; `up` puts it in place at every start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django_q.models import Schedule

from guardian.clockwork import clock_repair
from guardian.clockwork.self_timed import LOST_AFTER, SelfTimed, seed
from guardian.settings import draw_interval

PREFIX = "seatkeeper: "


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A task that the queue's scheduler rings, up to 30 s late."""

    name: str
    task: str
    every: timedelta


SCHEDULED = (
    Scheduled("beats", "guardian.tasks.reseed", timedelta(minutes=1)),
    Scheduled("reconcile", "invites.tasks.reconcile", timedelta(minutes=1)),
    Scheduled("messages", "notifications.tasks.deliver", timedelta(minutes=1)),
    Scheduled("resume imports", "teampool.tasks.resume_imports", timedelta(minutes=1)),
    # Each Team is due every ten minutes; a run every minute spreads them out.
    Scheduled("sync", "invites.tasks.sync", timedelta(minutes=1)),
    Scheduled("stock", "invites.tasks.check_stock", timedelta(minutes=1)),
    Scheduled("subscriptions", "teampool.tasks.warn_of_subscriptions", timedelta(hours=1)),
    Scheduled("entrances", "teampool.tasks.read_entrances", timedelta(hours=1)),
    Scheduled("keep alive", "teampool.tasks.keep_alive", timedelta(minutes=10)),
    Scheduled("take over", "teampool.tasks.take_over", timedelta(minutes=1)),
    Scheduled("housekeeping", "guardian.tasks.housekeeping", timedelta(days=1)),
)
BEATS = (
    SelfTimed("heartbeat", "guardian.tasks.heartbeat", timedelta(seconds=settings.HEARTBEAT_EVERY)),
    SelfTimed("sweep", "guardian.tasks.sweep", draw_interval),
    SelfTimed("deliver", "invites.tasks.deliver", timedelta(seconds=30)),
)


def put_in_place(now: datetime, scheduled: Sequence[Scheduled] = SCHEDULED) -> None:
    """Make the queue's schedules ours, keeping their next times, and start the self-timed jobs."""
    with transaction.atomic(durable=True):
        ours = Schedule.objects.filter(name__startswith=PREFIX)
        ours.exclude(name__in=[PREFIX + job.name for job in scheduled]).delete()
        for job in scheduled:
            _put(job, now)
    start_beats(now, scheduled)


def _put(job: Scheduled, now: datetime) -> None:
    name = PREFIX + job.name
    # The table may hold two rows of one name, on which update_or_create would fail.
    first = Schedule.objects.filter(name=name).order_by("id").values_list("id", flat=True).first()
    Schedule.objects.filter(name=name).exclude(id=first).delete()
    fields = {
        "func": job.task,
        "schedule_type": Schedule.MINUTES,
        "minutes": int(job.every.total_seconds() // 60),
        "repeats": -1,
        "args": None,
        # Do not store results: nobody reads them, and each stored one slows the queue.
        "kwargs": "q_options={'save': False}",
        "hook": None,
        "cluster": None,
    }
    Schedule.objects.update_or_create(name=name, defaults=fields, create_defaults=fields | {"next_run": now})


def start_beats(now: datetime, scheduled: Sequence[Scheduled] = SCHEDULED) -> None:
    """Start every self-timed job anew: a run that a dead worker had taken would return much later.

    First repairs what a clock that ran ahead wrote, here and in every room.
    """
    clock_repair.bring_back(now)
    for job in scheduled:
        # A next run more than one period ahead was written by such a clock; a schedule without one would never run.
        rows = Schedule.objects.filter(name=PREFIX + job.name).exclude(next_run__lte=now + job.every)
        rows.update(next_run=now)
    seed(BEATS, now)


def watch_the_clock(now: datetime) -> None:
    """When the clock ran ahead, restart the self-timed jobs: their next runs would wait for that wrong time."""
    if clock_repair.ran_ahead(now):
        start_beats(now)


def find_beat(name: str) -> SelfTimed | None:
    return next((beat for beat in BEATS if beat.name == name), None)


def reseed_lost(now: datetime) -> list[str]:
    """Restart the jobs whose queued run was lost; return their names."""
    return seed(BEATS, now, lost_before=now - LOST_AFTER)

"""This room's tasks: the queue calls them by name."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.module_loading import import_string

from guardian import bells
from guardian.clockwork import heartbeats, self_timed, timetable
from guardian.clockwork.housekeeping import prune
from guardian.sweeping.sweep import run_due, run_now

MOMENT = timedelta(seconds=2)


def beat(name: str, number: int) -> None:
    """Run `number` of a self-timed job. Queues the next run first; does nothing when a newer run counts."""
    job = timetable.find_beat(name)
    if job is not None and self_timed.advance(job, number, timezone.now()):
        import_string(job.task)()


def reseed() -> None:
    timetable.reseed_lost(timezone.now())


def heartbeat() -> None:
    now = timezone.now()
    heartbeats.pause_if_stale(now)
    heartbeats.beat(now)
    timetable.watch_the_clock(now)


def housekeeping() -> None:
    prune(timezone.now())


def sweep() -> None:
    """A slice of the regular sweep; rings itself when there is more to do, or no place is free now."""
    if run_due():
        bells.sweep(at=timezone.now() + MOMENT)


def look_only() -> None:
    """The sweep an operator asked for: it only looks."""
    run_now(is_dry=True)

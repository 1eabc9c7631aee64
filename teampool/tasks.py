"""The doors of the background worker into this room."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from base.bells import ring
from teampool import leases
from teampool.imports import jobs
from teampool.imports.worker import LEASE, RUN_IMPORT, waiting_jobs, work
from teampool.login import keep_alive as keepalive
from teampool.pool import stock_alert
from teampool.teams import subscriptions

SLICE = timedelta(seconds=45)
# One bell for each place among the long jobs is enough.
_MOST_BELLS = len(leases.LONG_JOBS)


def run_import(job_id: int) -> None:
    """A slice of this import, if a place among the long jobs is free; then the next one that waits is rung."""
    with leases.slot(ttl=LEASE) as place:
        if place is None:
            return  # whoever has the places rings when done, and the minute's sweep does too
        work(job_id, still_mine=place.renew)
    _ring_waiting()


def resume_imports() -> None:
    """Every minute: imports nobody works on are taken up again, secrets of old failures are wiped."""
    _ring_waiting()
    jobs.forget(now=timezone.now())


def keep_alive() -> None:
    """Every ten minutes: a slice of the access tokens that run out within a day; rung again when time was short."""
    now = timezone.now()
    with leases.slot(ttl=LEASE) as place:
        if place is None:
            return
        keepalive.keep_alive(now=now, until=now + SLICE)
    if timezone.now() >= now + SLICE and keepalive.due_team_ids(timezone.now()):
        ring("teampool.tasks.keep_alive")


def check_stock() -> None:
    """Rung by whatever moves the stock, and every minute."""
    stock_alert.check(timezone.now())


def warn_of_subscriptions() -> None:
    """Every hour: those that end within a week, unrenewed, are told of once."""
    subscriptions.warn_of_ends(now=timezone.now())


def _ring_waiting() -> None:
    for job_id in waiting_jobs(timezone.now())[:_MOST_BELLS]:
        ring(RUN_IMPORT, job_id)

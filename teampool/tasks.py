"""This room's tasks: the queue calls them by name."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from teampool import bells, leases
from teampool.imports import jobs
from teampool.imports.worker import LEASE, waiting_jobs, work
from teampool.login import sign_in
from teampool.login import take_over as take_overs
from teampool.login.keep_alive import due_team_ids, renew_due
from teampool.teams import entrance, subscriptions, unread_seats

SLICE = timedelta(seconds=45)
# More bells than places among the long jobs would be useless.
_MOST_BELLS = len(leases.LONG_JOBS)


def run_import(job_id: int) -> None:
    """Work on this import for a slice, if a place among the long jobs is free; then ring the waiting imports."""
    with leases.slot(ttl=LEASE) as place:
        if place is None:
            return  # the jobs that hold the places ring when done, and so does the sweep
        work(job_id, still_mine=place.renew)
    _ring_waiting()


def resume_imports() -> None:
    """Every minute: continue imports that nobody works on, delete secrets of old failures and old sign-ins."""
    _ring_waiting()
    jobs.forget(now=timezone.now())
    sign_in.forget(now=timezone.now())


def keep_alive() -> None:
    """Every ten minutes: renew due access tokens for a slice; rings itself when some are left."""
    now = timezone.now()
    with leases.slot(ttl=LEASE) as place:
        if place is None:
            return
        renew_due(now=now, until=now + SLICE)
    if timezone.now() >= now + SLICE and due_team_ids(timezone.now()):
        bells.keep_alive()


def take_over() -> None:
    """Every minute: let the next log-in lead where the one in use has ended, for a slice."""
    now = timezone.now()
    if take_overs.is_any(now):
        with leases.slot(ttl=LEASE) as place:
            if place is not None:
                take_overs.settle_pending(now=now, until=now + SLICE)


def read_entrances() -> None:
    """Every hour: read once a day for each Team who else lets people in, for a slice."""
    now = timezone.now()
    with leases.slot(ttl=LEASE) as place:
        if place is not None:
            entrance.read_due(now=now, until=now + SLICE)


def check_stock() -> None:
    """Queue rows of 0.2.0 carry this address: the task stands in `invites` now, which knows the claims that wait."""
    bells.check_stock()


def warn_of_subscriptions() -> None:
    """Every hour: tell operators of subscriptions that end within a week, and of seats not read for 24 hours."""
    now = timezone.now()
    subscriptions.warn_of_ends(now=now)
    unread_seats.warn_of_unread(now=now)


def _ring_waiting() -> None:
    for job_id in waiting_jobs(timezone.now())[:_MOST_BELLS]:
        bells.run_import(job_id)

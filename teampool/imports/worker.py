"""Work on accepted imports: in slices, eight lines at a time; any worker may continue at any moment.

A lease on the job's row says who may touch its lines. A new holder does lines again that it finds `working`: the last
holder died.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, F, Sum
from django.utils import timezone

from base.actors import Actor
from base.threads import closing
from base.work import free
from notifications.audit import events
from teampool.imports.bring_in import bring_in_line, end_line
from teampool.imports.reasons import UNREACHABLE
from teampool.models import FREE_SEATS, ImportJob, ImportLine, Team

SLICE = timedelta(seconds=45)
LEASE = timedelta(seconds=60)
RENEW_EVERY = timedelta(seconds=10)
THREADS = 8
# A line that killed its worker this often fails.
MOST_ATTEMPTS = 3

State = ImportLine.State
OPEN = (State.WAITING, State.WORKING)


def work(job_id: int, *, still_mine: Callable[[], bool] = lambda: True, seconds: float | None = None) -> bool:
    """Bring in lines of this import for one slice of time; True while lines are left for the next worker.

    Does nothing when another process holds the import, or no line is left. `still_mine` is asked every few seconds;
    when it says no, no further line is begun.
    """
    job = ImportJob.objects.filter(pk=job_id, finished_at=None).first()
    lease = _take_lease(job_id) if job is not None else None
    if job is None or lease is None:
        return False
    actor = Actor(job.actor_kind, job.actor, job.ip)
    _take_back(job_id)
    stop, guard = threading.Event(), threading.Lock()
    ends_at = time.monotonic() + (SLICE.total_seconds() if seconds is None else seconds)

    @closing
    def drain() -> None:
        while not stop.is_set() and time.monotonic() < ends_at:
            with guard:
                line = _claim(job_id)
            if line is None:
                return
            bring_in_line(line, actor=actor)

    with ThreadPoolExecutor(THREADS, thread_name_prefix="import") as pool:
        pending = {pool.submit(drain) for _ in range(min(THREADS, job.total))}
        try:
            while pending:
                done, pending = wait(pending, timeout=RENEW_EVERY.total_seconds())
                for future in done:
                    future.result()
                renewed = _renew_lease(job_id, lease) if still_mine() else None
                if renewed is None:
                    stop.set()
                else:
                    lease = renewed
        finally:
            stop.set()
    if _finish(job_id, actor):
        return False
    return ImportJob.objects.filter(pk=job_id, lease_until=lease).update(lease_until=None) == 1


def waiting_jobs(now: datetime) -> list[int]:
    """Unfinished imports nobody works on, longest waiting first."""
    jobs = ImportJob.objects.filter(free(now), finished_at=None).order_by(F("lease_until").asc(nulls_first=True), "pk")
    return list(jobs.values_list("pk", flat=True))


def _take_lease(job_id: int) -> datetime | None:
    now = timezone.now()
    until = now + LEASE
    # 0 rows: another process holds it.
    return until if ImportJob.objects.filter(free(now), pk=job_id).update(lease_until=until) else None


def _renew_lease(job_id: int, lease: datetime) -> datetime | None:
    """The new lease. None: `lease` is no longer in the row, another process took the job."""
    until = timezone.now() + LEASE
    return until if ImportJob.objects.filter(pk=job_id, lease_until=lease).update(lease_until=until) else None


def _take_back(job_id: int) -> None:
    """Under a new lease: lines in state `working` were left by a dead holder; free or fail them."""
    left = ImportLine.objects.filter(job_id=job_id, state=State.WORKING)
    for line in left.filter(attempts__gte=MOST_ATTEMPTS):
        end_line(line, {"state": State.FAILED, "reason": UNREACHABLE, "finished_at": timezone.now()})
    left.filter(attempts__lt=MOST_ATTEMPTS).update(state=State.WAITING)


def _claim(job_id: int) -> ImportLine | None:
    """Claim the next line. `attempts` is raised before the work, so that a death counts too."""
    while True:
        waiting = ImportLine.objects.filter(job_id=job_id, state=State.WAITING, duplicate_of=None)
        line = waiting.order_by("file", "number", "part").first()
        if line is None:
            return None
        mine = ImportLine.objects.filter(pk=line.pk, state=State.WAITING, attempts=line.attempts)
        if mine.update(state=State.WORKING, attempts=F("attempts") + 1):
            line.attempts += 1
            return line


def _finish(job_id: int, actor: Actor) -> bool:
    """Finish the job when no line is open; True when it is finished."""
    if ImportLine.objects.filter(job_id=job_id, state__in=OPEN).exists():
        return False
    with transaction.atomic():
        open_job = ImportJob.objects.filter(pk=job_id, finished_at=None)
        free_seats = _free_seats_brought(job_id)
        if open_job.update(finished_at=timezone.now(), lease_until=None, free_seats=free_seats):
            counted = ImportLine.objects.filter(job_id=job_id).values("state").annotate(n=Count("pk")).order_by("state")
            counts = {row["state"]: row["n"] for row in counted}
            events.import_finished(subject=ImportJob(pk=job_id).subject, counts=counts, actor=actor)
    return True


def _free_seats_brought(job_id: int) -> int:
    """The free seats that the Teams of this import have now."""
    created = ImportLine.objects.filter(job_id=job_id, state=State.CREATED).values_list("teams", flat=True)
    ids = {team["id"] for teams in created for team in teams if team.get("action") == "created"}
    teams = Team.objects.allocatable(timezone.now()).filter(pk__in=ids)
    return teams.aggregate(n=Sum(FREE_SEATS))["n"] or 0

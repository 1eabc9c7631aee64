"""Follow an import by its rows, and start it in this process when no worker does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import connections
from django.utils import timezone

from teampool import leases
from teampool.imports.worker import LEASE, work
from teampool.models import ImportJob, ImportLine

# A running worker has started the import long before.
WORKER_BEGINS_WITHIN = 2.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.02, 0.25
# Rows are committed out of order: look this far back from the newest row seen.
_OVERLAP = timedelta(seconds=30)
GIVES_UP_AFTER = 600.0


def start_here(job_id: int, *, needs_place: bool) -> None:
    """Work on the import in a thread of this process. If the process ends, the sweep gives the import to a worker."""
    threading.Thread(target=_run_here, args=(job_id, needs_place), name=f"import-{job_id}", daemon=True).start()


def _run_here(job_id: int, needs_place: bool) -> None:
    try:
        while _slice(job_id, needs_place):
            pass
    finally:
        connections.close_all()


def _slice(job_id: int, needs_place: bool) -> bool:
    if not needs_place:
        return work(job_id)
    with leases.slot(ttl=LEASE) as place:
        return place is not None and work(job_id, still_mine=place.renew)


def follow(
    job_id: int,
    *,
    patience: float | None = None,
    needs_place: bool = True,
    gives_up_after: float = GIVES_UP_AFTER,
) -> Iterator[ImportLine]:
    """Each finished line once, until the import ends, or nothing happens for `gives_up_after` seconds.

    When nobody works on it for `patience` seconds (default: what a worker needs to start), this process does. Leaving
    the iteration early stops nothing.
    """
    seen: set[int] = set()
    since: datetime | None = None
    watch = _Watch(job_id, WORKER_BEGINS_WITHIN if patience is None else patience, needs_place, gives_up_after)
    while True:
        # Read before the lines: if the import is over now, the lines read next are all.
        is_over = ImportJob.objects.filter(pk=job_id, finished_at__isnull=False).exists()
        lines = ImportLine.objects.filter(job_id=job_id, finished_at__isnull=False)
        lines = lines.select_related("duplicate_of").defer("payload", "duplicate_of__payload")
        if since is not None and not is_over:
            lines = lines.filter(finished_at__gte=since - _OVERLAP)
        news = [line for line in lines.order_by("finished_at", "file", "number", "part") if line.pk not in seen]
        for line in news:
            seen.add(line.pk)
            since = max(since, line.finished_at) if since and line.finished_at else line.finished_at
            yield line
        if is_over or not watch.goes_on(has_news=bool(news)):
            return


class _Watch:
    """Waits between two reads, and starts the work here when nobody else does."""

    def __init__(self, job_id: int, patience: float, needs_place: bool, gives_up_after: float) -> None:
        self.job_id, self.patience, self.needs_place = job_id, patience, needs_place
        self.gives_up_after = gives_up_after
        self.pause = _SHORTEST_PAUSE
        self.last_news = time.monotonic()
        self.free_since: float | None = None

    def goes_on(self, *, has_news: bool) -> bool:
        """Wait a moment; False when nothing has happened for `gives_up_after` seconds."""
        now = time.monotonic()
        if has_news:
            self.last_news, self.pause = now, _SHORTEST_PAUSE
        if now - self.last_news > self.gives_up_after:
            return False
        if ImportJob.objects.filter(pk=self.job_id, lease_until__gt=timezone.now()).exists():
            self.free_since = None
        elif self.free_since is None:
            self.free_since = now
        if self.free_since is not None and now - self.free_since >= self.patience:
            self.free_since, self.patience = None, WORKER_BEGINS_WITHIN
            start_here(self.job_id, needs_place=self.needs_place)
        time.sleep(self.pause)
        self.pause = min(self.pause * 1.5, _LONGEST_PAUSE)
        return True

"""Places for long jobs: at most two run at once in the whole installation (design §6).

A lease is a row; its holder set `until` into the future. If the holder dies, the lease ends at that time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

from django.db.models import Q
from django.utils import timezone

from teampool.models import JobLease

# Sweep, sync and import share two places, so that a redemption always finds a free worker.
LONG_JOBS = ("long-job-1", "long-job-2")
LONGEST = timedelta(minutes=5)  # no job takes a longer lease


def take(*, name: str, ttl: timedelta, holder: str) -> bool:
    """Take the lease for `ttl`, or renew it for the same `holder`; False while another holds it."""
    now = timezone.now()
    if not JobLease.objects.filter(name=name).exists():
        # If two do this at once, one row is written, and the update below has one winner.
        JobLease.objects.bulk_create([JobLease(name=name, until=now, holder="")], ignore_conflicts=True)
    free = Q(until__lte=now) | Q(holder=holder)
    return JobLease.objects.filter(free, name=name).update(until=now + ttl, holder=holder) == 1


def give_back(*, name: str, holder: str) -> None:
    """End the lease early; does nothing when another holder has it by now."""
    JobLease.objects.filter(name=name, holder=holder).update(until=timezone.now(), holder="")


class Slot:
    """A place taken among several."""

    def __init__(self, name: str, holder: str, ttl: timedelta) -> None:
        self.name, self.holder, self.ttl = name, holder, ttl

    def renew(self) -> bool:
        """False when the lease was lost: another may be working already."""
        return take(name=self.name, ttl=self.ttl, holder=self.holder)


@contextmanager
def slot(names: Iterable[str] = LONG_JOBS, *, ttl: timedelta) -> Iterator[Slot | None]:
    """The first free place of `names` while the block runs; None when all are taken."""
    holder = uuid4().hex
    taken = next((Slot(name, holder, ttl) for name in names if take(name=name, ttl=ttl, holder=holder)), None)
    try:
        yield taken
    finally:
        if taken is not None:
            give_back(name=taken.name, holder=holder)

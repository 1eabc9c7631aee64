"""Jobs that run more often, or less regularly, than the queue's scheduler can: each queues its own next run.

The scheduler looks every 30 s and counts in minutes. A Beat row holds the number of the only queued run that counts. A
run that the queue delivers twice, or again after its worker was killed, has an old number and does nothing, so a job
never multiplies. The next run is queued before the work, so a killed worker does not end the chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from guardian import bells
from guardian.models import Beat

# A run this late is taken for lost and queued anew. If it still waits in a busy queue, its number is old by then.
LOST_AFTER = timedelta(seconds=60)
LONG_AGO = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SelfTimed:
    """A task and the pause between its runs; a function may draw the pause."""

    name: str
    task: str
    every: timedelta | Callable[[], timedelta]

    def pause(self) -> timedelta:
        return self.every if isinstance(self.every, timedelta) else self.every()


def advance(beat: SelfTimed, number: int, now: datetime) -> bool:
    """Queue the run after run `number`. False: a newer run counts, so this one must not do the work."""
    due_at = now + beat.pause()
    with transaction.atomic(durable=True):
        rows = Beat.objects.filter(name=beat.name, number=number).update(number=F("number") + 1, due_at=due_at)
        if rows:  # 0 rows: a newer run counts
            bells.beat(beat.name, number + 1, at=due_at)
    return rows == 1


def seed(beats: Iterable[SelfTimed], now: datetime, *, lost_before: datetime | None = None) -> list[str]:
    """Start each job and make earlier queued runs old; with `lost_before`, only jobs due before it.

    Returns the names of the jobs started.
    """
    started = []
    for beat in beats:
        Beat.objects.get_or_create(name=beat.name, defaults={"due_at": now - LONG_AGO})
        with transaction.atomic(durable=True):
            row = Beat.objects.select_for_update().get(name=beat.name)
            if lost_before is not None and row.due_at >= lost_before:
                continue
            Beat.objects.filter(name=beat.name).update(number=row.number + 1, due_at=now)
            bells.beat(beat.name, row.number + 1, at=now)
            started.append(beat.name)
    return started

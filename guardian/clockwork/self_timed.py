"""Jobs more frequent or less regular than the queue's scheduler can ring: each queues its own next run.

The queue's scheduler looks every 30 seconds and counts in minutes. A beat is a queue row that becomes
due later, and a row of ours that names the one queue row which counts: its number. A queue row that was
delivered twice, or comes back after its worker was killed, finds its number overtaken and does nothing,
so a beat never multiplies. The next run is queued before the work starts: a killed worker breaks no chain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from base.bells import ring_at
from guardian.models import Beat

BEAT_TASK = "guardian.tasks.beat"
# A row this late is taken for lost. Should it still be waiting in a busy queue, it is overtaken and dies there.
LOST_AFTER = timedelta(seconds=60)
LONG_AGO = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SelfTimed:
    """A task and the pause between its runs, or what draws one."""

    name: str
    task: str
    every: timedelta | Callable[[], timedelta]

    def pause(self) -> timedelta:
        return self.every if isinstance(self.every, timedelta) else self.every()


def advance(beat: SelfTimed, number: int, now: datetime) -> bool:
    """Queue the run after run `number`. False: that run was overtaken and must not do the work."""
    due_at = now + beat.pause()
    with transaction.atomic(durable=True):
        rows = Beat.objects.filter(name=beat.name, number=number).update(number=F("number") + 1, due_at=due_at)
        if rows:  # 0 rows: a newer one counts
            ring_at(due_at, BEAT_TASK, beat.name, number + 1)
    return rows == 1


def seed(beats: Iterable[SelfTimed], now: datetime, *, lost_before: datetime | None = None) -> list[str]:
    """Start each beat, overtaking whatever is queued for it; with `lost_before` only those due before that.

    Returns the names of the beats started.
    """
    started = []
    for beat in beats:
        Beat.objects.get_or_create(name=beat.name, defaults={"due_at": now - LONG_AGO})
        with transaction.atomic(durable=True):
            row = Beat.objects.select_for_update().get(name=beat.name)
            if lost_before is not None and row.due_at >= lost_before:
                continue
            Beat.objects.filter(name=beat.name).update(number=row.number + 1, due_at=now)
            ring_at(now, BEAT_TASK, beat.name, row.number + 1)
            started.append(beat.name)
    return started

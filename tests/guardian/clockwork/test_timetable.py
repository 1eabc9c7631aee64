"""The timetable in the queue's own table: exactly ours, put in place as often as one likes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from guardian.clockwork import timetable
from guardian.clockwork.timetable import BEATS, PREFIX, SCHEDULED, put_in_place


def rows() -> list[tuple[object, ...]]:
    return list(Schedule.objects.order_by("name").values_list("name", "func", "minutes", "next_run"))


class TestPutInPlace:
    def test_it_writes_every_job_once(self, db):
        put_in_place(timezone.now())
        assert {row[0] for row in rows()} == {PREFIX + job.name for job in SCHEDULED}
        assert {row[1] for row in rows()} == {job.task for job in SCHEDULED}

    def test_repeating_it_changes_nothing_and_puts_nothing_off(self, db):
        now = timezone.now()
        put_in_place(now)
        before = rows()
        put_in_place(now + timedelta(hours=3))
        assert rows() == before

    def test_it_removes_what_it_no_longer_knows_and_doubles(self, db):
        now = timezone.now()
        Schedule.objects.create(name=PREFIX + "of an older version", func="gone.task", next_run=now)
        Schedule.objects.create(name=PREFIX + "sync", func="somewhere.else", next_run=now)
        Schedule.objects.create(name=PREFIX + "sync", func="somewhere.else", next_run=now)
        put_in_place(now)
        assert len(rows()) == len(SCHEDULED)
        assert Schedule.objects.get(name=PREFIX + "sync").func == "invites.tasks.sync"

    def test_it_leaves_schedules_that_are_not_ours(self, db):
        Schedule.objects.create(name="somebody else's", func="os.getpid")
        put_in_place(timezone.now())
        assert Schedule.objects.filter(name="somebody else's").exists()

    @pytest.mark.parametrize("next_run", [None, timezone.now() + timedelta(days=400)], ids=["never", "far off"])
    def test_it_heals_a_next_run_that_would_never_come(self, db, next_run):
        now = timezone.now()
        put_in_place(now)
        Schedule.objects.filter(name=PREFIX + "reconcile").update(next_run=next_run)
        put_in_place(now)
        assert Schedule.objects.get(name=PREFIX + "reconcile").next_run == now

    def test_it_starts_every_beat(self, db):
        put_in_place(timezone.now())
        assert sorted(row.task["args"][0] for row in OrmQ.objects.all()) == sorted(beat.name for beat in BEATS)

    @pytest.mark.django_db(transaction=True)  # the scheduler closes connections
    def test_the_queue_understands_every_row(self):
        """One row it cannot read would block all the others."""
        put_in_place(timezone.now() - timedelta(seconds=1))
        OrmQ.objects.all().delete()
        scheduler()
        assert sorted(row.task["func"] for row in OrmQ.objects.all()) == sorted(job.task for job in SCHEDULED)
        assert all(row.task["save"] is False and row.task["args"] == () for row in OrmQ.objects.all())


@pytest.mark.parametrize("path", [job.task for job in (*SCHEDULED, *BEATS)])
def test_every_job_exists_and_needs_no_argument(path):
    task = import_string(path)
    assert task.__code__.co_argcount == 0


def test_lost_beats_are_looked_for_every_minute(db):
    now = timezone.now()
    put_in_place(now)
    OrmQ.objects.all().delete()
    assert timetable.reseed_lost(now + timedelta(seconds=30)) == []
    assert timetable.reseed_lost(now + timedelta(seconds=61)) == [beat.name for beat in BEATS]

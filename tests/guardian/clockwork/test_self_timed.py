"""Self-ringing jobs: they go on, they start again, and they never multiply."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from guardian import tasks
from guardian.clockwork import self_timed, timetable
from guardian.clockwork.self_timed import SelfTimed
from guardian.models import Beat
from tests import cast

TICK = SelfTimed("tick", "guardian.tasks.heartbeat", timedelta(seconds=15))


def queued() -> list[tuple[str, int]]:
    return [row.task["args"] for row in OrmQ.objects.order_by("id")]


class TestSeed:
    def test_it_queues_a_beat_for_now(self, db):
        now = timezone.now()
        assert self_timed.seed([TICK], now) == ["tick"]
        row = OrmQ.objects.get()
        assert row.lock == now
        assert row.task["func"] == "guardian.tasks.beat"
        assert row.task["args"] == ("tick", 1)
        assert row.task["ack_failure"] is True

    def test_it_leaves_alone_what_is_not_lost(self, db):
        now = timezone.now()
        self_timed.seed([TICK], now)
        assert self_timed.seed([TICK], now, lost_before=now - timedelta(seconds=60)) == []
        assert queued() == [("tick", 1)]

    def test_it_starts_a_lost_one_again(self, db):
        now = timezone.now()
        self_timed.seed([TICK], now)
        OrmQ.objects.all().delete()
        later = now + timedelta(seconds=61)
        assert self_timed.seed([TICK], later, lost_before=later - timedelta(seconds=60)) == ["tick"]
        assert queued() == [("tick", 2)]

    @pytest.mark.django_db(transaction=True)
    def test_two_nodes_that_start_together_leave_one_that_counts(self):
        now = timezone.now()
        cast.run_together(*[lambda: self_timed.seed([TICK], now)] * 4)
        numbers = [number for _, number in queued()]
        assert sorted(numbers) == [1, 2, 3, 4]
        assert [number for number in numbers if self_timed.advance(TICK, number, now)] == [4]


class TestAdvance:
    def test_it_queues_the_next_run_before_the_work(self, db):
        now = timezone.now()
        self_timed.seed([TICK], now)
        assert self_timed.advance(TICK, 1, now)
        assert queued() == [("tick", 1), ("tick", 2)]
        assert OrmQ.objects.order_by("id").last().lock == now + timedelta(seconds=15)

    def test_a_run_delivered_twice_does_nothing_the_second_time(self, db):
        now = timezone.now()
        self_timed.seed([TICK], now)
        assert self_timed.advance(TICK, 1, now)
        assert not self_timed.advance(TICK, 1, now)
        assert queued() == [("tick", 1), ("tick", 2)]

    def test_a_run_that_was_taken_for_lost_does_nothing(self, db):
        now = timezone.now()
        self_timed.seed([TICK], now)
        self_timed.seed([TICK], now)
        assert not self_timed.advance(TICK, 1, now)

    @pytest.mark.django_db(transaction=True)
    def test_one_of_many_deliveries_at_once_wins(self):
        now = timezone.now()
        self_timed.seed([TICK], now)
        answers = cast.run_together(*[lambda: self_timed.advance(TICK, 1, now)] * 6)
        assert sorted(answers) == [False] * 5 + [True]
        assert queued() == [("tick", 1), ("tick", 2)]


class TestBeatTask:
    def test_it_does_the_work_and_goes_on(self, db, monkeypatch):
        done = []
        monkeypatch.setattr(tasks, "heartbeat", lambda: done.append(1))
        timetable.start_beats(timezone.now())
        tasks.beat("heartbeat", 1)
        tasks.beat("heartbeat", 1)
        assert done == [1]
        assert Beat.objects.get(name="heartbeat").number == 2

    def test_work_that_fails_breaks_no_chain(self, db, monkeypatch):
        monkeypatch.setattr(tasks, "heartbeat", lambda: 1 / 0)
        timetable.start_beats(timezone.now())
        with pytest.raises(ZeroDivisionError):
            tasks.beat("heartbeat", 1)
        assert ("heartbeat", 2) in queued()

    def test_a_beat_of_another_version_ends_quietly(self, db):
        tasks.beat("no longer known", 1)
        assert queued() == []

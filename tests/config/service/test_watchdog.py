"""The watchdog: when it calls a worker stuck, and what does not make it do so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from config.service.watchdog import Watchdog
from guardian.clockwork import heartbeats
from guardian.models import Heartbeat

pytestmark = pytest.mark.django_db(transaction=True)  # it closes its connections


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watchdog(clock: Clock) -> Watchdog:
    return Watchdog(node="here", limit=100, clock=clock)


def beat(node: str = "here") -> None:
    Heartbeat.objects.update_or_create(node=node, defaults={"at": timezone.now()})


def test_silence_longer_than_the_limit_is_stuck(watchdog, clock):
    clock.now += 100
    assert not watchdog.is_stuck()
    clock.now += 1
    assert watchdog.is_stuck()


def test_each_beat_starts_the_count_anew(watchdog, clock):
    for _ in range(5):
        clock.now += 90
        beat()
        assert not watchdog.is_stuck()
    clock.now += 101
    assert watchdog.is_stuck()


def test_a_new_worker_has_the_whole_limit(watchdog, clock):
    clock.now += 101
    assert watchdog.is_stuck()
    watchdog.restart()
    clock.now += 99
    assert not watchdog.is_stuck()


def test_beats_of_other_nodes_do_not_count(watchdog, clock):
    beat("elsewhere")
    clock.now += 201
    assert watchdog.is_stuck()


def test_with_more_nodes_a_beat_comes_by_less_often(watchdog, clock):
    beat()
    beat("elsewhere")
    assert not watchdog.is_stuck()
    clock.now += 150
    assert not watchdog.is_stuck()
    clock.now += 51
    assert watchdog.is_stuck()


def test_a_corrected_date_does_not_look_like_silence(watchdog, clock):
    Heartbeat.objects.create(node="here", at=timezone.now() - timedelta(days=400))
    clock.now += 50
    assert not watchdog.is_stuck()


def test_a_database_that_does_not_answer_says_nothing_about_the_worker(watchdog, clock, monkeypatch):
    def fail(of: str) -> None:
        raise OperationalError("gone")

    clock.now += 101
    with monkeypatch.context() as patch:
        patch.setattr(heartbeats, "last_beat", fail)
        assert not watchdog.is_stuck()
    clock.now += 99
    assert not watchdog.is_stuck()

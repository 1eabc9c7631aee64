"""Signs of life, a row for each node."""

from __future__ import annotations

import socket
from datetime import timedelta

from django.utils import timezone

from guardian import life
from guardian.models import Heartbeat


def test_a_beat_is_the_nodes_own(db, monkeypatch):
    now = timezone.now()
    monkeypatch.setenv(life.NODE_VARIABLE, "one")
    life.beat(now - timedelta(seconds=9))
    life.beat(now)
    monkeypatch.setenv(life.NODE_VARIABLE, "two")
    life.beat(now - timedelta(seconds=60))
    assert life.last_beat("one") == now
    assert life.newest_beat() == now
    assert life.nodes_alive(now, timedelta(seconds=30)) == 1
    assert life.nodes_alive(now, timedelta(seconds=90)) == 2


def test_a_worker_without_up_goes_by_the_host(db, monkeypatch):
    monkeypatch.delenv(life.NODE_VARIABLE, raising=False)
    life.beat(timezone.now())
    assert Heartbeat.objects.get().node == socket.gethostname()


def test_without_any_beat_there_is_no_newest(db):
    assert life.newest_beat() is None
    assert life.last_beat("one") is None

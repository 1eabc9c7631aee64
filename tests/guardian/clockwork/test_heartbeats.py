"""Signs of life, a row for each node."""

from __future__ import annotations

import socket
from datetime import timedelta

from django.utils import timezone

from guardian.clockwork import heartbeats
from guardian.models import Heartbeat


def test_a_beat_is_the_nodes_own(db, monkeypatch):
    now = timezone.now()
    monkeypatch.setenv(heartbeats.NODE_VARIABLE, "one")
    heartbeats.beat(now - timedelta(seconds=9))
    heartbeats.beat(now)
    monkeypatch.setenv(heartbeats.NODE_VARIABLE, "two")
    heartbeats.beat(now - timedelta(seconds=60))
    assert heartbeats.last_beat("one") == now
    assert heartbeats.newest_beat() == now
    assert heartbeats.nodes_alive(now, timedelta(seconds=30)) == 1
    assert heartbeats.nodes_alive(now, timedelta(seconds=90)) == 2


def test_a_worker_without_up_goes_by_the_host(db, monkeypatch):
    monkeypatch.delenv(heartbeats.NODE_VARIABLE, raising=False)
    heartbeats.beat(timezone.now())
    assert Heartbeat.objects.get().node == socket.gethostname()


def test_without_any_beat_there_is_no_newest(db):
    assert heartbeats.newest_beat() is None
    assert heartbeats.last_beat("one") is None

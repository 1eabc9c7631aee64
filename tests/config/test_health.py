"""The probes: what they look at, and what they say when something is missing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from config import health
from guardian.clockwork import heartbeats


@pytest.fixture
def probe(client):
    def ask(path: str) -> tuple[int, dict]:
        answer = client.get(path)
        assert answer["Content-Type"] == "application/json"
        assert "no-cache" in answer["Cache-Control"]
        return answer.status_code, answer.json()

    return ask


class TestHealthz:
    def test_it_needs_no_database(self, probe):
        # Without the `db` fixture any query fails the test.
        assert probe("/healthz") == (200, {"status": "ok"})

    def test_it_is_read_only(self, client):
        assert client.post("/healthz").status_code == 405

    def test_it_answers_plain_http_behind_a_redirecting_front(self, client, settings):
        settings.SECURE_SSL_REDIRECT = True
        assert client.get("/healthz").status_code == 200
        assert client.get("/admin/login/").status_code == 301


class TestReadyz:
    def test_a_moving_queue_is_ready(self, db, probe):
        heartbeats.beat(timezone.now() - timedelta(seconds=3))
        status, body = probe("/readyz")
        age = body.pop("heartbeat_age_seconds")
        assert (status, body) == (
            200,
            {"status": "ok", "database": "ok", "migrations": "ok", "worker": "ok"},
        )
        assert 3 <= age < 30

    def test_an_old_heartbeat_is_not(self, db, probe, settings):
        heartbeats.beat(timezone.now() - timedelta(seconds=settings.HEARTBEAT_LIMIT + 1))
        status, body = probe("/readyz")
        assert (status, body["status"], body["worker"]) == (503, "not ready", "silent")

    def test_no_heartbeat_is_not(self, db, probe):
        status, body = probe("/readyz")
        assert (status, body["worker"], body["heartbeat_age_seconds"]) == (503, "silent", None)

    def test_pending_migrations_are_not(self, db, probe, monkeypatch):
        heartbeats.beat(timezone.now())
        monkeypatch.setattr(health, "_has_pending_migrations", lambda: True)
        status, body = probe("/readyz")
        assert (status, body["migrations"], body["database"], body["worker"]) == (503, "pending", "ok", "unknown")

    def test_a_silent_database_is_said_without_its_own_words(self, db, probe, monkeypatch):
        def fail() -> bool:
            raise DatabaseError("password authentication failed for user secret")

        monkeypatch.setattr(health, "_has_pending_migrations", fail)
        status, body = probe("/readyz")
        assert (status, body["database"]) == (503, "unreachable")
        assert "secret" not in str(body)

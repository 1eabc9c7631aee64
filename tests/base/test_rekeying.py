"""`rotate_keys`: secrets move under the newest key; no row is lost, none is left behind."""

from __future__ import annotations

import io

import pytest
from cryptography.fernet import Fernet
from django.conf import settings as project
from django.core.management import CommandError, call_command
from django.db import connection

from base import rekeying
from base.encryption import PREFIX
from notifications.models import AuditEvent
from teampool.models import Owner, SentToken, Team
from tests.cast import a_team, an_owner


def raw(table: str, column: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} ORDER BY 1")
        return [row[0] for row in cursor.fetchall()]


def rotate() -> str:
    out = io.StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue()


@pytest.fixture
def pool(db, settings):
    """Secrets under the old key, then a new key in front of it."""
    for number in range(450):
        an_owner(f"owner{number}@example.com", session_token=f"session {number}")
    a_team(access_token="access", owner=an_owner("owner0@example.com"))
    SentToken.objects.create(
        digest="d" * 64, sent_at="2026-01-01T00:00Z", lease_until="2026-01-01T00:00Z", successor="s"
    )
    new = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, *project.ENCRYPTION_KEYS]
    return new


class TestRotateKeys:
    def test_every_secret_is_under_the_newest_key_and_reads_the_same(self, pool, settings):
        rotate()
        settings.ENCRYPTION_KEYS = [pool]
        assert Owner.objects.get(email="owner449@example.com").session_token == "session 449"
        assert Team.objects.get().access_token == "access"
        assert SentToken.objects.get().successor == "s"
        for value in raw("teampool_owner", "session_token"):
            Fernet(pool).decrypt(value.removeprefix(PREFIX).encode())

    def test_empty_stays_empty(self, pool):
        rotate()
        assert set(raw("teampool_owner", "refresh_token")) == {""}

    def test_a_second_run_changes_nothing(self, pool):
        rotate()
        before = raw("teampool_owner", "session_token")
        assert "teampool_owner.session_token: 0 re-encrypted, 450 were up to date" in rotate()
        assert raw("teampool_owner", "session_token") == before

    def test_stopped_half_way_it_is_finished_by_the_next_run(self, pool, monkeypatch):
        real, done = rekeying._replace, []

        def stop(*args):
            if len(done) == 100:
                raise KeyboardInterrupt
            done.append(args)
            return real(*args)

        monkeypatch.setattr(rekeying, "_replace", stop)
        with pytest.raises(KeyboardInterrupt):
            rotate()
        monkeypatch.undo()
        assert "350 re-encrypted, 100 were up to date" in rotate()

    def test_a_value_written_meanwhile_is_not_overwritten(self, pool, monkeypatch):
        real = rekeying._replace

        def write_first(column, key, before, after):
            if column.name == "access_token":
                Team.objects.update(access_token="newer")
            return real(column, key, before, after)

        monkeypatch.setattr(rekeying, "_replace", write_first)
        rotate()
        assert Team.objects.get().access_token == "newer"

    def test_a_value_no_key_opens_is_named_and_the_rest_done(self, pool, settings):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE teampool_team SET access_token = %s", [PREFIX + "gAAAAABroken"])
        with pytest.raises(CommandError, match=r"teampool_team\.access_token"):
            rotate()
        settings.ENCRYPTION_KEYS = [pool]
        assert Owner.objects.get(email="owner1@example.com").session_token == "session 1"

    def test_it_is_on_record_when_it_changed_something(self, pool):
        rotate()
        event = AuditEvent.objects.get(action="secrets_rekeyed")
        assert (event.actor_kind, event.actor) == ("command", "rotate_keys")
        assert event.details["secrets"] >= 450
        rotate()
        assert AuditEvent.objects.filter(action="secrets_rekeyed").count() == 1

    def test_it_knows_every_encrypted_column(self):
        names = {str(column) for column in rekeying.encrypted_columns()}
        assert {
            "teampool_owner.session_token",
            "teampool_owner.refresh_token",
            "teampool_team.access_token",
            "teampool_importline.payload",
            "teampool_senttoken.successor",
        } <= names

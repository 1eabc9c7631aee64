"""`doctor`: for each thing it looks at, what a broken one is called; and that no secret is ever said."""

from __future__ import annotations

import io
import json
import re
import stat
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from django.conf import settings as project
from django.core.cache import cache
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.urls import reverse
from django.utils import timezone, translation
from django_q.models import Failure, OrmQ

from base.actors import UNREADABLE_PROXY
from base.encryption import encrypt
from config.service import doctor
from config.service.doctor import database, files, front, keys, notices, pool, upstream, work
from config.service.doctor.answer import Answer, Level
from config.service.doctor.clock import compare
from guardian.clockwork import heartbeats, timetable
from invites.models import RedeemAttempt
from notifications.models import Setting
from teampool.models import Owner, Team
from tests.cast import a_team, an_owner

NOW = timezone.now
OTHER_KEY = "b3RoZXIta2V5LW9mLXNvbWVib2R5LWVsc2UtMTIzNDU="


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def said(answers, check: str, level: Level | None = None) -> list[str]:
    found = [one for one in answers if one.check == check and level in (None, one.level)]
    assert all(one.advice for one in found if one.level != Level.OK), "a problem without a way out"
    return [f"{one.level.value}: {one.text}" for one in found]


def run(*options: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("doctor", "--language", "en", *options, stdout=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def well(db, settings, tmp_path, sandbox) -> None:
    """A deployment with nothing to complain about."""
    tmp_path.chmod(0o700)
    settings.DATA_DIR = tmp_path
    settings.BASE_DIR = Path(project.BASE_DIR)
    settings.REDEEM_THROTTLE = "10/m"
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    timetable.put_in_place(NOW())
    OrmQ.objects.all().delete()
    heartbeats.beat(NOW())


class TestCommand:
    def test_a_deployment_that_is_well(self, well):
        code, text = run("--strict")
        assert code == 0, text
        assert re.search(r"^ok +upstream +127\.0\.0\.1:\d+ answers\.$", text, re.MULTILINE)
        assert {line.split()[0] for line in text.splitlines()} == {"ok"}

    def test_a_failure_ends_with_1_and_says_what_to_do(self, well, settings):
        settings.SECRET_KEY = "short"
        code, text = run("--local")
        assert code == 1
        assert re.search(r"failed +keys +SECRET_KEY is too weak\.\n +→ Set a new one", text)

    def test_a_warning_ends_with_0_unless_strict(self, well, settings):
        settings.DEBUG = True
        assert [run("--local")[0], run("--local", "--strict")[0]] == [0, 1]

    def test_json(self, well):
        code, text = run("--local", "--format", "json")
        told = json.loads(text)
        assert (code, told["status"]) == (0, "ok")
        assert {tuple(row) for row in told["checks"]} == {("check", "status", "text", "advice")}
        assert {"database", "migrations", "keys", "files", "disk", "static", "front", "worker", "queue", "teams"} <= {
            row["check"] for row in told["checks"]
        }

    def test_local_asks_nobody_outside(self, well, sandbox):
        run("--local")
        assert sandbox.log() == []

    def test_no_secret_is_ever_said(self, well, settings):
        an_owner(session_token="session-sesame")
        a_team(access_token="access-sesame")
        Setting.objects.create(
            key="notifications.bark_url", secret="http://127.0.0.1:9/device-sesame", updated_at=NOW()
        )
        Setting.objects.create(
            key="notifications.webhook_url", value="https://u:pw-sesame@127.0.0.1:9/path-sesame", updated_at=NOW()
        )
        settings.UPSTREAM_PROXY = "http://user:proxy-sesame@127.0.0.1:9"
        text = run()[1] + run("--format", "json")[1]
        assert "sesame" not in text
        assert settings.SECRET_KEY not in text
        assert settings.ENCRYPTION_KEYS[0] not in text

    def test_a_look_that_breaks_down_is_an_answer(self, well, monkeypatch):
        def fail(now):
            raise DatabaseError("password is secret")

        monkeypatch.setitem(doctor.LOCAL, "queue", fail)
        answers = doctor.examine(NOW(), is_outside=False)
        assert said(answers, "queue") == ["failed: This could not be looked at (DatabaseError)."]
        assert said(answers, "teams")


class TestDatabase:
    def test_one_that_does_not_answer(self, db, monkeypatch):
        class Silent:
            def ensure_connection(self):
                raise DatabaseError("password authentication failed for secret")

        monkeypatch.setattr(database, "connection", Silent())
        answers = doctor.examine(NOW(), is_outside=False)
        assert said(answers, "database") == ["failed: The database does not answer (DatabaseError)."]
        # What needs it is not looked at, the rest is.
        assert said(answers, "disk")
        assert not said(answers, "worker")

    def test_tables_of_a_newer_version(self, db):
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES ('invites', '9999_later', %s)", [NOW()]
            )
        assert said(database.look(NOW()), "migrations") == ["failed: The tables are of a newer version than this code."]

    def test_the_kind_of_file_system_is_that_of_the_nearest_mount(self):
        assert database._file_system(Path("/proc/self")) == "proc"


class TestClock:
    @pytest.mark.parametrize(("seconds", "level"), [(3, "ok"), (30, "warning"), (600, "failed")])
    def test_it_tells_odd_from_wrong(self, seconds, level):
        now = NOW()
        assert compare("clock", now + timedelta(seconds=seconds), now, whose="x").level == level


class TestKeys:
    def test_secrets_nobody_can_open(self, db, settings):
        an_owner(session_token="x")
        settings.ENCRYPTION_KEYS = [OTHER_KEY]
        assert said(keys.look(NOW()), "keys") == ["failed: No key in ENCRYPTION_KEYS opens 1 stored secret."]

    def test_secrets_under_an_older_key(self, db, settings):
        an_owner(session_token="x")
        settings.ENCRYPTION_KEYS = [OTHER_KEY, *settings.ENCRYPTION_KEYS]
        answers = list(keys.look(NOW()))
        assert said(answers, "keys") == ["warning: 1 stored secret is still under an older key."]
        assert answers[0].advice == "manage.py rotate_keys"
        assert encrypt("anything")


class TestFiles:
    def test_a_folder_others_can_read(self, settings, tmp_path):
        tmp_path.chmod(0o755)
        settings.DATA_DIR = tmp_path
        assert "Others on this machine" in said(files.look(NOW()), "files", Level.WARNING)[0]

    def test_an_env_file_others_can_read(self, settings, tmp_path):
        settings.BASE_DIR = tmp_path
        path = tmp_path / ".env"
        path.touch(mode=0o644)
        path.chmod(0o644)
        assert any(str(path) in text for text in said(files.look(NOW()), "files", Level.WARNING))
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        assert not any(str(path) in text for text in said(files.look(NOW()), "files", Level.WARNING))

    def test_a_full_disk(self, monkeypatch):
        monkeypatch.setattr(files.shutil, "disk_usage", lambda path: _Usage(50 * files.MEGABYTE))
        assert said(files.look(NOW()), "disk") == ["failed: 50 MB free on the disk of the data"]

    def test_static_files_that_were_not_collected(self, monkeypatch):
        class Storage:
            manifest_name = "staticfiles.json"
            hashed_files: dict[str, str] = {}

        monkeypatch.setattr(files, "staticfiles_storage", Storage())
        assert "not collected" in said(files.look(NOW()), "static", Level.FAILED)[0]


class _Usage:
    def __init__(self, free: int) -> None:
        self.free = free


class TestFront:
    @pytest.fixture(autouse=True)
    def _usual(self, db, settings):
        settings.ALLOWED_HOSTS = ["seats.example.com", "127.0.0.1"]
        settings.TRUSTED_PROXY_COUNT, settings.SECURE_COOKIES, settings.REDEEM_THROTTLE = 1, True, "10/m"

    def test_a_usual_front(self):
        assert said(front.look(NOW()), "front") == ["ok: Reached as seats.example.com, behind 1 trusted proxies."]

    @pytest.mark.parametrize(
        ("values", "words"),
        [
            ({"ALLOWED_HOSTS": ["*"]}, "ALLOWED_HOSTS is *"),
            ({"ALLOWED_HOSTS": ["seats.example.com"]}, "lacks 127.0.0.1"),
            (
                {"ALLOWED_HOSTS": ["https://seats.example.com", "127.0.0.1"]},
                "https://seats.example.com is no",
            ),
            ({"ALLOWED_HOSTS": ["seats.example.com:8000", "127.0.0.1"]}, "seats.example.com:8000 is no host name"),
            ({"CSRF_TRUSTED_ORIGINS": ["https://other.example.com"]}, "names https://other.example.com"),
            ({"TRUSTED_PROXY_COUNT": 0}, "TRUSTED_PROXY_COUNT is 0"),
            ({"TRUSTED_PROXY_COUNT": 0, "SECURE_SSL_REDIRECT": True}, "redirect for ever"),
            ({"SECURE_COOKIES": False}, "SECURE_COOKIES is off"),
            ({"REDEEM_THROTTLE": "off"}, "REDEEM_THROTTLE is off"),
        ],
    )
    def test_what_does_not_go_together(self, settings, values, words):
        for name, value in values.items():
            setattr(settings, name, value)
        assert any(words in text for text in said(front.look(NOW()), "front"))

    def test_a_public_url_nobody_answers_to(self):
        Setting.objects.create(key="notifications.public_url", value="https://old.example.com", updated_at=NOW())
        assert "old.example.com" in said(front.look(NOW()), "front", Level.WARNING)[0]

    def test_a_proxy_that_writes_no_address(self):
        cache.set(UNREADABLE_PROXY, "unknown")
        try:
            assert "“unknown”" in said(front.look(NOW()), "front", Level.WARNING)[0]
        finally:
            cache.delete(UNREADABLE_PROXY)

    def test_all_tries_from_one_inside_address(self, settings):
        settings.ALLOWED_HOSTS, settings.TRUSTED_PROXY_COUNT = ["127.0.0.1"], 0
        RedeemAttempt.objects.bulk_create(RedeemAttempt(ip="10.0.0.7") for _ in range(front.ENOUGH_TRIES))
        assert "seems to come from 10.0.0.7" in said(front.look(NOW()), "front", Level.WARNING)[0]
        RedeemAttempt.objects.create(ip="203.0.113.5")
        assert said(front.look(NOW()), "front", Level.WARNING) == []


class TestWork:
    def test_it_never_ran(self, db):
        assert "has never run" in said(work.look(NOW()), "worker", Level.FAILED)[0]

    def test_it_fell_silent(self, db):
        heartbeats.beat(NOW() - timedelta(minutes=5))
        assert said(work.look(NOW()), "worker", Level.FAILED)[0].endswith(
            "last sign of life 5 min ago; no invitation goes out."
        )

    def test_one_node_of_two_fell_silent(self, db):
        for name, age in (("here:1", 3), ("there:2", 1000), ("here:0", 2000)):
            heartbeats.Heartbeat.objects.create(node=name, at=NOW() - timedelta(seconds=age))
        answers = list(work.look(NOW()))
        assert len(said(answers, "worker", Level.OK)) == 1
        # That `here` was started anew is no news.
        assert [text.split(":")[1].strip() for text in said(answers, "worker", Level.WARNING)] == ["there"]

    @pytest.mark.parametrize(("minutes", "level"), [(1, "ok"), (5, "warning"), (60, "failed")])
    def test_a_queue_that_stands_still(self, db, minutes, level):
        OrmQ.objects.create(key="seatkeeper", payload="x", lock=NOW() - timedelta(minutes=minutes))
        assert said(work.look(NOW()), "queue")[0].startswith(level)

    def test_a_missing_timetable(self, db):
        assert "sync" in said(work.look(NOW()), "timetable", Level.FAILED)[0]

    def test_failures_by_job(self, db):
        for number in range(3):
            Failure.objects.create(
                id=f"{number:032}",
                name=str(number),
                func="invites.tasks.sync",
                started=NOW(),
                stopped=NOW(),
                success=False,
            )
        assert said(work.look(NOW()), "failures") == ["warning: 3 jobs failed within a day: invites.tasks.sync"]


class TestPool:
    def test_log_ins_that_lapse(self, db):
        a_team(access_expires_at=NOW() + timedelta(hours=3))
        a_team(owner=an_owner("b@x.co"), token_state=Team.Token.EXPIRED)
        texts = said(pool.look(NOW()), "teams", Level.WARNING)
        assert any("Login of b@x.co expired" in text for text in texts)
        assert any("cannot renew itself" in text for text in texts)
        assert Owner.objects.count() == 2

    def test_teams_whose_seats_were_not_read(self, db):
        long_ago = NOW() - timedelta(days=2)
        for email in ("a@x.co", "b@x.co"):
            a_team(owner=an_owner(email), seats_read_at=long_ago, opened_at=long_ago)
        assert any("not read for 24 h" in text for text in said(pool.look(NOW()), "teams", Level.WARNING))


class Late(BaseHTTPRequestHandler):
    """A server whose clock is five minutes behind."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(time.time() - 300)

    def log_message(self, *arguments: object) -> None:
        pass


class TestPaused:
    def test_what_was_switched_off_is_said(self, db):
        assert said(pool.look(NOW()), "paused") == []
        Setting.objects.create(key="invites.is_open", value=False, updated_at=NOW())
        Setting.objects.create(key="invites.removals_paused", value=True, updated_at=NOW())
        found = [one.advice for one in pool.look(NOW()) if one.check == "paused"]
        assert found == ["manage.py config set invites.is_open=on", "manage.py config set invites.removals_paused=off"]


class TestUpstream:
    def test_it_answers(self, sandbox):
        answers = list(upstream.look(NOW()))
        assert said(answers, "upstream")[0].startswith("ok")
        assert said(answers, "upstream_auth")[0].startswith("ok")

    def test_its_clock_is_compared(self, settings):
        with HTTPServer(("127.0.0.1", 0), Late) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            settings.UPSTREAM_BASE_URL = settings.UPSTREAM_AUTH_URL = f"http://127.0.0.1:{server.server_port}"
            answers = list(upstream.look(NOW()))
            server.shutdown()
        found = re.fullmatch(r"failed: The clock here and that of 127.* are (\d+) s apart\.", said(answers, "clock")[0])
        assert 298 <= int(found.group(1)) <= 305

    def test_a_block_page_is_told_apart(self, sandbox):
        sandbox.fault("*", "html_403", times=0)
        answer = next(iter(upstream.look(NOW())))
        assert "answers with a block page (HTTP 403)" in answer.text
        assert answer.level == Level.FAILED

    def test_nobody_there(self, settings):
        settings.UPSTREAM_BASE_URL = settings.UPSTREAM_AUTH_URL = "http://127.0.0.1:9"
        assert said(upstream.look(NOW()), "upstream") == [
            "failed: 127.0.0.1:9 cannot be reached: the connection is refused."
        ]


class TestNotices:
    def test_nothing_is_set(self, db):
        assert said(notices.look_outside(NOW()), "notices") == ["ok: No channel for notices is set up."]

    def test_receivers_that_are_not_there(self, db):
        for key, fields in (
            ("notifications.bark_url", {"secret": "http://127.0.0.1:9/key"}),
            ("notifications.webhook_url", {"value": "http://127.0.0.1:9/hook"}),
            ("notifications.webhook_allow_private", {"value": True}),
            ("notifications.smtp_host", {"value": "127.0.0.1"}),
            ("notifications.smtp_port", {"value": 9}),
        ):
            Setting.objects.create(key=key, updated_at=NOW(), **fields)
        answers = list(notices.look_outside(NOW()))
        for check in ("smtp", "webhook", "bark"):
            assert said(answers, check, Level.FAILED)[0].startswith("failed: 127.0.0.1:9: The server cannot be reached")

    def test_a_webhook_that_answers_gets_no_request(self, db, sandbox):
        Setting.objects.create(key="notifications.webhook_url", value=sandbox.url, updated_at=NOW())
        Setting.objects.create(key="notifications.webhook_allow_private", value=True, updated_at=NOW())
        assert said(notices.look_outside(NOW()), "webhook")[0].endswith("can be reached.")
        assert sandbox.log() == []


class TestPage:
    def test_the_line_of_a_silent_worker_leads_to_it(self, olga_client, settings):
        settings.LANGUAGE_CODE = "en"
        a_team()
        page = olga_client.get(reverse("admin:index"), headers={"accept-language": "en"}).content.decode()
        assert f'href="{reverse("admin:doctor")}">How to restart</a>' in page
        page = olga_client.get(reverse("admin:doctor"), headers={"accept-language": "en"}).content.decode()
        assert "The background work has never run" in page
        assert "sudo systemctl restart seatkeeper" in page
        # The worst comes first.
        assert page.index("has never run") < page.index("The tables are up to date")

    def test_it_asks_nobody_outside(self, olga_client, sandbox):
        heartbeats.beat(NOW())
        page = olga_client.get(reverse("admin:doctor"), headers={"accept-language": "en"}).content.decode()
        assert "How to restart" not in page
        assert sandbox.log() == []

    def test_it_is_not_for_everybody(self, client, db):
        assert client.get(reverse("admin:doctor")).status_code == 302

    def test_an_answer_is_text(self, olga_client, monkeypatch):
        monkeypatch.setattr(doctor, "examine", lambda now, is_outside: [Answer("x", Level.OK, "<b>bold</b>")])
        assert "<b>bold" not in olga_client.get(reverse("admin:doctor")).content.decode()

"""The canary: secrets put in at every door come out nowhere - no table, log, page or answer holds one."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django_q.models import OrmQ

from base import actors
from teampool import api_keys
from teampool.imports import follow, jobs
from teampool.models import ImportJob, ImportLine, Owner, Team
from tests.teampool.imports.bringing import csv_line, finish

URL = "/admin/teams/import"
# None of these is known upstream, and each looks as if it might be let through somewhere.
MADE_UP = {
    "jwt": "eyJhbGciOiJub25lIn0.eyJDQU5BUlkiOiJhYmNkZWZnaGlqa2xtbm9wIn0.Q0FOQVJZc2lnbmF0dXJl",
    "opaque": "CANARYopaqueAccessToken0123456789",
    "session": "CANARY/session+token=0123456789==",
    "refresh": "rt_CANARYrefresh.0123456789abcdef",
    "spaced": "CANARY with spaces 0123456789",
    "password": "CANARY-password-4711",
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    monkeypatch.setattr(follow, "WORKER_BEGINS_WITHIN", 0.0)


@pytest.fixture
def login(sandbox):
    return sandbox.workspace("omar@example.com", members=1)["credentials"]


def secrets_of(sandbox) -> list[str]:
    """Every secret there is, rotated ones included, and the middle of each: half a token is one too."""
    book = sandbox.world.tokens
    whole = [*book.access, *book.refresh, *book.sessions, *MADE_UP.values()]
    return whole + [text[len(text) // 3 : len(text) // 3 + 24] for text in whole if len(text) > 72]


def database_dump() -> str:
    """Every row of every table as it is stored, and what the queue's packages hold."""
    parts = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            parts += [f"{table} {row!r}" for row in cursor.fetchall()]
    return "\n".join(parts + [repr(row.task) for row in OrmQ.objects.all()])


def nothing_leaked(sandbox, *texts: str) -> None:
    """Names the secret by its beginning, and the words before the place it was found in."""
    leaked = []
    for secret in secrets_of(sandbox):
        for text in texts:
            place = text.find(secret)
            if place >= 0:
                leaked.append((secret[:12], text[max(0, place - 200) : place]))
    assert not leaked


def every_page(browser) -> str:
    """What an operator can open about imports, Teams and Owners."""
    paths = ["/admin/", "/admin/import/", "/admin/teampool/team/", "/admin/teampool/owner/"]
    paths += [f"/admin/import/{job.pk}/" for job in ImportJob.objects.all()]
    paths += [f"/admin/teampool/team/{team.pk}/change/" for team in Team.objects.all()]
    paths += [f"/admin/teampool/owner/{owner.pk}/change/" for owner in Owner.objects.all()]
    pages = [browser.get(path) for path in paths]
    assert [page.status_code for page in pages[:2]] == [200, 200]
    return "\n".join(page.content.decode() for page in pages)


def records(login) -> list[str]:
    """The same login in every form, and lines that go wrong in every way with secrets in them."""
    return [
        csv_line(login, "email", "access_token", "refresh_token", "session_token", "client_id"),
        csv_line(login, "refresh_token", "client_id"),
        json.dumps(login["session_json"]),
        MADE_UP["jwt"],
        f"omar@example.com,{MADE_UP['opaque']},{MADE_UP['refresh']},{MADE_UP['session']},app_x",
        f"omar@example.com----{MADE_UP['password']}----{MADE_UP['jwt']}",
        f"{MADE_UP['jwt']},{login['access_token']}",
        f"wrong@example.com,{login['access_token']}",
        MADE_UP["spaced"],
        '{"accessToken": "' + MADE_UP["jwt"] + '"',
        f'{{"accessToken": ["{MADE_UP["opaque"]}"]}}',
    ]


class TestEveryDoor:
    def test_the_address_for_programs(self, client, olga_client, sandbox, login, caplog, capfd):
        caplog.set_level("DEBUG")
        key = api_keys.create(name="shop", scope=api_keys.IMPORT, actor=actors.command("tests"))[1]
        bodies = [
            {"import_type": "single", "access_token": login["access_token"], "session_token": login["session_token"]},
            {"import_type": "single", "refresh_token": login["refresh_token"], "client_id": login["client_id"]},
            {"import_type": "single", "access_token": MADE_UP["jwt"], "refresh_token": MADE_UP["refresh"]},
            {"import_type": "single", "access_token": login["access_token"], "email": "sam@example.com"},
            {"import_type": "single", "access_token": [MADE_UP["opaque"]]},
            {"import_type": "single", "access_token": MADE_UP["opaque"] + "\0"},
            {"import_type": MADE_UP["opaque"], "access_token": MADE_UP["session"]},
            {"import_type": "single", "email": MADE_UP["password"], "access_token": MADE_UP["jwt"]},
            {"import_type": "single", "account_id": MADE_UP["session"], "access_token": MADE_UP["jwt"]},
            {"import_type": "single", "refresh_token": MADE_UP["refresh"]},
            {"import_type": "batch", "content": "\n".join(records(login))},
            {"import_type": "batch", "content": [MADE_UP["jwt"]]},
        ]
        answers = []
        for body in [*(json.dumps(body) for body in bodies), f'{{"access_token": "{MADE_UP["opaque"]}']:
            for accept in ("*/*", "application/json"):
                response = client.post(
                    URL, data=body, content_type="application/json", headers={"X-API-Key": key, "Accept": accept}
                )
                content = response.getvalue() if response.streaming else response.content
                answers.append(content.decode())
        assert Team.objects.count() == 1
        printed = "".join(capfd.readouterr())
        nothing_leaked(sandbox, *answers, database_dump(), every_page(olga_client), caplog.text, printed)
        assert key not in "".join((*answers, database_dump(), caplog.text, printed, every_page(olga_client)))

    def test_the_admin_page(self, olga_client, sandbox, login, caplog, capfd):
        caplog.set_level("DEBUG")
        text = "\n".join(records(login))
        answers = [
            olga_client.post("/admin/import/", {"text": text}),
            olga_client.post("/admin/import/", {"file": SimpleUploadedFile("a.csv", text.encode())}),
        ]
        found = list(ImportJob.objects.all())
        assert len(found) == 2
        waiting = every_page(olga_client)
        nothing_leaked(sandbox, database_dump())
        for job in found:
            finish(job)
        pages = "\n".join(answer.content.decode() for answer in answers)
        printed = "".join(capfd.readouterr())
        nothing_leaked(sandbox, pages, waiting, every_page(olga_client), database_dump(), caplog.text, printed)

    def test_the_command(self, sandbox, login, tmp_path, process_env):
        file = tmp_path / "accounts"
        file.write_text("\n".join(records(login)))
        env = process_env | {
            "UPSTREAM_BASE_URL": sandbox.url,
            "UPSTREAM_AUTH_URL": sandbox.url,
            "LOG_LEVEL": "DEBUG",
        }
        printed = ""
        for options in (["--dry-run"], []):
            done = subprocess.run(
                [sys.executable, "manage.py", "import_teams", str(file), *options],
                env=env,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 1
            assert "Traceback" not in done.stderr
            printed += done.stdout + done.stderr
        out = io.StringIO()
        call_command("list_teams", stdout=out)
        call_command("list_teams", "--format", "json", stdout=out)
        nothing_leaked(sandbox, printed, out.getvalue(), database_dump())

    def test_an_error_nobody_expected(self, sandbox, login, monkeypatch, caplog, capfd):
        caplog.set_level("DEBUG")
        from teampool.imports import open_team

        def fail(*args, **kwargs):
            raise RuntimeError(f"{MADE_UP['spaced']} {args} {kwargs}")

        monkeypatch.setattr(open_team, "fetch", fail)
        finish(jobs.accept(text="\n".join(records(login)), actor=actors.command("tests"), is_rung=False))
        assert "RuntimeError" in caplog.text
        nothing_leaked(sandbox, caplog.text, "".join(capfd.readouterr()), database_dump())


class TestThisTest:
    def test_it_would_see_a_leak(self, sandbox, login):
        """The control: one token in the clear is found."""
        ImportJob.objects.create(actor_kind="command", actor=login["refresh_token"], total=0)
        with pytest.raises(AssertionError):
            nothing_leaked(sandbox, database_dump())

    def test_what_is_kept_is_kept(self, sandbox, login):
        """And nothing is hidden merely by being thrown away."""
        finish(jobs.accept(text=records(login)[0], actor=actors.command("tests"), is_rung=False))
        assert Team.objects.get().access_token in sandbox.world.tokens.access
        assert Owner.objects.get().session_token == login["session_token"]
        assert not ImportLine.objects.exclude(payload="").exists()

"""`import_teams`, `list_teams` and `create_api_key` from a shell."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from teampool import api_keys
from teampool.models import ApiKey, ImportJob, Team
from tests.cast import a_team, an_owner
from tests.teampool.imports.bringing import csv_line

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def accounts(sandbox, tmp_path):
    """A file with one good account and one line that is none."""
    login = sandbox.workspace("omar@example.com", members=1)["credentials"]
    file = tmp_path / "accounts.csv"
    file.write_text(f"# two\n{csv_line(login, 'email', 'access_token', 'session_token')}\nhello\n")
    return file


def run(*args: str, code: int = 0) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    if code:
        with pytest.raises(SystemExit) as caught:
            call_command(*args, stdout=out, stderr=err)
        assert caught.value.code == code
    else:
        call_command(*args, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


class TestImportTeams:
    def test_a_result_a_line_and_exit_1_when_one_failed(self, accounts):
        out, err = run("import_teams", str(accounts), code=1)
        results = sorted(out.splitlines())
        assert len(results) == 2
        assert results[0].startswith("accounts.csv:2: created  omar@example.com  10000001-")
        assert results[1].startswith("accounts.csv:3: invalid  ")
        assert err.splitlines()[-1] == "1 imported, 1 failed, of 2"
        assert Team.objects.count() == 1

    def test_all_well_is_exit_0(self, sandbox, accounts):
        accounts.write_text("\n".join(accounts.read_text().splitlines()[:2]))
        run("import_teams", str(accounts))
        assert ImportJob.objects.get().finished_at is not None

    def test_a_dry_run_stores_and_asks_nothing(self, sandbox, accounts):
        asked = len(sandbox.log())
        out, _err = run("import_teams", str(accounts), "--dry-run", code=1)
        assert out.splitlines()[0] == "accounts.csv:2: omar@example.com AT ST"
        assert out.splitlines()[1].startswith("accounts.csv:3: ")
        assert not ImportJob.objects.exists()
        assert len(sandbox.log()) == asked

    def test_it_reads_standard_input(self, accounts, monkeypatch):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(accounts.read_bytes())))
        out, _err = run("import_teams", code=1)
        assert len(out.splitlines()) == 2

    def test_several_files_and_a_zip(self, sandbox, accounts, tmp_path):
        packed = tmp_path / "more.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("b.txt", sandbox.workspace("ana@example.com")["credentials"]["access_token"])
            archive.writestr("c.xlsx", b"PK")
        out, _err = run("import_teams", str(accounts), str(packed), code=1)
        results = sorted(line.split("  ")[0] for line in out.splitlines())
        assert results == ["accounts.csv:2: created", "accounts.csv:3: invalid", "b.txt:1: created", "c.xlsx: invalid"]

    def test_too_much_is_refused_before_anything_is_stored(self, tmp_path):
        packed = tmp_path / "more.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            for number in range(2001):
                archive.writestr(f"{number}.txt", b"")
        with pytest.raises(CommandError, match="2,000"):
            call_command("import_teams", str(packed))

    def test_the_format_may_be_said(self, accounts):
        accounts.write_text('{"accessToken": "x"}')
        out, _err = run("import_teams", str(accounts), "--format", "csv", "--dry-run", code=1)
        assert out.startswith("accounts.csv:1: ")

    def test_a_file_that_is_not_there_or_empty(self, tmp_path):
        with pytest.raises(CommandError, match="No such file"):
            call_command("import_teams", str(tmp_path / "none"))
        (tmp_path / "empty").write_text("\n")
        with pytest.raises(CommandError, match="no line"):
            call_command("import_teams", str(tmp_path / "empty"))

    def test_no_secret_is_printed(self, sandbox, accounts):
        login = sandbox.credentials()[0]
        out, err = run("import_teams", str(accounts), code=1)
        dry, _ = run("import_teams", str(accounts), "--dry-run", code=1)
        for name in ("access_token", "session_token", "refresh_token"):
            assert login[name] not in out + err + dry

    def test_in_a_process_of_its_own_without_a_worker(self, sandbox, accounts, process_env):
        env = process_env | {"UPSTREAM_BASE_URL": sandbox.url, "UPSTREAM_AUTH_URL": sandbox.url}
        done = subprocess.run(
            [sys.executable, "manage.py", "import_teams", str(accounts)],
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 1
        assert len(done.stdout.splitlines()) == 2
        assert Team.objects.count() == 1


class TestListTeams:
    def test_json_says_how_each_stands(self, sandbox, tmp_path):
        opened = sandbox.workspace("omar@example.com", seats=6)
        sandbox.invite_from_web(opened["account_id"], "late@example.com")
        file = tmp_path / "one"
        file.write_text(opened["credentials"]["access_token"])
        run("import_teams", str(file))
        out, _err = run("list_teams", "--format", "json")
        (row,) = json.loads(out)
        assert row.pop("last_sync").startswith("20")
        assert row.pop("seats_read").startswith("20")
        assert row == {
            "account_id": opened["account_id"],
            "owner": "omar@example.com",
            "health": "available",
            "held": 0,
            "cap": 5,
            "pending": 1,
            "seats_known": "pools",
        }

    def test_a_table_for_people(self):
        unread = {"seats_known": "unread", "seats_read_at": None}
        a_team(held=2, account_id="abc", opened_at=None, snapshot_started_at=None, **unread)
        out, _err = run("list_teams")
        head, row = out.splitlines()
        assert head.split() == [
            "account_id",
            "owner",
            "health",
            "held",
            "cap",
            "pending",
            "last_sync",
            "seats_known",
            "seats_read",
        ]
        assert row.split() == ["abc", "omar@example.com", "unsynced", "2", "0", "0", "-", "unread", "-"]

    def test_a_number_of_yesterday_is_no_place(self):
        a_team(seats_read_at=timezone.now() - timedelta(hours=25))
        out, _err = run("list_teams", "--format", "json")
        (row,) = json.loads(out)
        assert (row["health"], row["cap"], row["seats_known"]) == ("seats_unread", 0, "stale")

    def test_constant_queries(self, django_assert_num_queries):
        for number in range(5):
            a_team(owner=an_owner(f"owner{number}@example.com"))
        with django_assert_num_queries(2):
            run("list_teams")


class TestCreateApiKey:
    def test_it_prints_the_key_and_nothing_else(self):
        out, _err = run("create_api_key", "shop", "--scope", "import")
        assert api_keys.check(out.strip(), "import") == ApiKey.objects.get()
        assert len(out.splitlines()) == 1

    def test_it_refuses_a_name_twice_and_an_unknown_scope(self):
        run("create_api_key", "shop")
        with pytest.raises(CommandError, match="already"):
            call_command("create_api_key", "shop")
        with pytest.raises(CommandError, match="invalid choice"):
            call_command("create_api_key", "other", "--scope", "everything")
        with pytest.raises(CommandError, match="1 to 60"):
            call_command("create_api_key", " ")

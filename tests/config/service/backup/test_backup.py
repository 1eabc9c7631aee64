"""Backup under load and restore: what comes back is whole, and trusts nothing of the time between."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone

from config.service.backup import backup, load
from config.service.backup.backup import BackupFailed, back_up
from config.service.startup import take_lock
from guardian.clockwork import heartbeats
from invites.models import Redemption
from invites.redeeming.redeem import redeem
from invites.settings import IS_OPEN, REMOVALS_PAUSED
from notifications.models import AuditEvent
from teampool.models import Team
from tests.cast import ANA, SAM, a_code, a_team, run_together

pytestmark = pytest.mark.django_db(transaction=True)

CHECK = """
import django; django.setup()
from tests.invites.invariants import check_books
from invites.models import Redemption
from invites.settings import IS_OPEN
from teampool.models import Team
from django.utils import timezone
check_books()
print(Redemption.objects.count(), Team.objects.count(), IS_OPEN.get(), Team.objects.allocatable(timezone.now()).count(),
      Team.objects.first().access_token)
"""


# Stands for a power cut: what follows the load never happens.
KILLED_AFTER_LOADING = """
import os, signal, sys
import django; django.setup()
from django.core.management import call_command
from config.service.backup import restore
restore.call_command = lambda *args, **options: os.kill(os.getpid(), signal.SIGKILL)
call_command("restore", sys.argv[1], force=True)
"""


@pytest.fixture
def another(process_env: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of another installation, on a database that does not exist yet or is empty."""
    folder = tmp_path / "another"
    folder.mkdir()
    if connection.vendor == "sqlite":
        yield process_env | {"DATA_DIR": str(folder), "DATABASE_URL": f"sqlite:///{folder}/new.sqlite3"}
        return
    name = f"restored_{uuid.uuid4().hex[:12]}"
    server = process_env["DATABASE_URL"].rpartition("/")[0]
    admin = server.replace("postgres://", "postgresql://") + "/postgres"
    with psycopg.connect(admin, autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name}")
    yield process_env | {"DATA_DIR": str(folder), "DATABASE_URL": f"{server}/{name}"}
    with psycopg.connect(admin, autocommit=True) as database:
        database.execute(f"DROP DATABASE {name} WITH (FORCE)")


def manage(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], env=env, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
    )


def sql(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kept.backup"


class TestUnderLoad:
    def test_a_backup_made_while_people_redeem_is_whole(self, file, another):
        teams = [a_team(seats=30) for _ in range(3)]
        texts = [a_code().code for _ in range(80)]
        half = threading.Event()

        def redeem_some(first: int) -> None:
            for number, text in enumerate(texts[first::4]):
                redeem(email=f"p{first}-{number}@example.com", code=text)
                if number == 3:
                    half.set()

        def make_backup() -> int:
            half.wait(30)
            return back_up(file)

        results = run_together(make_backup, *(lambda n=n: redeem_some(n) for n in range(4)))
        assert [one for one in results if isinstance(one, Exception)] == []

        done = manage(another, "manage.py", "restore", str(file))
        assert done.returncode == 0, done.stderr
        looked = manage(another, "-c", CHECK)
        assert looked.returncode == 0, looked.stderr
        count, pool, is_open, allocatable, token = looked.stdout.split()
        assert 4 <= int(count) <= 80
        assert (int(pool), is_open, allocatable, token) == (len(teams), "False", "0", "not-a-real-token")

    def test_it_was_made_in_the_middle_and_not_after(self, file, another):
        """The control: what is redeemed after the backup is not in it."""
        a_team()
        one, two = a_code(), a_code()
        redeem(email=ANA, code=one.code)
        back_up(file)
        redeem(email=SAM, code=two.code)
        assert manage(another, "manage.py", "restore", str(file)).returncode == 0
        assert manage(another, "-c", CHECK).stdout.split()[0] == "1"


class TestBackup:
    def test_only_its_owner_reads_it(self, file):
        back_up(file)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [path.name for path in file.parent.iterdir()] == [file.name]

    def test_it_never_overwrites(self, file):
        file.write_text("precious")
        with pytest.raises(CommandError, match="exists already"):
            call_command("backup", str(file))
        assert file.read_text() == "precious"

    def test_a_folder_that_is_not_there_is_said_in_a_sentence(self, tmp_path):
        with pytest.raises(BackupFailed, match="cannot be written"):
            back_up(tmp_path / "nowhere" / "x")

    def test_the_password_is_on_no_command_line(self, monkeypatch):
        given = {"dbname": "x", "cursor_factory": 1, "password": "open sesame", "sslmode": "require"}
        monkeypatch.setattr(connections["default"], "get_connection_params", lambda: given)
        seen = {}

        def note(command, *, env, **options):
            seen["command"], seen["env"] = command, env
            return subprocess.CompletedProcess(command, 0, "", "")

        monkeypatch.setattr(backup.subprocess, "run", note)
        backup.run_tool("pg_dump", "--format=custom")
        assert "sesame" not in " ".join(seen["command"])
        assert "sslmode=require" in seen["command"][-1]
        assert seen["env"]["PGPASSWORD"] == "open sesame"

    def test_a_missing_program_is_named(self, monkeypatch):
        monkeypatch.setenv("PATH", "/nowhere")
        with pytest.raises(BackupFailed, match="pg_dump is not installed here"):
            backup.run_tool("pg_dump", "x", is_connected=False)


class TestRestore:
    @pytest.fixture
    def kept(self, file) -> Path:
        """A backup with Ana in it; Sam came later."""
        a_team()
        heartbeats.beat(timezone.now())
        redeem(email=ANA, code=a_code().code)
        back_up(file)
        redeem(email=SAM, code=a_code().code)
        connections.close_all()
        return file

    def restore(self, path: Path, *options: str) -> str:
        said = io.StringIO()
        call_command("restore", str(path), *options, stdout=said)
        return said.getvalue()

    def test_it_refuses_a_database_that_is_not_empty(self, kept):
        with pytest.raises(CommandError, match="not empty"):
            self.restore(kept)
        assert Redemption.objects.count() == 2

    def test_forced_it_keeps_a_copy_of_what_was_there(self, kept, settings, tmp_path, another):
        settings.DATA_DIR = tmp_path
        said = self.restore(kept, "--force")
        assert list(Redemption.objects.values_list("email", flat=True)) == [ANA]
        aside = next(tmp_path.glob("before-restore-*"))
        assert str(aside) in said
        assert manage(another, "manage.py", "restore", str(aside)).returncode == 0
        assert manage(another, "-c", CHECK).stdout.split()[0] == "2"

    def test_a_restore_killed_right_after_loading_leaves_it_shut(self, kept, process_env, tmp_path):
        """Whoever starts `up` then: nobody redeems, no Team takes anybody, nobody is removed."""
        assert (IS_OPEN.get(), REMOVALS_PAUSED.get()) == (True, False)
        connections.close_all()
        env = process_env | {"DATA_DIR": str(tmp_path / "data")}
        assert manage(env, "-c", KILLED_AFTER_LOADING, str(kept)).returncode == -signal.SIGKILL
        assert list(Redemption.objects.values_list("email", flat=True)) == [ANA], "the backup is in place"
        assert (IS_OPEN.get(), REMOVALS_PAUSED.get()) == (False, True)
        assert not Team.objects.allocatable(timezone.now()).exists()
        assert AuditEvent.objects.filter(action="removals_paused").count() == 0, "it did not get further"

    def test_a_backup_that_cannot_be_shut_changes_nothing(self, kept, settings, tmp_path, monkeypatch):
        settings.DATA_DIR = tmp_path
        monkeypatch.setattr(load, "_shut_postgres", lambda now: ["SELECT nonsense"])
        monkeypatch.setattr(load, "_shut_sqlite", lambda database, now: database.execute("SELECT nonsense"))
        with pytest.raises(CommandError, match="nonsense"):
            self.restore(kept, "--force")
        assert Redemption.objects.count() == 2
        assert IS_OPEN.get()

    @pytest.mark.parametrize("is_whole", [False, True], ids=["backup", "pg_dump of everything"])
    def test_tables_of_somebody_else_stay(self, settings, tmp_path, file, is_whole):
        """As they are now, also when they were there at the time of the backup."""
        if connection.vendor == "sqlite":
            return  # the file is ours alone
        settings.DATA_DIR = tmp_path
        sql(
            "CREATE TABLE keepsake (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, seven int UNIQUE)",
            "CREATE INDEX keepsake_seven ON keepsake (seven)",
            "INSERT INTO keepsake (seven) VALUES (6)",
        )
        try:
            a_team()
            redeem(email=ANA, code=a_code().code)
            if is_whole:
                backup.run_tool("pg_dump", "--format=custom", f"--file={file}")
            else:
                back_up(file)
            redeem(email=SAM, code=a_code().code)
            sql("UPDATE keepsake SET seven = 7")
            self.restore(file, "--force")
            with connection.cursor() as cursor:
                cursor.execute("SELECT seven FROM keepsake")
                assert cursor.fetchall() == [(7,)]
            assert list(Redemption.objects.values_list("email", flat=True)) == [ANA]
            a_code()  # the counters of the keys came along
            self.restore(next(tmp_path.glob("before-restore-*")), "--force")
            assert Redemption.objects.count() == 2
        finally:
            sql("DROP TABLE keepsake")

    def test_settings_of_a_newer_server_are_passed_over(self):
        dump = [
            b"SET lock_timeout = 0;\n",
            b"SET transaction_timeout = 0;\n",
            b"CREATE TABLE x ();\n",
            b"SET mine = 1;\n",
        ]
        assert list(load.understood_lines(dump, {"lock_timeout"})) == [dump[0], *dump[2:]]

    def test_afterwards_nothing_is_given_out_before_somebody_looked(self, kept, settings, tmp_path):
        settings.DATA_DIR = tmp_path
        assert Team.objects.allocatable(timezone.now()).exists()
        said = self.restore(kept, "--force")
        assert not IS_OPEN.get()
        assert not Team.objects.allocatable(timezone.now()).exists()
        assert "invites.is_open=on" in said
        assert AuditEvent.objects.filter(action="database_restored", actor="restore").count() == 1

    def test_nobody_is_removed_however_young_the_backup_is(self, kept, settings, tmp_path):
        settings.DATA_DIR = tmp_path
        assert not REMOVALS_PAUSED.get()
        self.restore(kept, "--force")
        assert REMOVALS_PAUSED.get()
        assert AuditEvent.objects.filter(action="removals_paused").count() == 1

    def test_it_refuses_while_up_runs(self, kept, settings, tmp_path):
        settings.DATA_DIR = tmp_path
        lock = take_lock(tmp_path, print)
        try:
            with pytest.raises(CommandError, match="is running \\(process"):
                self.restore(kept, "--force")
        finally:
            os.close(lock)
        assert Redemption.objects.count() == 2

    def test_credentials_no_key_opens_are_said(self, kept, settings, tmp_path):
        settings.DATA_DIR = tmp_path
        settings.ENCRYPTION_KEYS = ["b3RoZXIta2V5LW9mLXNvbWVib2R5LWVsc2UtMTIzNDU="]
        with pytest.raises(CommandError, match="No key in ENCRYPTION_KEYS opens 1 of the stored credentials"):
            self.restore(kept, "--force")

    @pytest.mark.parametrize("text", ["", "nonsense", "SQLite format 3\0 and no more", "PGDMP and no more"])
    def test_what_is_no_backup_changes_nothing(self, kept, settings, tmp_path, text):
        settings.DATA_DIR = tmp_path
        bad = tmp_path / "bad"
        bad.write_text(text)
        with pytest.raises(CommandError):
            self.restore(bad, "--force")
        assert Redemption.objects.count() == 2
        assert IS_OPEN.get()

    def test_a_backup_of_a_newer_version_is_refused(self, settings, tmp_path, file):
        settings.DATA_DIR = tmp_path
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied) VALUES ('invites', '9999_tomorrow', %s)",
                [timezone.now()],
            )
        try:
            back_up(file)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM django_migrations WHERE name = '9999_tomorrow'")
        with pytest.raises(CommandError, match=r"newer version \(invites 9999_tomorrow\)"):
            self.restore(file, "--force")

    def test_an_older_one_is_migrated(self, kept, another):
        """`restore` leaves the tables of this version."""
        assert manage(another, "manage.py", "restore", str(kept)).returncode == 0
        assert manage(another, "manage.py", "migrate", "--check").returncode == 0

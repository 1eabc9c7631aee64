"""The demo as a newcomer starts it: no `.env`, no account, one command; and nothing of it stays behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.core.management.base import CommandError

from config.service.demo import demo, environment
from sandbox.server import SandboxServer
from tests.cast import wait_until
from tests.config.house import House, end_of, free_port


class TestEnvironment:
    def test_nothing_of_an_installation_gets_in(self, monkeypatch, tmp_path):
        monkeypatch.setenv("DATA_DIR", str(tmp_path))
        env = environment.environment(sandbox_port=1234)
        assert env["DATA_DIR"] == str(tmp_path / "demo")
        assert env["DATABASE_URL"] == f"sqlite:///{tmp_path}/demo/seatkeeper.sqlite3"
        assert env["UPSTREAM_BASE_URL"] == env["UPSTREAM_AUTH_URL"] == "http://127.0.0.1:1234"
        assert env["SANDBOX"] == "on"
        assert env["SECRET_KEY"] != os.environ["SECRET_KEY"]

    def test_each_demo_has_secrets_of_its_own(self):
        one, two = (environment.environment(sandbox_port=1) for _ in range(2))
        assert one["SECRET_KEY"] != two["SECRET_KEY"]
        assert one["ENCRYPTION_KEYS"] != two["ENCRYPTION_KEYS"]


class TestFreePort:
    def test_it_takes_the_one_that_is_wanted(self, capsys):
        port = free_port()
        assert environment.free_port(port, "demo") == port
        assert capsys.readouterr().out == ""

    def test_it_takes_another_one_and_says_so(self, capsys):
        with socket.create_server(("127.0.0.1", 0)) as busy:
            wanted = busy.getsockname()[1]
            found = environment.free_port(wanted, "demo")
        assert found != wanted
        assert capsys.readouterr().out == f"Port {wanted} is in use; the demo takes {found} instead.\n"

    def test_it_leaves_out_what_is_spoken_for(self):
        port = free_port()
        assert environment.free_port(port, "sandbox", taken=[port]) != port


class TestWaitForTheSandbox:
    @pytest.fixture
    def other(self) -> Iterator[SandboxServer]:
        other = SandboxServer(name="somebody else's")
        other.start()
        yield other
        other.stop()

    def test_it_takes_the_one_of_its_name(self, other):
        demo.wait_for_the_sandbox(other.url, name="somebody else's", is_running=lambda: False)

    def test_it_takes_no_other_one(self, other):
        with pytest.raises(demo.SandboxEnded, match="did not start"):
            demo.wait_for_the_sandbox(other.url, name="ours", is_running=lambda: False)

    def test_it_gives_up_on_one_that_says_nothing(self, monkeypatch):
        monkeypatch.setattr(demo, "START_WITHIN", 0.0)
        with pytest.raises(CommandError, match="does not answer"):
            demo.wait_for_the_sandbox(f"http://127.0.0.1:{free_port()}", name="ours", is_running=lambda: True)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    ours = ("SECRET_KEY", "ENCRYPTION_KEYS", "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "ALLOWED_HOSTS")
    env = {name: value for name, value in os.environ.items() if name not in ours}
    folder = tmp_path / "data"
    folder.mkdir()
    # Its processes carry the folder it makes below the one it is given.
    house = House(folder / "demo", env)
    yield house
    house.demolish()


def start(house: House):
    command = (sys.executable, "-m", "config.service.demo.environment", "--port", str(house.port))
    demo = house.start(*command, DATA_DIR=str(house.folder.parent))
    wait_until(lambda: "Stop everything" in house.said or demo.poll() is not None, timeout=90, what="the demo runs")
    assert demo.poll() is None, house.said
    return demo


def printed(house: House, pattern: str) -> str:
    return re.search(pattern, house.said)[1]


@pytest.mark.slow(20)
class TestDemo:
    def test_what_it_prints_works_and_ctrl_c_ends_all_of_it(self, house):
        demo = start(house)
        url, mail = printed(house, r"Redeem a code\s+(\S+)"), printed(house, r"Mail of users\s+(\S+)")
        codes = re.findall(r"Code to try\s+(\S+)", house.said)
        assert len(codes) == 3

        answer = requests.post(f"{url}api/redemptions", json={"email": "ana@example.com", "code": codes[0]}, timeout=10)
        assert answer.status_code == 202, answer.text
        status = f"{url}api/redemptions/{answer.json()['id']}"
        wait_until(lambda: requests.get(status, timeout=10).json()["state"] == "verified", what="a verified seat")
        assert "ana@example.com" in requests.get(mail, timeout=10).text

        name, password = re.search(r"Log in as\s+(\S+) · (\S+)", house.said).groups()
        with requests.Session() as browser:
            login = f"{url}admin/login/"
            browser.get(login, timeout=10)
            form = {"username": name, "password": password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
            answer = browser.post(login, form, headers={"Referer": login}, allow_redirects=False, timeout=10)
        assert answer.status_code == 302

        os.killpg(demo.pid, signal.SIGINT)
        assert end_of(demo) == 0
        assert house.is_gone()

    def test_it_starts_over_when_somebody_took_its_port(self, house):
        with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
            port = taken.getsockname()[1]
            env = environment.environment(sandbox_port=port)
            env |= {"DATA_DIR": str(house.folder), "DATABASE_URL": f"sqlite:///{house.folder}/seatkeeper.sqlite3"}
            command = (sys.executable, "manage.py", "demo", "--port", str(house.port))
            process = house.start(*command, **env)
            wait_until(lambda: "Stop everything" in house.said or process.poll() is not None, timeout=90, what="runs")
        assert f":{port}/" not in printed(house, r"Mail of users\s+(\S+)")
        os.killpg(process.pid, signal.SIGINT)
        assert end_of(process) == 0
        assert house.is_gone()

    def test_killed_it_takes_all_with_it(self, house):
        demo = start(house)
        assert house.pids("sandbox")
        demo.kill()
        demo.wait()
        wait_until(house.is_gone, what="the demo's processes are gone")

    def test_each_start_is_fresh(self, house):
        house.folder.mkdir(parents=True)
        (house.folder / "seatkeeper.sqlite3").write_text("not a database")
        start(house)
        assert house.get("/readyz") in (200, 503)

"""`up` with real processes: what it survives, what it replaces, and that it leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from guardian.models import Heartbeat
from tests.cast import wait_until
from tests.config.house import House, end_of, kill_all

pytestmark = pytest.mark.slow(10)
# Signals and processes know no database.
ONCE = pytest.mark.full(on="postgresql")


@pytest.fixture
def house(tmp_path: Path, process_env: dict[str, str]) -> Iterator[House]:
    folder = tmp_path / "data"
    folder.mkdir()
    house = House(folder, process_env)
    yield house
    house.demolish()


def wait_for_a_beat() -> None:
    since = timezone.now()
    wait_until(lambda: Heartbeat.objects.filter(at__gt=since).exists(), timeout=60, what="a heartbeat")


class TestStopping:
    @pytest.mark.parametrize(
        ("number", "to_the_group"),
        [
            pytest.param(signal.SIGTERM, False, id="sigterm"),
            pytest.param(signal.SIGTERM, True, id="sigterm-to-the-group", marks=ONCE),
            pytest.param(signal.SIGINT, True, id="ctrl-c", marks=ONCE),
            pytest.param(signal.SIGHUP, True, id="terminal-closed", marks=ONCE),
        ],
    )
    def test_it_stops_clean(self, house, number, to_the_group):
        up = house.start()
        house.wait_until_it_answers()
        (os.killpg if to_the_group else os.kill)(up.pid, number)
        assert end_of(up) == 0
        assert house.is_gone()
        assert f"http://127.0.0.1:{house.port}/" in house.said

    @ONCE
    def test_a_second_signal_does_not_wait(self, house):
        up = house.start(STOP_GRACE="120")
        house.wait_until_it_answers()
        # Stopped processes cannot follow a SIGTERM.
        kill_all([house.cluster().main], signal.SIGSTOP)
        os.kill(up.pid, signal.SIGINT)
        wait_until(lambda: "Stopping" in house.said)
        os.kill(up.pid, signal.SIGINT)
        assert end_of(up) == 0
        assert house.is_gone()

    @ONCE
    def test_killed_itself_it_takes_all_with_it_and_the_next_one_waits(self, house):
        up = house.start(STOP_GRACE="120")
        house.wait_until_it_answers()
        before = house.pids()
        slow = house.cluster().main
        kill_all([slow], signal.SIGSTOP)  # slow to go: the next one has something to wait for
        up.kill()
        up.wait()
        following = house.start()
        wait_until(lambda: "Waiting for it to stop" in house.said)
        kill_all([slow], signal.SIGCONT)
        wait_until(lambda: not set(before) & set(house.pids()), what="the programs of the killed one are gone")
        house.wait_until_it_answers()
        following.terminate()
        assert end_of(following) == 0
        assert house.is_gone()


class TestReplacing:
    @ONCE
    def test_a_killed_web_server_is_started_again(self, house):
        house.start()
        house.wait_until_it_answers()
        before = house.pids("gunicorn")
        master = next(pid for pid in before if pid not in house.pids("config.service.die_with_parent"))
        kill_all([master])
        wait_until(lambda: not set(before) & set(house.pids()), what="nothing of the old web server is left")
        house.wait_until_it_answers()

    @ONCE
    def test_a_killed_leash_takes_its_program_along(self, house):
        house.start()
        house.wait_until_it_answers()
        wait_for_a_beat()
        before = house.pids("qcluster")
        kill_all(house.pids("config.service.die_with_parent", "qcluster"))
        wait_until(lambda: not set(before) & set(house.pids()), what="nothing of the old worker is left")
        wait_for_a_beat()

    @ONCE
    def test_a_queue_whose_idle_workers_were_killed_is_replaced(self, house):
        house.start()
        house.wait_until_it_answers()
        wait_for_a_beat()  # the jobs of the start are done: at most one worker is busy
        cluster = house.cluster()
        # One of them holds the lock of the queue they share; the cluster starts others, which wait for it for ever.
        kill_all(cluster.workers)
        wait_until(lambda: cluster.main not in house.pids(), timeout=60, what="the cluster is replaced")
        assert "Nothing has come off the queue" in house.said
        wait_for_a_beat()
        assert house.get() == 200

    @ONCE
    def test_without_the_watchdog_nothing_would_run_again(self, house):
        """The control of the test above: the cluster does not recover from this by itself."""
        house.start(HEARTBEAT_LIMIT="600")
        house.wait_until_it_answers()
        wait_for_a_beat()
        before = house.pids("qcluster")
        kill_all(house.cluster().workers)
        wait_until(lambda: len(set(house.pids("qcluster")) - set(before)) == 2, what="two other workers")
        # What they had finished may still be on its way; from here on beats are due every second.
        since = timezone.now() + timedelta(seconds=1)
        wait_until(lambda: timezone.now() > since + timedelta(seconds=6))
        assert not Heartbeat.objects.filter(at__gt=since).exists()

    def test_a_queue_that_stands_still_is_replaced(self, house):
        house.start()
        house.wait_until_it_answers()
        cluster = house.cluster()
        kill_all([cluster.pusher], signal.SIGSTOP)
        wait_until(lambda: cluster.main not in house.pids(), timeout=60, what="the cluster is replaced")
        wait_for_a_beat()

    @ONCE
    def test_it_gives_up_on_what_dies_again_and_again(self, house):
        up = house.start(GUNICORN_CMD_ARGS="--no-such-option")
        assert end_of(up, within=90) == 1
        assert "giving up" in house.said
        assert house.is_gone()


class TestStarting:
    @ONCE
    def test_it_refuses_a_busy_port_in_one_sentence(self, house):
        with socket.create_server(("127.0.0.1", house.port)):
            assert end_of(house.start()) == 1
        assert f"Port {house.port} is in use. Choose another one with --port." in house.said
        assert "Traceback" not in house.said

    @ONCE
    def test_ctrl_c_while_it_waits_for_another_one_ends_it(self, house):
        first = house.start()
        house.wait_until_it_answers()
        second = house.start()
        wait_until(lambda: f"(process {first.pid})" in house.said)
        second.send_signal(signal.SIGINT)
        assert end_of(second) == 0
        assert house.get() == 200


class TestOnly:
    @pytest.fixture
    def other_house(self, tmp_path: Path, process_env: dict[str, str]) -> Iterator[House]:
        """Another node on the same database."""
        folder = tmp_path / "other" / "data"
        folder.mkdir(parents=True)
        house = House(folder, process_env)
        yield house
        house.demolish()

    def test_web_server_and_worker_are_two_nodes(self, house, other_house):
        manage = (sys.executable, "manage.py", "up", "--only")
        web = house.start(*manage, "web", "--port", str(house.port))
        wait_until(lambda: house.get() == 200, timeout=60)
        assert house.get("/readyz") == 503  # nothing runs the background work
        assert house.pids("qcluster") == []
        worker = other_house.start(*manage, "worker")
        house.wait_until_it_answers()
        assert other_house.pids("gunicorn") == []
        assert "'s background work is running" in other_house.said
        for one in (worker, web):
            one.terminate()
            assert end_of(one) == 0
        assert house.is_gone()
        assert other_house.is_gone()

"""The leash: the program goes when its holder does, and nothing it started stays."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.cast import wait_until

# Says that it runs, together with a child, and sleeps.
PROGRAM = """
import os, signal, subprocess, sys, time
if "deaf" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], close_fds=False)
open(sys.argv[1], "w").write(f"{os.getpid()} {child.pid}\\n")
if "ends" in sys.argv: sys.exit(3)
time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Leash:
    def __init__(self, folder: Path) -> None:
        self.reading, self.holding = os.pipe()
        self.lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.folder = folder
        self.process: subprocess.Popen[bytes]

    def start(self, *words: str, grace: float = 30) -> list[int]:
        """Start the program; the process ids of it and its child."""
        command = (
            sys.executable,
            "-m",
            "config.service.die_with_parent",
            str(self.reading),
            str(grace),
            str(self.lock),
            "--",
        )
        self.process = subprocess.Popen(
            (*command, sys.executable, "-c", PROGRAM, str(self.folder / "pids"), *words),
            cwd=settings.BASE_DIR,
            start_new_session=True,
            pass_fds=(self.reading, self.lock),
            stderr=subprocess.DEVNULL,
        )
        pids = self.folder / "pids"
        wait_until(lambda: pids.exists() and pids.read_text().endswith("\n"), what="the program runs")
        return [int(pid) for pid in pids.read_text().split()]

    def let_go(self) -> None:
        if self.holding >= 0:
            os.close(self.holding)
            self.holding = -1

    def is_lock_free(self) -> bool:
        other = os.open(self.folder / "lock", os.O_RDWR)
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(other)
        return True


@pytest.fixture
def leash(tmp_path: Path) -> Iterator[Leash]:
    leash = Leash(tmp_path)
    yield leash
    leash.let_go()
    leash.process.wait(30)
    os.close(leash.reading)
    os.close(leash.lock)


def wait_until_gone(pids: list[int]) -> None:
    wait_until(lambda: not any(map(is_alive, pids)), what="the program and its child are gone")


def test_it_goes_with_its_holder(leash):
    pids = leash.start()
    leash.let_go()
    wait_until_gone(pids)


def test_it_goes_when_asked(leash):
    pids = leash.start()
    leash.process.terminate()
    wait_until_gone(pids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_program_that_does_not_listen_is_killed_after_its_grace(leash, number):
    pids = leash.start("deaf", grace=0.3)
    leash.process.send_signal(number)
    wait_until_gone(pids)


def test_a_program_that_ends_by_itself_leaves_no_children(leash):
    pids = leash.start("ends")
    wait_until_gone(pids)
    leash.process.wait(30)


def test_the_lock_is_held_until_the_last_process_is_gone(leash):
    pids = leash.start("deaf", grace=1)
    leash.let_go()
    os.close(leash.lock)
    leash.lock = os.open(os.devnull, os.O_RDONLY)
    assert not leash.is_lock_free()
    wait_until_gone(pids)
    wait_until(leash.is_lock_free)

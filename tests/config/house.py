"""Runs the product's own commands as real processes, and looks at what they started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from tests.cast import wait_until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class House:
    """One installation in a folder of its own; every process of it carries that folder in its environment."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.folder = folder
        self.port = free_port()
        house = {
            "WORKERS": "2",
            "HEARTBEAT_EVERY": "1",
            "HEARTBEAT_LIMIT": "8",
            "STOP_GRACE": "4",
            "PYTHONUNBUFFERED": "1",
        }
        # Its caller's own values win, but a house always has its own folder.
        self.env = house | env | {"DATA_DIR": str(folder)}
        self._log = folder.parent / "up.log"
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str, **env: str) -> subprocess.Popen[bytes]:
        """Start `up`, or another command, as a terminal would: in a process group of its own."""
        command = command or (sys.executable, "manage.py", "up", "--port", str(self.port))
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=settings.BASE_DIR,
                env=self.env | env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_as_from_a_terminal,
            )
        self._started.append(process)
        return process

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def get(self, path: str = "/healthz") -> int:
        """The status of a page, 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def wait_until_it_answers(self) -> None:
        wait_until(lambda: self.get("/readyz") == 200, timeout=60, what=f"ready; it said:\n{self.said}")

    def pids(self, *words: str) -> list[int]:
        """The live processes of this installation whose command line holds all `words`, oldest first."""
        mark = f"DATA_DIR={self.folder}\0".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            with contextlib.suppress(OSError):
                if mark not in (entry / "environ").read_bytes() + b"\0" or _state(entry) == "Z":
                    continue
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if all(word in line for word in words):
                    found.append(int(entry.name))
        return sorted(found)

    def cluster(self) -> Cluster:
        return Cluster(self)

    def is_gone(self) -> bool:
        return not self.pids()

    def demolish(self) -> None:
        """Kill what a test left running, and what that may have started in the same moment."""

        def is_gone() -> bool:
            for pid in self.pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for process in self._started:
                process.poll()
            return self.is_gone()

        wait_until(is_gone, what="killed processes are gone")
        for process in self._started:
            process.wait()


class Cluster:
    """The queue's processes by their parts: the main one, its sentinel, and the workers, monitor and pusher below."""

    def __init__(self, house: House) -> None:
        pids = [pid for pid in house.pids("qcluster") if pid not in house.pids("config.service.die_with_parent")]
        self.main = next(pid for pid in pids if _parent(pid) not in pids)
        self.sentinel = next(pid for pid in pids if _parent(pid) == self.main)
        below = [pid for pid in pids if _parent(pid) == self.sentinel]
        count = int(house.env["WORKERS"])
        # Spawned in this order.
        self.workers, (self.monitor, self.pusher) = below[:count], below[count:]


def _as_from_a_terminal() -> None:
    """Hear SIGHUP even where the tests were started by nohup, which has it ignored by all that they start."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _state(entry: Path) -> str:
    return (entry / "stat").read_text().rpartition(")")[2].split()[0]


def _parent(pid: int) -> int:
    return int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])


def kill_all(pids: Sequence[int], number: signal.Signals = signal.SIGKILL) -> None:
    for pid in pids:
        os.kill(pid, number)


def end_of(process: subprocess.Popen[bytes], *, within: float = 90) -> int:
    """The exit code of a process that is about to end. Longer than the grace a busy machine may need to the full."""
    return process.wait(within)

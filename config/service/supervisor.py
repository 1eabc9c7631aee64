"""Runs web server and worker: restarts a program that died, replaces a stuck worker, stops all together.

Each program has its own session, so that Ctrl-C reaches only this process: django-q2 does not stop when its workers
are signalled one by one. If this process is killed, `config.service.die_with_parent` ends the programs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Self

from django.conf import settings
from django.db import DatabaseError, connections
from django.utils import timezone

from config.service.startup import Say
from config.service.watchdog import Watchdog
from guardian.clockwork import heartbeats, timetable

LOOK_EVERY = 0.2
DEATHS_TO_GIVE_UP = 5
DEATHS_WITHIN = 120.0
WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Program:
    """A command, and the seconds it may take to stop."""

    name: str
    command: tuple[str, ...]
    grace: float


def web(*, host: str, port: int) -> Program:
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    command = (
        *(sys.executable, "-m", "gunicorn", "config.wsgi", "--bind", address, "--worker-class", "gthread"),
        *("--workers", str(settings.WEB_PROCESSES), "--threads", str(settings.WEB_THREADS)),
        *("--graceful-timeout", str(int(settings.STOP_GRACE)), "--no-control-socket", "--log-level", "warning"),
    )
    return Program("web", command, settings.STOP_GRACE + 1)


def worker() -> Program:
    """django-q2's cluster, which runs every background job."""
    return Program(WORKER, (sys.executable, "manage.py", "qcluster"), settings.STOP_GRACE)


class Leashed:
    """A running program and everything it started, under `die_with_parent`."""

    def __init__(self, program: Program, *, pipe: int, lock: int) -> None:
        self.program = program
        leash = (sys.executable, "-m", "config.service.die_with_parent", str(pipe), str(program.grace), str(lock), "--")
        self._process = subprocess.Popen(
            (*leash, *program.command),
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(pipe, lock),
        )

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def ask_to_stop(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        """Kill the program's whole session, orphans included."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Supervisor:
    """Keeps programs running until told to stop; leaving the context stops all of them."""

    def __init__(self, programs: Sequence[Program], *, lock: int, say: Say) -> None:
        self._programs = {program.name: program for program in programs}
        self._lock = lock
        self._say = say
        # The programs hold the reading end. Nobody writes: they read end of file when this process is gone.
        self._pipe, self._held = os.pipe()
        node = f"{socket.gethostname()}:{os.getpid()}"
        os.environ[heartbeats.NODE_VARIABLE] = node
        self._watchdog = Watchdog(node=node, limit=settings.HEARTBEAT_LIMIT)
        self._running: dict[str, Leashed] = {}
        self._start_at: dict[str, float] = {}
        self._deaths: dict[str, deque[float]] = {name: deque() for name in self._programs}
        self._stops = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop all programs at the same time; return when none is left."""
        if self._running:
            self._say("Stopping…")
        self._end(list(self._running.values()))
        self._running.clear()
        os.close(self._held)
        os.close(self._pipe)

    def run(self, *, url: str, greeting: str) -> int:
        """Run until SIGTERM, SIGINT or SIGHUP; print `greeting` when `url` (if any) answers. Returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # else nohup started us
                signal.signal(number, self._note_stop)
        for name in self._programs:
            if name not in self._running:
                self.start(name)
        return self._watch(url, greeting)

    def _note_stop(self, number: int, frame: FrameType | None) -> None:
        self._stops += 1

    def start(self, name: str) -> None:
        if name == WORKER:
            self._start_beats()
        self._running[name] = Leashed(self._programs[name], pipe=self._pipe, lock=self._lock)

    def is_running(self, name: str) -> bool:
        return name in self._running and not self._running[name].has_ended

    def _start_beats(self) -> None:
        # Jobs the last worker had taken return only after the queue's retry time; start the heartbeats anew now.
        try:
            timetable.start_beats(timezone.now())
        except DatabaseError as error:
            self._say(f"The database does not answer ({type(error).__name__}); the timetable is started later.")
        finally:
            connections.close_all()
        self._watchdog.restart()

    def _watch(self, url: str, greeting: str) -> int:
        look_at_beats = 0.0
        while not self._stops:
            time.sleep(LOOK_EVERY)
            now = time.monotonic()
            if greeting and (not url or answers(f"{url}/healthz")):
                self._say(greeting)
                greeting = ""
            for name, running in list(self._running.items()):
                if running.has_ended and not self._bury(name, running, now):
                    return 1
            for name in [name for name, when in self._start_at.items() if when <= now]:
                del self._start_at[name]
                self.start(name)
            if WORKER in self._running and now >= look_at_beats:
                look_at_beats = now + min(5.0, settings.HEARTBEAT_LIMIT / 4)
                if self._watchdog.is_stuck():
                    self._replace_worker()
        return 0

    def _bury(self, name: str, running: Leashed, now: float) -> bool:
        """Clean up after a program that died; False when it died too often to restart."""
        running.kill()
        del self._running[name]
        if self._stops:
            return True
        deaths = self._deaths[name]
        deaths.append(now)
        while now - deaths[0] > DEATHS_WITHIN:
            deaths.popleft()
        if len(deaths) >= DEATHS_TO_GIVE_UP:
            self._say(f"The {name} died {len(deaths)} times within {DEATHS_WITHIN:.0f} seconds; giving up.")
            return False
        pause = 2.0 ** (len(deaths) - 2)
        self._say(f"The {name} died; starting it again in {pause:g} s.")
        self._start_at[name] = now + pause
        return True

    def _replace_worker(self) -> None:
        self._say(f"Nothing has come off the queue for {self._watchdog.silence:.0f} s; replacing the worker.")
        self._end([self._running.pop(WORKER)])
        if not self._stops:
            self.start(WORKER)

    def _end(self, all_of: list[Leashed]) -> None:
        """Stop programs at the same time. A second Ctrl-C kills them at once."""
        started, patience = time.monotonic(), max(self._stops, 1) + 1
        for running in all_of:
            running.ask_to_stop()
        longest = max((running.program.grace for running in all_of), default=0.0) + 2
        while not all(running.has_ended for running in all_of):
            if self._stops >= patience or time.monotonic() - started > longest:
                break
            time.sleep(LOOK_EVERY / 2)
        for running in all_of:
            running.kill()


def answers(url: str) -> bool:
    """True when a server answers HTTP at `url`, even with an error; asked without a proxy."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=1):
            return True
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return True
    except OSError:
        return False

"""A whole installation on this machine: sandbox, database, web and worker processes, as an operator would run it.

Used by the benchmarks and by the load test. Everything it starts it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def call(url: str, body: Any = None, *, method: str | None = None) -> tuple[int, Any]:
    """One JSON request; the status and the decoded answer, also of a refusal."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


@dataclass
class Installation:
    """`web` addresses, the sandbox's address, and the processes by kind."""

    sandbox: str
    web: list[str]
    env: dict[str, str]
    folder: Path
    processes: dict[str, list[subprocess.Popen[bytes]]] = field(default_factory=dict)

    def manage(self, *words: str, stdin: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words], cwd=ROOT, env=self.env, input=stdin, text=True, capture_output=True
        )
        if done.returncode:
            raise RuntimeError(f"{words[0]}: {done.stdout}{done.stderr}")
        return done.stdout

    def count(self, table: str, where: str) -> int:
        """Rows of a table, asked past the product."""
        url, question = self.env["DATABASE_URL"], f"SELECT count(*) FROM {table} WHERE {where}"
        if url.startswith("sqlite"):
            with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
                return int(database.execute(question).fetchone()[0])
        with psycopg.connect(url) as server:
            return int(server.execute(question).fetchone()[0])  # type: ignore[arg-type,index]

    def newest(self, table: str, column: str) -> float:
        """The latest moment in a column, in seconds since the epoch, asked past the product."""
        url, question = self.env["DATABASE_URL"], f"SELECT max({column}) FROM {table}"
        if url.startswith("sqlite"):
            with contextlib.closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
                text = database.execute(question).fetchone()[0]
                return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        with psycopg.connect(url) as server:
            return float(server.execute(question).fetchone()[0].timestamp())  # type: ignore[index]

    def start(self, kind: str, *words: str) -> subprocess.Popen[bytes]:
        log = (self.folder / f"{kind}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True
        )
        self.processes.setdefault(kind, []).append(process)
        return process

    def start_web(self, *, threads: int = 8) -> str:
        port = free_port()
        self.start(
            "web", "-m", "gunicorn", "config.wsgi", "-k", "gthread", "-w", "1", "--threads", str(threads),
            "-b", f"127.0.0.1:{port}", "--no-control-socket", "--backlog", "256",
        )  # fmt: skip
        url = f"http://127.0.0.1:{port}"
        self.web.append(url)
        return url

    def start_worker(self) -> None:
        self.start("worker", "manage.py", "qcluster")

    def kill(self, kind: str) -> None:
        """SIGKILL every process of a kind, with all it started."""
        for process in self.processes.pop(kind, []):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if kind == "web":
            self.web.clear()

    def log(self, kind: str) -> str:
        return (self.folder / f"{kind}.log").read_text(errors="replace")


@contextlib.contextmanager
def installation(
    *,
    database: str,
    teams: int,
    seats: int = 4,
    members: int = 0,
    latency: float = 0.15,
    webs: int = 1,
    workers: int = 1,
    **env: str,
) -> Iterator[Installation]:
    """Start everything, import the sandbox's Teams, and wait until each web process answers."""
    folder = Path(tempfile.mkdtemp(prefix="seatkeeper-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        url = stack.enter_context(_database(database, folder))
        here = Installation(
            "", [], os.environ | ENVIRONMENT | {"DATA_DIR": str(folder), "DATABASE_URL": url} | env, folder
        )
        stack.callback(_end, here)
        port = free_port()
        here.start(
            "sandbox", "-m", "sandbox", "--port", str(port), "--teams", str(teams), "--seats", str(seats + 1),
            "--latency", "0",
        )  # fmt: skip
        here.sandbox = f"http://127.0.0.1:{port}"
        here.env |= {"UPSTREAM_BASE_URL": here.sandbox, "UPSTREAM_AUTH_URL": here.sandbox}
        _wait_for(f"{here.sandbox}/__sandbox__/dump")
        if members:
            call(f"{here.sandbox}/__sandbox__/seed", {"teams": teams, "seats": seats + 1, "members": members})
        here.manage("migrate", "-v0")
        here.manage("collectstatic", "--noinput", "-v0")
        logins = call(f"{here.sandbox}/__sandbox__/credentials")[1]
        here.manage("import_teams", "-", stdin="\n".join(json.dumps(login["session_json"]) for login in logins))
        call(f"{here.sandbox}/__sandbox__/set_latency", {"seconds": latency})
        for _ in range(workers):
            here.start_worker()
        for _ in range(webs):
            _wait_for(here.start_web() + "/healthz")
        yield here


ENVIRONMENT = {
    "DEBUG": "off",
    "SECURE_COOKIES": "off",
    "REDEEM_THROTTLE": "off",
    "SECRET_KEY": "only-for-benchmarks-7c1e9a3b5d2f4068a1c3e5g7i9",
    "ENCRYPTION_KEYS": "R2xhZGx5LXRlc3Qta2V5LW5vdC1mb3ItcmVhbC11c2U=",
    "LOG_LEVEL": "WARNING",
}


@contextlib.contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'bench.sqlite3'}"
        return
    name = f"seatkeeper_{os.getpid()}_{free_port()}"
    server = os.environ.get("BENCH_POSTGRES", "postgres://postgres@127.0.0.1:5432")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server}/{name}"
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _wait_for(url: str, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            if call(url)[0] < 500:
                return
        except OSError:
            pass
        if time.monotonic() > end:
            raise TimeoutError(url)
        time.sleep(0.05)


def _end(here: Installation) -> None:
    for process in [one for many in here.processes.values() for one in many]:
        process.terminate()
    for process in [one for many in here.processes.values() for one in many]:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(8)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

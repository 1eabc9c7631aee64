"""What the demo starts with: a sandbox, its Teams imported as an operator would, and codes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from config.service.supervisor import Program

TEAMS = 6
SEATS = 5  # with the owner's
LATENCY = 0.15  # seconds, about what ChatGPT takes
CODES = 12
START_WITHIN = 20.0


class SandboxEnded(CommandError):
    """The demo's sandbox ended before it answered."""


def sandbox(port: int, *, name: str) -> Program:
    """The stand-in for ChatGPT with Teams to import; it tells `name` when asked who it is."""
    options = f"--port {port} --name {name} --teams {TEAMS} --seats {SEATS} --latency {LATENCY} --showcase"
    return Program("sandbox", (sys.executable, "-m", "sandbox", *options.split()), grace=2.0)


def wait_for_the_sandbox(url: str, *, name: str, is_running: Callable[[], bool]) -> None:
    """Return when the sandbox called `name` answers. Raises SandboxEnded, or CommandError after `START_WITHIN`.

    The name is checked because another program, even another sandbox, may have taken the port since we looked.
    """
    give_up_at = time.monotonic() + START_WITHIN
    while not _is_named(url, name):
        if not is_running():
            raise SandboxEnded("The sandbox did not start: see above.")
        if time.monotonic() > give_up_at:
            raise CommandError(f"The sandbox does not answer on {url}.")
        time.sleep(0.1)


def teach_the_sandboxs_teams(url: str) -> None:
    """Import every Team of the sandbox by pasting its session. Raises CommandError."""
    logins: list[dict[str, Any]] = _ask(f"{url}/__sandbox__/credentials", timeout=10)
    _manage("import_teams", "-", said="\n".join(json.dumps(login["session_json"]) for login in logins))


def make_codes() -> list[str]:
    return _manage("generate_codes", str(CODES), "--label", "demo").split()


def _is_named(url: str, name: str) -> bool:
    try:
        return bool(_ask(f"{url}/__sandbox__/name", timeout=1) == {"name": name})
    except (OSError, ValueError, HTTPException):
        return False


def _ask(url: str, *, timeout: float) -> Any:
    """The JSON at `url`, asked without a proxy."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=timeout) as answer:
        return json.load(answer)


def _manage(command: str, *arguments: str, said: str = "") -> str:
    """Run a manage.py command with `said` on its stdin; what it printed. Raises CommandError."""
    done = subprocess.run(
        [sys.executable, "manage.py", command, *arguments],
        cwd=settings.BASE_DIR,
        input=said,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C must reach the demo alone
    )
    if done.returncode:
        raise CommandError(f"`{command}` failed:\n{done.stdout}{done.stderr}")
    return done.stdout

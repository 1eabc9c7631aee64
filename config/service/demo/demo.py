"""What the demo starts with: a sandbox, its Teams imported by the front door, and codes."""

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
SEATS = 5  # the owner's own seat included
LATENCY = 0.15  # seconds: about what the real service takes
CODES = 12
START_WITHIN = 20.0


class SandboxEnded(CommandError):
    """The demo's sandbox ended before it answered."""


def sandbox(port: int, *, name: str) -> Program:
    """The stand-in for ChatGPT, with Teams to import; `name` is what it answers when it is asked who it is."""
    options = (
        "--port",
        str(port),
        "--name",
        name,
        "--teams",
        str(TEAMS),
        "--seats",
        str(SEATS),
        "--latency",
        str(LATENCY),
        "--showcase",
    )
    return Program("sandbox", (sys.executable, "-m", "sandbox", *options), grace=2.0)


def wait_for_the_sandbox(url: str, *, name: str, is_running: Callable[[], bool]) -> None:
    """Return once the sandbox of this name answers on `url`. Raises SandboxEnded, or CommandError when it never does.

    The port was free when it was looked for; by now another program may have it, a sandbox even.
    """
    give_up_at = time.monotonic() + START_WITHIN
    while not _is_named(url, name):
        if not is_running():
            raise SandboxEnded("The sandbox did not start: see above.")
        if time.monotonic() > give_up_at:
            raise CommandError(f"The sandbox does not answer on {url}.")
        time.sleep(0.1)


def teach_the_sandboxs_teams(url: str) -> None:
    """Import every workspace of the sandbox, as an operator would paste its session. Raises CommandError."""
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
    """The JSON that stands there; a proxy set in the environment is not asked."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=timeout) as answer:
        return json.load(answer)


def _manage(command: str, *arguments: str, said: str = "") -> str:
    """Run one of the product's own commands, with `said` on its stdin; what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", command, *arguments],
        cwd=settings.BASE_DIR,
        input=said,
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,  # Ctrl-C is for the demo, which ends its helpers itself
    )
    if done.returncode:
        raise CommandError(f"`{command}` failed:\n{done.stdout}{done.stderr}")
    return done.stdout

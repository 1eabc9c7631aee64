"""A demo for pictures: started on a free port with data of its own, acted on from both sides, and ended."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
PORT = 8870  # or the next free one
PATIENCE = 90.0


@dataclass(frozen=True)
class Demo:
    """A running demo: its addresses, codes to redeem, and how to log in."""

    url: str
    sandbox: str
    codes: list[str]
    name: str
    password: str

    def ask(self, path: str, body: Any = None, *, base: str = "") -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request((base or self.url) + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def order(self, order: str, /, **fields: Any) -> Any:
        """Have the sandbox do something, as the other side."""
        return self.ask(f"/__sandbox__/{order}", fields, base=self.sandbox)

    def look(self, name: str) -> Any:
        return self.ask(f"/__sandbox__/{name}", base=self.sandbox)

    def redeem(self, email: str, code: str) -> str:
        """The id of the redemption, once its invitation is confirmed."""
        made: str = self.ask("/api/redemptions", {"email": email, "code": code})["id"]
        self.wait_for(made, "verified")
        return made

    def wait_for(self, redemption: str, state: str) -> None:
        wait_until(lambda: self.ask(f"/api/redemptions/{redemption}")["state"] == state, f"{redemption} {state}")

    def accept(self, email: str) -> None:
        """Accept the invitation of this person, wherever it came from."""
        for workspace in self.look("dump")["workspaces"]:
            if any(invite["email"] == email for invite in workspace["invites"]):
                self.order("accept", account_id=workspace["account_id"], email=email)


def wait_until(fact: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not fact():
        if time.monotonic() > end:
            raise SystemExit(f"Not within {PATIENCE:.0f} s: {what}")
        time.sleep(0.1)


@contextmanager
def running_demo() -> Iterator[Demo]:
    """Start a demo with data of its own; ends it and everything it started."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "said").open("w+b") as log:
        process = subprocess.Popen(
            (sys.executable, "-m", "config.service.demo.environment", "--port", str(PORT)),
            cwd=ROOT,
            env=os.environ | {"DATA_DIR": folder, "REDEEM_THROTTLE": "off", "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

        def said() -> str:
            return Path(log.name).read_text()

        try:
            wait_until(lambda: "Stop everything" in said() or process.poll() is not None, "the demo runs")
            if process.poll() is not None:
                raise SystemExit(f"The demo did not start:\n{said()}")
            yield read_greeting(said())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)


def read_greeting(said: str) -> Demo:
    def one(pattern: str) -> tuple[str, ...]:
        found = re.search(pattern, said)
        assert found, f"the demo said nothing like {pattern}:\n{said}"
        return found.groups()

    return Demo(
        one(r"Redeem a code +(\S+)/\n")[0],
        one(r"Mail of users +(\S+)/mail/")[0],
        re.findall(r"Code to try +(\S+)", said),
        *one(r"Log in as +(\S+) · (\S+)"),
    )

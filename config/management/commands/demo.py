"""`demo`: the whole product on the sandbox with sample data; Ctrl-C stops everything."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from base import actors
from config.backoffice.first_operator import FirstOperator, create_first_operator
from config.service.demo import environment
from config.service.demo.demo import (
    TEAMS,
    SandboxEnded,
    make_codes,
    sandbox,
    teach_the_sandboxs_teams,
    wait_for_the_sandbox,
)
from config.service.startup import LOCK, prepare, take_lock
from config.service.supervisor import Supervisor, web, worker


class Command(BaseCommand):
    help = "Runs the product on the local sandbox with Teams, codes and an operator, on a database of its own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        environment.add_arguments(parser)

    def handle(self, *, port: int, **options: Any) -> None:
        if environment.MARK not in os.environ:
            environment.become_the_demo(port)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))
        sandbox_port = int(os.environ[environment.MARK])
        try:
            code = self.run(port, sandbox_port)
        except SandboxEnded:
            if environment.is_free(sandbox_port):
                raise
            # The port was free when we looked; another program took it since. Start again on other ports.
            environment.become_the_demo(port)
        sys.exit(code)

    def run(self, port: int, sandbox_port: int) -> int:
        """Run until told to stop; the exit code."""
        lock = take_lock(settings.DATA_DIR, self.say)
        empty(settings.DATA_DIR)
        prepare(self.say)
        name = secrets.token_hex(8)
        programs = [sandbox(sandbox_port, name=name), web(host="127.0.0.1", port=port), worker()]
        with Supervisor(programs, lock=lock, say=self.say) as supervisor:
            supervisor.start("sandbox")
            is_running = partial(supervisor.is_running, "sandbox")
            wait_for_the_sandbox(settings.UPSTREAM_BASE_URL, name=name, is_running=is_running)
            self.say(f"Importing {TEAMS} Teams from the sandbox…")
            teach_the_sandboxs_teams(settings.UPSTREAM_BASE_URL)
            codes = make_codes()
            operator = create_first_operator(actor=actors.command("demo"))
            url = f"http://127.0.0.1:{port}"
            return supervisor.run(url=url, greeting=greeting(url, codes, operator))

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def empty(folder: Path) -> None:
    """Delete everything in the folder but the lock file, which is held."""
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry.name != LOCK:
            entry.unlink()


def greeting(url: str, codes: list[str], operator: FirstOperator | None) -> str:
    lines = [
        "",
        "演示已启动。ChatGPT 由本机的沙盒代替，不会联系 ChatGPT。按 Ctrl-C 全部停止。",
        "The demo is running. A sandbox on this machine stands in for ChatGPT, which is never contacted.",
        "",
        f"  Redeem a code   {url}/",
        *(f"  Code to try     {code}" for code in codes[:3]),
        f"  Mail of users   {settings.UPSTREAM_BASE_URL}/mail/   (accept an invitation there)",
        "",
        f"  Back office     {url}/admin/",
    ]
    if operator is not None:
        lines.append(f"  Log in as       {operator.name} · {operator.password}")
    return "\n".join([*lines, "", "Stop everything with Ctrl-C."])

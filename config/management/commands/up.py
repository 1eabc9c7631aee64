"""`up`: run the whole product with one command."""

from __future__ import annotations

import errno
import signal
import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from base import actors
from base.between import PORT
from config.backoffice.first_operator import create_first_operator
from config.service.startup import prepare, take_lock
from config.service.supervisor import Supervisor, web, worker


class Command(BaseCommand):
    help = "Migrates, puts the timetable in place, then runs web server and worker until stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        parser.add_argument("--port", type=PORT, default=8000, help="port to listen on (default: 8000)")
        parser.add_argument(
            "--only", choices=("web", "worker"), help="run one of the two here; the other runs on another node"
        )
        parser.add_argument(
            "--first-operator",
            action="store_true",
            help="when there is no operator yet, create one with a random password and print it once",
        )

    def handle(self, *, host: str, port: int, only: str | None = None, **options: Any) -> None:
        # During preparation no program runs yet, so a signal can simply exit.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: sys.exit(0))
        lock = take_lock(settings.DATA_DIR, self.say)
        url = "" if only == "worker" else url_of(host, port)
        if url:
            refuse_busy(host, port)
        prepare(self.say)
        operator = first_operator() if options["first_operator"] else ""
        programs = [program for program in (web(host=host, port=port), worker()) if only in (None, program.name)]
        with Supervisor(programs, lock=lock, say=self.say) as supervisor:
            code = supervisor.run(url=url, greeting=greeting(url, only) + operator)
        sys.exit(code)

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def refuse_busy(host: str, port: int) -> None:
    """Raise CommandError when `port` is taken: one clear sentence instead of the web server's traceback."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(f"Port {port} is in use. Choose another one with --port.") from error
        raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error


def url_of(host: str, port: int) -> str:
    """The address for a browser on this machine."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - any address: this one works here
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def greeting(url: str, only: str | None = None) -> str:
    database = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(connection.vendor, connection.vendor)
    part = {"web": "'s web server", "worker": "'s background work"}.get(only or "", "")
    addresses = [f"  Redeem page   {url}/", f"  Back office   {url}/admin/"] if url else []
    return "\n".join(
        [
            f"Seatkeeper{part} is running. Stop it with Ctrl-C.",
            *addresses,
            f"  Data          {settings.DATA_DIR} ({database})",
        ]
    )


def first_operator() -> str:
    made = create_first_operator(actor=actors.command("up"))
    if made is None:
        return ""
    return f"\n  Log in as     {made.name} with the password {made.password} (shown this once; change it)"

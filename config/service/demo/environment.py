"""Start the demo in an environment of its own: `python -m config.service.demo.environment [--port]`.

Settings are read from the environment at import, so these variables must be set before Django starts. They win over
`.env`: the demo never touches an installation's data, nor ChatGPT. Standard library only, and no `.env` needed.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from base import between
from config.first_run import new_encryption_key, new_secret_key

ROOT = Path(__file__).resolve().parents[3]
# Tells `manage.py demo` that its environment was made here; its value is the sandbox's port.
MARK = "SEATKEEPER_DEMO"
PORT = 8000
SANDBOX_PORT = 8801


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=between.PORT, default=PORT, help=f"port of the product (default: {PORT})")


def environment(*, sandbox_port: int) -> dict[str, str]:
    """Every variable the demo depends on, so that none comes from elsewhere."""
    sandbox = f"http://127.0.0.1:{sandbox_port}"
    data = Path(os.environ.get("DATA_DIR") or ROOT / "var").resolve()
    if MARK not in os.environ:  # else the demo restarts, and DATA_DIR is its own already
        data /= "demo"
    return {
        MARK: str(sandbox_port),
        "DATA_DIR": str(data),
        "DATABASE_URL": "sqlite:///" + quote(str(data / "seatkeeper.sqlite3")),
        "SECRET_KEY": new_secret_key(),
        "ENCRYPTION_KEYS": new_encryption_key(),
        "DEBUG": "off",
        "SANDBOX": "on",
        "SECURE_COOKIES": "off",
        "SECURE_SSL_REDIRECT": "off",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "CSRF_TRUSTED_ORIGINS": "",
        "TRUSTED_PROXY_COUNT": "0",
        "UPSTREAM_BASE_URL": sandbox,
        "UPSTREAM_AUTH_URL": sandbox,
        "UPSTREAM_PROXY": "",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def free_port(wanted: int, what: str, taken: Sequence[int] = ()) -> int:
    """`wanted`, or the next free port, which is then printed."""
    for port in range(wanted, min(wanted + 200, 65536)):
        if port not in taken and is_free(port):
            if port != wanted:
                sys.stdout.write(f"Port {wanted} is in use; the {what} takes {port} instead.\n")
                sys.stdout.flush()
            return port
    raise SystemExit(f"No free port from {wanted} on for the {what}.")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def become_the_demo(port: int) -> None:
    """Replace this process by `manage.py demo` in the demo's environment."""
    port = free_port(port, "demo")
    sandbox_port = free_port(SANDBOX_PORT, "sandbox", taken=[port])
    os.chdir(ROOT)
    command = [sys.executable, "manage.py", "demo", "--port", str(port)]
    os.execve(sys.executable, command, os.environ | environment(sandbox_port=sandbox_port))  # noqa: S606 - no shell


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make demo")
    add_arguments(parser)
    become_the_demo(parser.parse_args().port)

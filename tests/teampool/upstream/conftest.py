"""A stand-in of its own for each test, and clients that talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.server import SandboxServer
from teampool.upstream.client import Upstream


@pytest.fixture
def sandbox(settings: Any) -> Iterator[SandboxServer]:
    server = SandboxServer(port=0, teams=2, seats=5, latency=0)
    server.start()
    settings.UPSTREAM_BASE_URL = settings.UPSTREAM_AUTH_URL = server.url
    settings.UPSTREAM_TIMEOUT = 5.0
    yield server
    server.stop()


@pytest.fixture
def account_id(sandbox: SandboxServer) -> str:
    """The first Team of the stand-in."""
    return str(sandbox.dump()["workspaces"][0]["account_id"])


@pytest.fixture
def keys(sandbox: SandboxServer) -> dict[str, Any]:
    """The credentials of the first Team's owner."""
    return dict(sandbox.credentials()[0])


@pytest.fixture
def connect(keys: dict[str, Any], account_id: str) -> Iterator[Callable[..., Upstream]]:
    """Clients for the first Team, closed after the test."""
    opened: list[Upstream] = []

    def open_client(**overrides: Any) -> Upstream:
        values = {"access_token": keys["access_token"], "account_id": account_id, "device_id": "device-1"}
        opened.append(Upstream(**(values | overrides)))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()


@pytest.fixture
def upstream(connect: Callable[..., Upstream]) -> Upstream:
    return connect()

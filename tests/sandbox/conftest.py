from __future__ import annotations

import pytest

from sandbox.server import SandboxServer
from tests.sandbox.client import Admin


@pytest.fixture
def server():
    """A fresh stand-in with two Teams of five seats."""
    running = SandboxServer(port=0, teams=2, seats=5)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def world(server):
    return server.world


@pytest.fixture
def omar(server):
    """Omar, who owns the first workspace."""
    return Admin(server)

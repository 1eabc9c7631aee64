"""The control plane over HTTP: `/__sandbox__/<order>`, JSON in, JSON out."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Protocol

from sandbox.state import Refusal
from sandbox.wire import Reply, Request
from sandbox.world import READS, WRITES

PREFIX = "/__sandbox__/"


class TakesOrders(Protocol):
    """What has each order of `READS` and `WRITES` as a method: the world's, and these of a running server."""

    def name(self) -> dict[str, str]: ...

    def refuse(self, seconds: float) -> dict[str, Any]: ...


def order(target: TakesOrders, request: Request) -> Reply:
    """Carry out one order; 400, 404 or 409 with `{"error"}` when it cannot be."""
    name = request.path.removeprefix(PREFIX).strip("/")
    if name not in READS and name not in WRITES:
        return _refused(404, f"no order {name!r}; there are: {', '.join((*READS, *WRITES))}")
    method = "GET" if name in READS else "POST"
    if request.method != method:
        return _refused(405, f"{name} is a {method}")
    if method == "GET":
        fields: Any = dict(request.query)
    else:
        fields = request.json() if request.body.strip() else {}
    if not isinstance(fields, dict):
        return _refused(400, "the body is a JSON object")
    action: Callable[..., Any] = getattr(target, name)
    try:
        inspect.signature(action).bind(**fields)
    except TypeError as error:
        return _refused(400, f"{name}: {error}")
    try:
        return Reply(body=action(**fields))
    except Refusal as refusal:
        return _refused(refusal.status, str(refusal))
    except (TypeError, ValueError, AttributeError) as error:
        return _refused(400, f"{name}: {error}")


def _refused(status: int, text: str) -> Reply:
    return Reply(status=status, body={"error": text})

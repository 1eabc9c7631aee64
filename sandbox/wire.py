"""HTTP/1.1 by hand: read one request, write one reply, or break the connection on purpose."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

MAX_BODY = 4 * 1024 * 1024
MAX_HEADERS = 200
PIECE = 64  # bytes sent at once by a trickling answer


class Reader(Protocol):
    """The reading side of a connection."""

    def readline(self, size: int = ..., /) -> bytes: ...

    def read(self, size: int = ..., /) -> bytes: ...


class BadRequest(Exception):
    """What arrived is not a request this server reads."""


@dataclass(slots=True)
class Request:
    """One request as it arrived; header names are lower-case, query keys unique (the last wins)."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body as JSON, or None when it is empty or no JSON."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None

    def form(self) -> dict[str, str]:
        """Return the body as a URL-encoded form."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def cookies(self) -> dict[str, str]:
        """Return the cookies sent, undecoded."""
        found = {}
        for part in self.headers.get("cookie", "").split(";"):
            name, sep, value = part.strip().partition("=")
            if sep:
                found[name] = value
        return found


@dataclass(slots=True)
class Reply:
    """An answer and the manner of its delivery.

    `effect` says whether the call changed something, None for a read. `delay` seconds pass before
    the answer; `hang` seconds pass without one and the connection is closed; `reset` drops it with
    a RST; `truncate` announces the whole body and sends half; `trickle` seconds lie between pieces.
    """

    status: int = 200
    body: Any = None
    content_type: str | None = "application/json"
    headers: list[tuple[str, str]] = field(default_factory=list)
    effect: bool | None = None
    delay: float = 0.0
    hang: float = 0.0
    reset: bool = False
    truncate: bool = False
    trickle: float = 0.0
    afterwards: Callable[[], None] | None = None

    def encoded(self) -> bytes:
        """Return the body as bytes: str and bytes as they are, anything else as JSON."""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def read_request(reader: Reader, send: Callable[[bytes], None]) -> Request | None:
    """Read one request; None at the end of the connection. Raises BadRequest."""
    line = reader.readline(65537)
    if not line:
        return None
    parts = line.decode("latin-1").split()
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest("no HTTP/1 request line")
    headers: dict[str, str] = {}
    for _ in range(MAX_HEADERS):
        raw = reader.readline(65537)
        if raw in (b"\r\n", b"\n", b""):
            break
        name, _sep, value = raw.decode("latin-1").partition(":")
        key, value = name.strip().lower(), value.strip()
        headers[key] = f"{headers[key]}; {value}" if key in headers else value
    else:
        raise BadRequest("too many headers")
    if "transfer-encoding" in headers:
        raise BadRequest("send Content-Length instead of a chunked body")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise BadRequest("bad Content-Length")
    if headers.get("expect", "").lower() == "100-continue":
        send(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = reader.read(int(length)) if int(length) else b""
    if len(body) < int(length):
        return None
    split = urlsplit(parts[1])
    query = dict(parse_qsl(split.query, keep_blank_values=True))
    return Request(parts[0], unquote(split.path), query, headers, body)


def wants_close(request: Request) -> bool:
    """Say whether the client asked for the connection to end after this answer."""
    return request.headers.get("connection", "").lower() == "close"


def write_reply(sock: socket.socket, reply: Reply, *, close: bool) -> bool:
    """Deliver a reply; True when the connection may serve another request."""
    if reply.delay and not wait_connected(sock, reply.delay):
        return False
    if reply.hang:
        wait_connected(sock, reply.hang)
        return False
    if reply.reset:
        reset(sock)
        return False
    # Nothing may follow a 204 or 304 on the wire, or the next answer would be misread.
    body = b"" if reply.status in (204, 304) else reply.encoded()
    head = _head(reply, len(body), close=close)
    if reply.truncate:
        sock.sendall(head + body[: len(body) // 2])
        reset(sock)
        return False
    if reply.trickle:
        sock.sendall(head)
        for start in range(0, len(body), PIECE):
            if not wait_connected(sock, reply.trickle):
                return False
            sock.sendall(body[start : start + PIECE])
    else:
        sock.sendall(head + body)
    return not close


def _head(reply: Reply, length: int, *, close: bool) -> bytes:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {reply.status} {phrase}"]
    if reply.content_type is not None and reply.status != 204:
        lines.append(f"Content-Type: {reply.content_type}")
    if reply.status != 204:
        lines.append(f"Content-Length: {length}")
    lines += [f"{name}: {value}" for name, value in reply.headers]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def wait_connected(sock: socket.socket, seconds: float) -> bool:
    """Wait; False as soon as the peer goes away, so that no thread outlives its client."""
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        try:
            readable, _, _ = select.select([sock], [], [], left)
            if readable and not sock.recv(1, socket.MSG_PEEK):
                return False
        except (OSError, ValueError):
            return False
        if readable:  # a pipelined request waits in the buffer: the peer is there
            time.sleep(min(left, 0.05))
    return True


def reset(sock: socket.socket) -> None:
    """Make the coming close send a RST instead of a FIN."""
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

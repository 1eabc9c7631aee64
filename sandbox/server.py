"""The server: a thread for each connection, loopback only, one world behind it."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import socket
import threading
import time
from typing import Any

from sandbox import backend, control, pages
from sandbox.state import Refusal
from sandbox.wire import BadRequest, Reply, Request, read_request, reset, wants_close, write_reply
from sandbox.world import READS, WRITES, World

BACKLOG = 1024
logger = logging.getLogger("sandbox")


def loopback(host: str) -> str:
    """Return the loopback address a host stands for; refuses any other host."""
    name = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        if ipaddress.ip_address(name).is_loopback:
            return name
    except ValueError:
        pass
    raise ValueError(f"the sandbox listens on loopback only, not on {host!r}")


class SandboxServer:
    """A running stand-in; `url` is its address, `world` its state. The orders of `World` work here too."""

    def __init__(
        self,
        port: int = 0,
        *,
        teams: int = 2,
        seats: int = 5,
        latency: float = 0.0,
        lag: float = 0.0,
        host: str = "127.0.0.1",
        name: str = "",
        showcase: bool = False,
    ) -> None:
        self._name = name
        self.host = loopback(host)
        self.port = port
        self.world = World(teams=teams, seats=seats, lag=lag, latency=latency, showcase=showcase)
        self._listener: socket.socket | None = None
        self._accepting: threading.Thread | None = None
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._guard = threading.Lock()
        self._timer: threading.Timer | None = None

    def __getattr__(self, name: str) -> Any:
        if name in (*READS, *WRITES):
            return getattr(self.world, name)
        raise AttributeError(name)

    @property
    def url(self) -> str:
        """The base URL for both hosts of the backend."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{name}:{self.port}"

    def name(self) -> dict[str, str]:
        """The name it was started with: by it a program tells its own sandbox from another's."""
        return {"name": self._name}

    def start(self) -> None:
        """Listen; returns when connections are answered. A free port is picked for port 0."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self.host, self.port))
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        self._listener = listener
        self._accepting = threading.Thread(target=self._accept, args=(listener,), name="sandbox", daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        """Stop listening and drop every connection; may be called twice."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._stop_listening()
        with self._guard:
            open_now = list(self._connections.items())
        for connection, _ in open_now:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for _, thread in open_now:
            if thread is not threading.current_thread():
                thread.join(5)

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            # A blocked accept() wakes up only from a shutdown, not from a close.
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        if self._accepting is not None and self._accepting is not threading.current_thread():
            self._accepting.join(5)
            self._accepting = None

    def refuse(self, seconds: float) -> dict[str, Any]:
        """Refuse connections for a while, on the same port; the open ones are dropped."""
        if seconds <= 0:
            raise Refusal("seconds is more than 0")
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, self.start)
        self._timer.daemon = True
        self._stop_listening()
        with self._guard:
            mine = threading.current_thread()
            others = [connection for connection, thread in self._connections.items() if thread is not mine]
        for connection in others:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._timer.start()
        return {"refusing_for": seconds}

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, peer = listener.accept()
            except OSError:
                if self._listener is not listener:
                    return
                time.sleep(0.05)  # out of file descriptors: some will come back
                continue
            if not ipaddress.ip_address(peer[0]).is_loopback:
                connection.close()
                continue
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._guard:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        reader = connection.makefile("rb", 65536)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.world.lock:
                is_struck = self.world.faults.take("connect", None, []) is not None
            if is_struck:
                reset(connection)
                return
            while (request := read_request(reader, connection.sendall)) is not None:
                reply = self._answer(request)
                is_kept = write_reply(connection, reply, close=wants_close(request))
                if reply.afterwards is not None:
                    reply.afterwards()
                if not is_kept:
                    return
        except BadRequest as error:
            with contextlib.suppress(OSError):
                write_reply(connection, Reply(status=400, body={"detail": str(error)}), close=True)
        except OSError:
            pass  # the client went away
        finally:
            with self._guard:
                self._connections.pop(connection, None)
            reader.close()
            connection.close()

    def _answer(self, request: Request) -> Reply:
        try:
            if request.path.startswith(control.PREFIX):
                return control.order(self, request)
            if pages.is_page(request):
                return pages.show(self.world, request)
            latency = self.world.latency
            # Half on the way there, half on the way back: a client killed in between may have had its effect.
            time.sleep(latency / 2)
            reply = backend.answer(self.world, request)
            time.sleep(latency / 2)
        except Exception:
            logger.exception("sandbox: %s %s failed", request.method, request.path)
            return Reply(status=500, body={"detail": "the sandbox itself failed; see its log"})
        return reply

"""What no honest server shows: dead ports, proxies in the environment, connections that die on reuse."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from teampool.upstream.errors import UpstreamError
from teampool.upstream.transport import Deadline, Transport
from teampool.upstream.types import Failure

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers each GET and keeps the connection; closes it without a word after any other request."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.methods: list[str] = []
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while True:
                data = b""
                while b"\r\n\r\n" not in data:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    data += piece
                    if not data[:1].isalpha():
                        # Not HTTP: somebody expects TLS here.
                        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                        return
                method = data.split(b" ", 1)[0].decode()
                self.methods.append(method)
                if method != "GET":
                    return
                connection.sendall(OK)

    def stop(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(5)


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.stop()


def send(transport: Transport, method: str, *, seconds: float = 5.0, **fields: Any) -> Any:
    return transport.send(method, "/x", op="me", headers={}, deadline=Deadline(seconds), **fields)


class TestSend:
    @pytest.mark.parametrize("method", ["POST", "DELETE"])
    def test_a_write_is_sent_once_even_when_a_kept_connection_dies(self, server: Server, method: str) -> None:
        transport = Transport(server.url)
        assert send(transport, "GET").status == 200
        with pytest.raises(UpstreamError) as caught:
            send(transport, method, payload={"a": 1})
        transport.close()
        assert caught.value.failure is Failure.TIMEOUT_OR_RESET
        assert server.methods == ["GET", method]

    def test_without_a_connection_of_its_own_it_would_be_sent_twice(
        self, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Deaf(dict):  # type: ignore[type-arg]
            def __setitem__(self, key: object, value: object) -> None:
                """The option of this call is not taken."""

        transport = Transport(server.url)
        transport._options = Deaf()
        send(transport, "GET")
        with pytest.raises(UpstreamError):
            send(transport, "POST", payload={"a": 1})
        transport.close()
        assert server.methods == ["GET", "POST", "POST"]

    def test_a_dead_port_is_a_connection_that_failed(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        transport = Transport(f"http://127.0.0.1:{port}")
        with pytest.raises(UpstreamError) as caught:
            send(transport, "POST", payload={})
        transport.close()
        assert (caught.value.failure, caught.value.code) == (Failure.CONNECT_FAILED, "curl_7")

    def test_a_host_without_an_address_is_a_connection_that_failed(self) -> None:
        transport = Transport("http://nobody.invalid")
        with pytest.raises(UpstreamError) as caught:
            send(transport, "POST", payload={})
        transport.close()
        assert caught.value.failure is Failure.CONNECT_FAILED

    def test_a_server_without_tls_is_a_connection_that_failed(self, server: Server) -> None:
        transport = Transport(server.url.replace("http:", "https:"))
        with pytest.raises(UpstreamError) as caught:
            send(transport, "POST", payload={})
        transport.close()
        assert (caught.value.failure, caught.value.code) == (Failure.CONNECT_FAILED, "curl_35")

    def test_a_dead_proxy_is_a_connection_that_failed(self, server: Server, settings: Any) -> None:
        settings.UPSTREAM_PROXY = "http://user:secret@127.0.0.1:9"
        transport = Transport(server.url)
        with pytest.raises(UpstreamError) as caught:
            send(transport, "POST", payload={})
        transport.close()
        assert caught.value.failure is Failure.CONNECT_FAILED
        assert "secret" not in f"{caught.value} {caught.value.__cause__}"
        assert server.methods == []

    @pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
    def test_the_proxies_of_the_environment_are_not_used(
        self, server: Server, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.setenv(name, "http://127.0.0.1:9")
        transport = Transport(server.url)
        assert send(transport, "GET").status == 200
        transport.close()

    def test_an_unknown_browser_profile_sends_nothing(self, server: Server, settings: Any) -> None:
        settings.UPSTREAM_IMPERSONATE = "netscape4"
        transport = Transport(server.url)
        with pytest.raises(UpstreamError) as caught:
            send(transport, "POST", payload={})
        transport.close()
        assert (caught.value.failure, caught.value.text) == (Failure.CONNECT_FAILED, "ImpersonateError")
        assert server.methods == []

    def test_it_works_without_a_browser_profile(self, server: Server, settings: Any) -> None:
        settings.UPSTREAM_IMPERSONATE = ""
        transport = Transport(server.url)
        assert send(transport, "GET").body == b"{}"
        transport.close()

    @pytest.mark.parametrize("seconds", [0.0, -1.0, 0.0004])
    def test_without_time_left_nothing_is_sent(self, server: Server, seconds: float) -> None:
        transport = Transport(server.url)
        with pytest.raises(UpstreamError) as caught:
            send(transport, "POST", payload={}, seconds=seconds)
        transport.close()
        assert (caught.value.failure, caught.value.code) == (Failure.CONNECT_FAILED, "out_of_time")
        assert server.methods == []

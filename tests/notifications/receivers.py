"""Who receives in the tests: a mail server and an HTTP server on loopback, with certificates of their own."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

USER, PASSWORD = "desk@seats.example", "s3cret-of-the-mail"
Answer = int | tuple[int, bytes] | Callable[["Post"], int | tuple[int, bytes]]


class Certificates:
    """An authority of the test's own, and what a server shows of it."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.file = folder / "authority.pem"
        self.authority.cert_pem.write_to_path(str(self.file))

    def for_server(self, *names: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*(names or ("localhost", "127.0.0.1"))).configure_cert(context)
        return context


@dataclass
class Post:
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Receiver:
    """Keeps every POST; answers with the next of `answers`, the last of which repeats. A callable may take its time."""

    url: str = ""
    answers: list[Answer] = field(default_factory=lambda: [200])
    posts: list[Post] = field(default_factory=list)
    location: str = ""

    @property
    def ids(self) -> list[str]:
        return [post.headers["webhook-id"] for post in self.posts]


@contextmanager
def http_receiver(tls: ssl.SSLContext | None = None, *, host: str = "127.0.0.1") -> Iterator[Receiver]:
    receiver, lock = Receiver(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            post = Post(self.path, {key.lower(): value for key, value in self.headers.items()}, raw)
            with lock:
                answer = receiver.answers[min(len(receiver.posts), len(receiver.answers) - 1)]
                receiver.posts.append(post)
            if callable(answer):
                answer = answer(post)
            status, body = answer if isinstance(answer, tuple) else (answer, b"")
            if not status:  # hang up without a word
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *_args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_args: Any) -> None:
            """Clients that go away are what some tests are about."""

    server = Server((host, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    scheme = "http" if tls is None else "https"
    receiver.url = f"{scheme}://{'localhost' if tls is not None else host}:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield receiver
    server.shutdown()
    server.server_close()
    thread.join(5)


@dataclass
class Mailbox:
    """What a mail server took, in order, and what it says instead where that is set."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: int = 0
    says_to_recipient: str = ""
    says_to_mail: str = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.says_to_recipient:
            return self.says_to_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.says_to_mail:
            return self.says_to_mail
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 Taken"

    def let_in(self, server: Any, session: Any, envelope: Any, mechanism: str, login: Any) -> AuthResult:
        self.logins += 1
        assert isinstance(login, LoginPassword)
        is_right = (login.login, login.password) == (USER.encode(), PASSWORD.encode())
        # Repeats what it was sent, as careless servers do.
        message = None if is_right else f"535 5.7.8 bad password {login.password.decode()} for you"
        return AuthResult(success=is_right, handled=message is None, message=message)


@contextmanager
def mail_server(tls: ssl.SSLContext, *, security: str = "ssl", port: int = 0) -> Iterator[Mailbox]:
    mailbox = Mailbox()
    kinds = {"ssl": {"ssl_context": tls}, "starttls": {"tls_context": tls, "require_starttls": True}, "none": {}}
    # It does not see that SSL is underneath, and warns of a log-in without encryption.
    is_known = security == "starttls"
    options = {"authenticator": mailbox.let_in, "auth_required": is_known, "auth_require_tls": is_known}
    server = _Controller(mailbox, hostname="127.0.0.1", port=port or _free_port(), **kinds[security], **options)
    server.start()
    mailbox.port = server.port
    yield mailbox
    server.stop()


class _Controller(Controller):
    def _trigger_server(self) -> None:
        """Wait for the port alone: the stock one would speak, and knows no certificate."""
        socket.create_connection((self.hostname, self.port), 5).close()


def _free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])

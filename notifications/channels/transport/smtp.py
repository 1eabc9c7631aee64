"""One connection to the operator's mail server: encrypted, verified, with a time limit."""

from __future__ import annotations

import smtplib
import socket
import ssl
from typing import Any

from django.core.mail.backends.smtp import EmailBackend

from base.transactions import forbid_transaction
from notifications.channels.transport.connecting import Deadline, connect, secured


class Line(smtplib.SMTP):
    """The protocol over a connection of ours, which ends with the deadline."""

    def __init__(self, host: str, deadline: Deadline, *, is_secure: bool, local_hostname: str) -> None:
        super().__init__(local_hostname=local_hostname, timeout=deadline.left())
        self._host = host  # whose certificate STARTTLS asks for
        self._deadline, self._is_secure = deadline, is_secure

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        line = connect(host, port, deadline=self._deadline, may_be_private=True)
        if self._is_secure:
            self.sock = line = secured(line, host)
            line.do_handshake()
        return line


class MailServer(EmailBackend):
    """Django's SMTP backend; it stays connected from one mail to the next until closed.

    Each use sets a new `deadline` first.
    """

    deadline: Deadline

    def __init__(self, *, host: str, port: int, user: str, password: str, is_secure: bool, own_name: str) -> None:
        super().__init__(
            host=host, port=port, username=user, password=password, use_tls=not is_secure, use_ssl=is_secure
        )
        self.own_name = own_name
        self.line: Line | None = None

    def open(self) -> bool:
        """Raises OSError; smtplib's own exceptions are such."""
        if self.line is not None and self._is_alive(self.line):
            return False
        self.hang_up()
        self.line = line = Line(self.host, self.deadline, is_secure=self.use_ssl, local_hostname=self.own_name)
        line.connect(self.host, self.port)
        if self.use_tls:
            line.starttls(context=ssl.create_default_context())
        if self.username and self.password:
            line.login(self.username, self.password)
        self.connection = line
        return True

    def _is_alive(self, line: Line) -> bool:
        """False when the server hung up since the last mail. Asked before a mail, so that no mail is in doubt."""
        if line.sock is None:
            return False
        line.sock.settimeout(self.deadline.left())
        try:
            return line.noop()[0] == 250
        except OSError:
            return False

    def deliver(self, mail: Any) -> None:
        """Hand one mail over. Raises OSError; when it returns, the server has taken it."""
        forbid_transaction("a mail")  # also over a line that is open already
        with self.deadline.cuts(lambda: self.line.sock if self.line is not None else None):
            self.open()
            self._send(mail)  # type: ignore[attr-defined]

    def hang_up(self) -> None:
        """Close without QUIT, which could take as long as the server likes."""
        if self.line is not None:
            self.line.close()
        self.line = self.connection = None

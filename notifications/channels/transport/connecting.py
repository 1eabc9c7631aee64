"""Connects to addresses that operators typed: to the very address that was checked, and within a time limit.

A name is looked up once, so its name server cannot give a public address to the check and a private one to the
connection. TLS is always verified against the system's certificates (or `SSL_CERT_FILE`).
"""

from __future__ import annotations

import contextlib
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.utils.translation import gettext as _

from base.addresses import is_private
from base.transactions import forbid_transaction
from notifications.channels.result import NotDelivered

# Seconds for one whole call, whatever the other side does; a test must answer within ten.
WHOLE_CALL = 9.0
_ONE_ADDRESS = 5.0
_Found = tuple[socket.AddressFamily, tuple[Any, ...]]


class Deadline:
    """The time limit of one call. Socket timeouts alone never end a server that sends a byte now and then."""

    def __init__(self) -> None:
        self.seconds = WHOLE_CALL
        self._end = time.monotonic() + self.seconds

    def left(self) -> float:
        """Seconds to go. Raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._end

    @contextlib.contextmanager
    def cuts(self, current: Callable[[], socket.socket | None]) -> Iterator[None]:
        """Shut the connection down at the deadline, so that a read that waits on it ends."""

        def cut() -> None:
            with contextlib.suppress(OSError):
                if (line := current()) is not None:
                    # Not SSLSocket.shutdown: it drops the TLS state while another thread reads.
                    socket.socket.shutdown(line, socket.SHUT_RDWR)

        timer = threading.Timer(self.left(), cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def connect(host: str, port: int, *, deadline: Deadline, may_be_private: bool) -> socket.socket:
    """An open connection to one of the host's addresses. Raises NotDelivered, OSError or TimeoutError.

    Refuses the host when any of its addresses is private, unless `may_be_private`.
    """
    forbid_transaction("a connection to a receiver")
    found = _look_up(host, port, deadline)
    if not may_be_private and any(is_private(ipaddress.ip_address(address[0])) for _family, address in found):
        raise NotDelivered(_("Private addresses are not allowed."), channel_is_down=True)
    problem: OSError = OSError("no address")
    for family, address in found:
        line = socket.socket(family, socket.SOCK_STREAM)
        line.settimeout(min(_ONE_ADDRESS, deadline.left()))
        try:
            line.connect(address)
        except OSError as error:
            line.close()
            problem = error
        else:
            line.settimeout(deadline.left())
            return line
    raise problem


def _look_up(host: str, port: int, deadline: Deadline) -> list[_Found]:
    """Look the name up in a thread: the resolver has no timeout and may take half a minute."""
    answer: queue.SimpleQueue[list[_Found] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.put([(family, address) for family, _kind, _proto, _name, address in found])
        except (OSError, UnicodeError) as error:
            answer.put(error if isinstance(error, OSError) else socket.gaierror(str(error)))

    threading.Thread(target=ask, daemon=True).start()
    try:
        found = answer.get(timeout=deadline.left())
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(found, OSError):
        raise found
    return found


def secured(line: socket.socket, host: str) -> ssl.SSLSocket:
    """`line` with TLS over it, for a certificate that is good for `host`; the caller shakes hands."""
    context = ssl.create_default_context()
    return context.wrap_socket(line, server_hostname=host, do_handshake_on_connect=False)


def words_for(error: NotDelivered | OSError, deadline: Deadline) -> str:
    """What went wrong on the way, for a person."""
    if isinstance(error, NotDelivered):
        return error.reason
    if isinstance(error, ssl.SSLCertVerificationError):
        return _("The certificate is not valid: {reason}").format(reason=error.verify_message)
    if deadline.is_over or isinstance(error, TimeoutError):
        return _("No answer within {n} s").format(n=round(deadline.seconds))
    if isinstance(error, ssl.SSLError):
        return _("The server cannot be reached: it does not speak TLS on this port")
    if isinstance(error, socket.gaierror):
        return _("The server cannot be reached: no such name")
    if isinstance(error, ConnectionRefusedError):
        return _("The server cannot be reached: nothing answers on this port")
    if isinstance(error, ConnectionError):
        return _("The server broke the connection off")
    return _("The server cannot be reached")

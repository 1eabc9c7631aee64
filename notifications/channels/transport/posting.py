"""One HTTP POST of JSON to an address an operator typed in. No redirect is followed, no proxy asked."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from django.utils.translation import gettext as _

from notifications.channels.result import NotDelivered, Unreachable
from notifications.channels.transport.connecting import Deadline, connect, secured, words_for

_AS_IT_IS = "/?%:@!$&'()*+,;=~-._[]"
MOST_ANSWER = 64 * 1024  # enough to say whether the message was taken


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes

    def json(self) -> Any:
        """None for anything that is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def post(url: str, body: bytes, headers: Mapping[str, str], *, may_be_private: bool) -> Answer:
    """Post `body` and return the answer, whatever its status. Raises NotDelivered when none came in time."""
    deadline = Deadline()
    parts = urlsplit(url)
    try:
        with _connected(parts, deadline, may_be_private=may_be_private) as call:
            return _exchange(call, parts.path, parts.query, parts.netloc, body, headers)
    except OSError as error:
        raise NotDelivered(words_for(error, deadline), channel_is_down=True) from None
    except http.client.HTTPException:
        reason = words_for(TimeoutError() if deadline.is_over else ConnectionError(), deadline)
        raise NotDelivered(reason, channel_is_down=True) from None


def reach(url: str, *, may_be_private: bool) -> str:
    """Connect and make no request. Raises Unreachable. Of the address only the host is shown."""
    deadline = Deadline()
    parts = urlsplit(url)
    where = f"{parts.hostname}:{_port(parts)}"
    try:
        with _connected(parts, deadline, may_be_private=may_be_private):
            return _("{where} can be reached.").format(where=where)
    except (NotDelivered, OSError) as error:
        advice = _("Check the address, then send a test: Settings.")
        raise Unreachable(f"{where}: {words_for(error, deadline)}", advice) from None


@contextmanager
def _connected(parts: SplitResult, deadline: Deadline, *, may_be_private: bool) -> Iterator[http.client.HTTPConnection]:
    host = parts.hostname or ""
    call = http.client.HTTPConnection(host, _port(parts))
    try:
        call.sock = connect(host, _port(parts), deadline=deadline, may_be_private=may_be_private)
        with deadline.cuts(lambda: call.sock):
            if parts.scheme == "https":
                call.sock = line = secured(call.sock, host)
                line.do_handshake()
            yield call
    finally:
        call.close()


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _exchange(
    call: http.client.HTTPConnection, path: str, query: str, netloc: str, body: bytes, headers: Mapping[str, str]
) -> Answer:
    target = quote(path or "/", safe=_AS_IT_IS)
    if query:
        target += f"?{quote(query, safe=_AS_IT_IS)}"
    own = {
        "Host": netloc.encode("idna").decode() if not netloc.isascii() else netloc,
        "Content-Type": "application/json",
        "User-Agent": "Seatkeeper",
        "Connection": "close",
    }
    call.request("POST", target, body=body, headers=own | dict(headers))
    response = call.getresponse()
    try:
        return Answer(response.status, response.read(MOST_ANSWER))
    except (OSError, http.client.HTTPException):
        return Answer(response.status, b"")  # the status is enough: another try after a 200 would send twice


def refuse_unless_taken(answer: Answer) -> None:
    """Raises NotDelivered for every status but 2xx, with the status as the reason."""
    if 300 <= answer.status < 400:
        raise NotDelivered(
            _("HTTP {status}: the receiver redirects; write the address it redirects to").format(status=answer.status)
        )
    if not 200 <= answer.status < 300:
        raise NotDelivered(f"HTTP {answer.status}")

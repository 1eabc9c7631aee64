"""Check ChatGPT from here: reachable, not answering with a block page, and its clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from config.service.doctor.answer import Answer, failed, ok, warning
from config.service.doctor.clock import compare
from teampool.upstream.classify import failure_of
from teampool.upstream.envelope import header, read_envelope
from teampool.upstream.errors import UpstreamError
from teampool.upstream.transport import Deadline, Reply, Transport
from teampool.upstream.types import Failure

PATIENCE = 10.0  # seconds
# Answers every program with JSON, logged in or not.
SESSION = "/api/auth/session"


def look(now: datetime) -> Iterator[Answer]:
    for check, base, path in (
        ("upstream", settings.UPSTREAM_BASE_URL, SESSION),
        ("upstream_auth", settings.UPSTREAM_AUTH_URL, "/"),
    ):
        host = urlsplit(base).netloc
        try:
            reply = _ask(base, path)
        except UpstreamError as error:
            yield failed(check, _no_answer(host, error), _advice(error))
            continue
        yield _answer(check, host, reply, is_api=path == SESSION)
        if check == "upstream" and (its_clock := _date(reply)):
            yield compare("clock", its_clock, timezone.now(), whose=host)


def _ask(base: str, path: str) -> Reply:
    transport = Transport(base)
    try:
        return transport.send("GET", path, op="doctor", headers={}, deadline=Deadline(PATIENCE))
    finally:
        transport.close()


def _answer(check: str, host: str, reply: Reply, *, is_api: bool) -> Answer:
    failure = failure_of(read_envelope(reply.status, reply.headers, reply.body), "doctor")
    if reply.status >= 500:
        text = _("{host} answers with HTTP {status}.").format(host=host, status=reply.status)
        return warning(check, text, _("Wait: redemptions are kept and finished when it is back."))
    # The log-in site always answers with a page; ChatGPT's API does only when it blocks us.
    if failure is Failure.EDGE_BLOCK and (is_api or reply.status in (403, 429)):
        return failed(
            check,
            _("{host} answers with a block page (HTTP {status}).").format(host=host, status=reply.status),
            _("It is waited out, never worked around. If it stays: another address (UPSTREAM_PROXY), or fewer Teams."),
        )
    if failure is Failure.RATE_LIMITED:
        return warning(check, _("{host} asks to slow down.").format(host=host), _("Wait; it is obeyed by itself."))
    return ok(check, _("{host} answers.").format(host=host))


def _no_answer(host: str, error: UpstreamError) -> str:
    reasons = {
        "curl_6": _("its name is not found"),
        "curl_7": _("the connection is refused"),
        "curl_28": _("no answer in time"),
        "curl_35": _("TLS does not come about"),
        "curl_60": _("its certificate is not valid"),
        "curl_5": _("the name of the proxy is not found"),
        "curl_97": _("the proxy refuses"),
    }
    reason = reasons.get(error.code, error.code or error.failure.value)
    return _("{host} cannot be reached: {reason}.").format(host=host, reason=reason)


def _advice(error: UpstreamError) -> str:
    if settings.UPSTREAM_PROXY:
        return _("Is the proxy in UPSTREAM_PROXY up, and does it let this machine through?")
    return _("May this machine reach the internet (name service, firewall)? If only by a proxy, set UPSTREAM_PROXY.")


def _date(reply: Reply) -> datetime | None:
    try:
        at = parsedate_to_datetime(header(reply.headers, "date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)

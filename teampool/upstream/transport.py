"""One HTTP exchange with ChatGPT: one deadline, no redirects, no silent repeats."""

from __future__ import annotations

import json
import logging
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from curl_cffi import CurlError, CurlOpt
from curl_cffi.requests import Session
from curl_cffi.requests.exceptions import ProxyError, RequestException
from django.conf import settings

from base.transactions import forbid_transaction

from .errors import UpstreamError
from .types import Failure

logger = logging.getLogger(__name__)

_MAX_BODY = 32 * 1024 * 1024
_SHORTEST_CALL = 0.05
_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")
# curl errors from before the request was written: address, resolver, connection, proxy, TLS set-up, or an option that
# libcurl refuses. After any other error the request may have been sent.
_NOT_SENT = frozenset({1, 2, 3, 4, 5, 6, 7, 35, 43, 48, 53, 54, 58, 59, 60, 66, 77, 80, 82, 83, 90, 91, 97, 98})


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of any status."""

    status: int
    headers: Mapping[str, str | None]
    set_cookies: tuple[str, ...]
    body: bytes


class Deadline:
    """The time limit of a whole call, pages and retries included."""

    def __init__(self, seconds: float) -> None:
        self._ends = monotonic() + seconds

    @property
    def left(self) -> float:
        return self._ends - monotonic()

    @classmethod
    def of_a_call(cls) -> Deadline:
        return cls(settings.UPSTREAM_TIMEOUT)


def is_header_safe(value: str) -> bool:
    """True for a token that can stand in a header."""
    return _HEADER_SAFE.fullmatch(value) is not None


class Transport:
    """A browser-like session of one log-in. Do not share it between threads or log-ins."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url
        options: dict[Any, Any] = {CurlOpt.MAXFILESIZE_LARGE: _MAX_BODY}
        if not settings.UPSTREAM_PROXY:
            # Else libcurl reads the environment's proxy variables, whatever trust_env says.
            options[CurlOpt.NOPROXY] = b"*"
        self._options = options
        self._session: Session[Any] = Session(
            impersonate=settings.UPSTREAM_IMPERSONATE or None,
            proxy=settings.UPSTREAM_PROXY or None,
            trust_env=False,
            verify=True,
            allow_redirects=False,
            retry=0,
            http_version="v1" if urlsplit(base_url).scheme == "http" else None,
            curl_options=options,
        )

    def close(self) -> None:
        self._session.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        op: str,
        headers: Mapping[str, str],
        deadline: Deadline,
        payload: Mapping[str, Any] | None = None,
    ) -> Reply:
        """The answer, of any status.

        Without an answer raises UpstreamError: CONNECT_FAILED when nothing was sent for certain, TIMEOUT_OR_RESET when
        something may have been.
        """
        forbid_transaction(op)
        left = deadline.left
        if left < _SHORTEST_CALL:
            raise UpstreamError(Failure.CONNECT_FAILED, code="out_of_time", text="No time left to send.", op=op)
        # A write gets a new connection: if a reused one had died, libcurl would send the request a second time.
        self._options[CurlOpt.FRESH_CONNECT] = 0 if method == "GET" else 1
        started = monotonic()
        try:
            response = self._session.request(
                method,  # type: ignore[arg-type]
                self._base_url + path,
                headers=dict(headers),
                data=None if payload is None else json.dumps(payload, separators=(",", ":")),
                timeout=left,
            )
        except (RequestException, CurlError, OSError) as error:
            failure = _without_answer(error, op)
            logger.info("%s: %s after %.0f ms", op, failure.failure.value, (monotonic() - started) * 1000)
            raise failure from None
        logger.log(
            logging.DEBUG if response.status_code < 400 else logging.INFO,
            "%s: HTTP %d in %.0f ms, request %s, ray %s",
            op,
            response.status_code,
            (monotonic() - started) * 1000,
            response.headers.get("x-oai-request-id") or "-",
            response.headers.get("cf-ray") or "-",
        )
        return Reply(
            status=response.status_code,
            headers=response.headers,
            set_cookies=tuple(value for value in response.headers.get_list("set-cookie") if value),
            body=response.content,
        )


def _without_answer(error: Exception, op: str) -> UpstreamError:
    """The error of a curl failure, by its phase (upstream §14). Drops the cause: it may hold the proxy's password."""
    code = int(getattr(error, "code", 0) or 0)
    kind = type(error).__name__
    was_sent = code not in _NOT_SENT and not isinstance(error, ProxyError) and kind != "ImpersonateError"
    return UpstreamError(
        Failure.TIMEOUT_OR_RESET if was_sent else Failure.CONNECT_FAILED,
        code=f"curl_{code}" if code else kind.lower(),
        text=kind,
        op=op,
    )


def pause_before_retry(attempt: int, deadline: Deadline) -> bool:
    """Sleep 1, 2, 4 s and a random bit; False, without sleeping, when too little time would be left."""
    pause = 2.0**attempt + random.uniform(0, 0.5)  # noqa: S311 - spreads retries, guards nothing
    if pause >= deadline.left - _SHORTEST_CALL:
        return False
    sleep(pause)
    return True

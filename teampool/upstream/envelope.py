"""An answer's envelope: HTML or JSON, error codes, error texts, Retry-After.

Pure; no bytes, JSON or header make it raise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

Headers = Mapping[str, str | None]

_MISSING = object()
_TEXT_LIMIT = 200
_RETRY_AFTER_MAX = timedelta(days=1)
_EDGE_MARKERS = (
    "just a moment",
    "cf_chl",
    "challenge-platform",
    "enable javascript and cookies to continue",
    "attention required",
)
# A block of our address that comes as JSON (upstream §2.4).
_UNUSUAL = re.compile(r"unusual[\s_-]+activity")
# Looks like a token: JWT or JWE segments, a known prefix, or a long unbroken run.
_SECRET = re.compile(
    r"eyJ[\w-]+(?:\.[\w-]*)*"
    r"|\b(?:rt|ac|sess|sk|at)[_-][\w.-]{8,}"
    r"|(?i:bearer)\s+\S+"
    r"|[A-Za-z0-9+/_.=-]{40,}"
)


def scrub(text: object, *, limit: int = _TEXT_LIMIT) -> str:
    """One short line with everything that looks like a token blanked out."""
    if not isinstance(text, str):
        return ""
    # Scrub before cutting: half a token would not be recognised.
    line = " ".join(text[:4000].split())
    return _SECRET.sub("[hidden]", line)[:limit]


def header(headers: Headers, name: str) -> str:
    """The header's value, in any case of its name; "" when absent."""
    wanted = name.lower()
    for key, value in headers.items():
        if key.lower() == wanted and value is not None:
            return value
    return ""


def retry_after(headers: Headers, *, now: datetime | None = None) -> timedelta | None:
    """How long upstream asks to wait, between 1 second and a day; None when it does not say."""
    value = header(headers, "retry-after").strip()
    if not value:
        return None
    try:
        wait = timedelta(seconds=float(value))
    except (ValueError, OverflowError):
        try:
            until = parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        wait = until - (now or datetime.now(UTC))
    if wait <= timedelta(0):
        return None
    return min(max(wait, timedelta(seconds=1)), _RETRY_AFTER_MAX)


@dataclass(frozen=True, slots=True)
class Envelope:
    """An answer, parsed. `data` is None for JSON null and for anything but JSON."""

    status: int
    is_json: bool
    is_html: bool
    is_challenge: bool
    is_empty: bool
    data: Any
    codes: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def code(self) -> str:
        return self.codes[0] if self.codes else ""

    @property
    def text(self) -> str:
        return self.texts[0] if self.texts else ""

    @property
    def words(self) -> str:
        """All codes and texts of the error, lower-cased, to search for known phrases."""
        return "\n".join((*self.codes, *self.texts)).lower()


def read_envelope(status: int, headers: Headers, body: bytes | str | None) -> Envelope:
    """Parse an answer. Whether it is a page or a block is decided before its words are read (upstream §2.4).

    `is_challenge` is true for every block of our address that names itself, a JSON one included.
    """
    raw = body.decode("utf-8", "replace") if isinstance(body, bytes) else (body or "")
    raw = raw.lstrip("\ufeff").strip()
    data = _parse(raw)
    is_json = data is not _MISSING
    lowered = raw[:20_000].lower()
    content_type = header(headers, "content-type").lower()
    is_html = "html" in content_type or raw.startswith("<")
    is_challenge = "challenge" in header(headers, "cf-mitigated").lower()
    if not is_json or is_html:
        # Outside JSON only: a member may be called "Just a moment".
        is_challenge = is_challenge or any(marker in lowered for marker in _EDGE_MARKERS)
        is_challenge = is_challenge or ("access denied" in lowered and "1020" in lowered)
    # Of errors only: in a list it would be somebody's name.
    is_challenge = is_challenge or (status >= 400 and _UNUSUAL.search(lowered) is not None)
    codes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    if is_json and not is_html:
        codes, texts = _codes(data), _texts(data)
    elif raw and not is_html and not is_challenge:
        texts = (raw[:500],)
    return Envelope(
        status=status,
        is_json=is_json and not is_html,
        is_html=is_html,
        is_challenge=is_challenge,
        is_empty=not raw,
        data=data if is_json and not is_html else None,
        codes=codes,
        texts=texts,
    )


def _parse(raw: str) -> Any:
    if not raw:
        return _MISSING
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return _MISSING


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _strings(*values: Any) -> tuple[str, ...]:
    seen = (value.strip() for value in values if isinstance(value, str))
    return tuple(dict.fromkeys(value for value in seen if value))


def _codes(data: Any) -> tuple[str, ...]:
    """Error codes from every place where they were seen (upstream §2.1)."""
    error, detail = _get(data, "error"), _get(data, "detail")
    found = _strings(
        _get(error, "code"),
        error,
        _get(data, "code"),
        _get(detail, "code"),
        _get(_get(detail, "error"), "code"),
        _get(detail, "error"),
    )
    return tuple(value.lower() for value in found)


def _texts(data: Any) -> tuple[str, ...]:
    if isinstance(data, str):
        return _strings(data)
    error, detail = _get(data, "error"), _get(data, "detail")
    listed = detail if isinstance(detail, list) else []
    return _strings(
        _get(error, "message"),
        _get(data, "error_description"),
        detail,
        _get(detail, "message"),
        _get(_get(detail, "error"), "message"),
        _get(data, "message"),
        *(_get(item, "msg") if isinstance(item, dict) else item for item in listed[:20]),
        error,
    )

"""Read and check the body of an import over HTTP (docs/en/integration.md)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, BinaryIO

from django.http import HttpRequest
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _

from teampool.imports.jobs import MOST_BYTES
from teampool.imports.reading.json_records import read_json
from teampool.imports.reading.record import NO_TOKEN, Record, clean, unreadable
from teampool.imports.reading.shapes import ACCESS, ACCOUNT, CLIENT, EMAIL, REFRESH, SESSION, slot_of
from teampool.imports.reasons import reason_text
from teampool.upstream.readers import is_safe_id

SINGLE, BATCH = "single", "batch"
_FIELDS = (EMAIL, ACCESS, REFRESH, SESSION, CLIENT, ACCOUNT)
LONGEST = {EMAIL: 254, CLIENT: 64, ACCOUNT: 64}
LONGEST_TOKEN = 32 * 1024
# If we answer while the client still sends, it sees a broken connection: read up to this much first.
_READ_AND_DROPPED = 64 * 1024 * 1024
_PIECE = 64 * 1024


class NotTaken(Exception):
    """The request is refused: HTTP status, code for programs, text for people."""

    def __init__(self, status: int, error_code: str, error: str) -> None:
        super().__init__(error_code)
        self.status, self.error_code, self.error = status, error_code, error


def is_too_large(request: HttpRequest) -> bool:
    length = request.META.get("CONTENT_LENGTH") or ""
    return length.isdecimal() and int(length) > MOST_BYTES


def drop_body(request: HttpRequest) -> None:
    """Read and discard the rest of the body, up to a limit."""
    source = _unmeasured(request) or request
    try:
        for _number in range(_READ_AND_DROPPED // _PIECE):
            if not source.read(_PIECE):
                return
    except (OSError, ValueError):
        return  # the client is gone, or the body was read before


def _unmeasured(request: HttpRequest) -> BinaryIO | None:
    """The body of a chunked request, which has no Content-Length: Django would read it as empty."""
    is_chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    stream: BinaryIO | None = request.META.get("wsgi.input")
    return stream if is_chunked and request.META.get("wsgi.input_terminated") else None


def _read_body(request: HttpRequest) -> bytes:
    stream = _unmeasured(request)
    if stream is None:
        return request.body
    body = stream.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        raise too_large()
    return body


def too_large() -> NotTaken:
    return NotTaken(413, "too_large", _("The body is larger than 5 MB. Import it in parts."))


def read_payload(request: HttpRequest) -> dict[str, Any]:
    """The JSON object in the body. Raises NotTaken."""
    try:
        payload = json.loads(_read_body(request).decode("utf-8-sig"))
    except (ValueError, RecursionError, UnreadablePostError):
        # Also not UTF-8, a number of 5,000 digits, or endless nesting.
        raise NotTaken(400, "bad_json", _("The body is not valid JSON.")) from None
    if not isinstance(payload, dict):
        raise NotTaken(400, "wrong_type", _("The body must be a JSON object."))
    return payload


def read_kind(payload: dict[str, Any]) -> str:
    kind = payload.get("import_type")
    if kind is None:
        raise _missing("import_type")
    if kind not in (SINGLE, BATCH):
        raise NotTaken(400, "bad_import_type", _('import_type must be "single" or "batch".'))
    return str(kind)


def read_content(payload: dict[str, Any]) -> str:
    """The text of a batch. Raises NotTaken."""
    content = payload.get("content")
    if content is None:
        raise _missing("content")
    if not isinstance(content, str):
        raise NotTaken(400, "wrong_type", _("{field} must be text.").format(field="content"))
    if "\0" in content:
        raise NotTaken(400, "bad_text", _("{field} holds invalid characters.").format(field="content"))
    if not content.strip():
        raise _missing("content")
    return content


def read_single(payload: dict[str, Any]) -> Record:
    """The account of a `single`. Raises NotTaken."""
    values = {field: _read_field(payload, field) for field in _FIELDS}
    values[EMAIL] = values[EMAIL].lower()
    if values[EMAIL] and slot_of(values[EMAIL]) != EMAIL:
        raise NotTaken(400, "bad_email", _("This e-mail address is not complete. Example: name@example.com"))
    if slot_of(values[ACCOUNT]) == ACCOUNT:
        values[ACCOUNT] = values[ACCOUNT].lower()  # as ChatGPT and a batch write it
    if values[ACCOUNT] and not is_safe_id(values[ACCOUNT]):
        raise NotTaken(400, "bad_text", _("{field} holds invalid characters.").format(field=ACCOUNT))
    if not (values[ACCESS] or values[SESSION] or values[REFRESH]):
        raise NotTaken(400, NO_TOKEN, reason_text(NO_TOKEN))
    # Its fields are read as those of a JSON line of a batch: what does not look like its name says is not used.
    text = json.dumps({field: value for field, value in values.items() if value})
    (record,) = read_json(text, 1, 1, []) or [unreadable(1)]
    if record.problem:
        raise NotTaken(400, record.problem, reason_text(record.problem))
    if not (record.access_token or record.session_token or record.client_id):
        raise _missing(CLIENT)
    return replace(record, account_id=values[ACCOUNT])


def _read_field(payload: dict[str, Any], field: str) -> str:
    value = payload.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise NotTaken(400, "wrong_type", _("{field} must be text.").format(field=field))
    value = clean(value)
    if not value.isprintable():
        raise NotTaken(400, "bad_text", _("{field} holds invalid characters.").format(field=field))
    longest = LONGEST.get(field, LONGEST_TOKEN)
    if len(value) > longest:
        text = _("{field} is too long: at most {n} characters.").format(field=field, n=f"{longest:,}")
        raise NotTaken(400, "too_long", text)
    return value


def _missing(field: str) -> NotTaken:
    return NotTaken(400, "missing_field", _("{field} is missing.").format(field=field))

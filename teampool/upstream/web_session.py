"""Exchange a web session for new tokens (upstream §11)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from .claims import claims_of
from .classify import failure_of
from .cookies import cookie_header, rotated_cookie
from .envelope import read_envelope
from .errors import UpstreamError, error_from
from .transport import Deadline, Reply, Transport, is_header_safe
from .types import Failure, Op, SessionAnswer, TokenSet, normalise_email


def exchange_session(session_token: str, *, account_id: str | None = None, device_id: str) -> SessionAnswer:
    """Exchange a web session for tokens, scoped to a workspace if `account_id` is given.

    The answer may be for another workspace or log-in: the caller compares `account_id`, `user_id` and `email` before it
    stores the access token, and stores a rotated session token anyway. Raises UpstreamError: REFRESH_PERMANENT when the
    session is dead.
    """
    query = ""
    if account_id:
        asked = {"exchange_workspace_token": "true", "workspace_id": account_id, "reason": "setCurrentAccount"}
        query = "?" + urlencode(asked)
    cookie_value = session_token.strip()
    if not is_header_safe(cookie_value) or ";" in cookie_value:
        raise UpstreamError(Failure.REFRESH_PERMANENT, code="malformed_token", op=Op.SESSION)
    headers = {
        "Accept": "*/*",
        "Accept-Language": "en-US,en;q=0.9",
        "Referer": "https://chatgpt.com/",
        "Cookie": cookie_header(cookie_value),
    }
    if is_header_safe(device_id):
        headers["oai-device-id"] = device_id
    transport = Transport(settings.UPSTREAM_BASE_URL)
    try:
        path = f"/api/auth/session{query}"
        reply = transport.send("GET", path, op=Op.SESSION, headers=headers, deadline=Deadline.of_a_call())
    finally:
        transport.close()
    return read_session(reply)


def read_session(reply: Reply) -> SessionAnswer:
    """The session endpoint's answer. Raises UpstreamError as `exchange_session` does."""
    envelope = read_envelope(reply.status, reply.headers, reply.body)
    data = envelope.data
    is_2xx = 200 <= reply.status < 300
    if is_2xx and isinstance(data, dict) and not envelope.is_challenge and "detail" not in data:
        access_token = data.get("accessToken")
        if data.get("error") or not isinstance(access_token, str) or not access_token.strip():
            # Only a JSON object proves the session dead; a block page or a broken answer does not.
            raise error_from(Failure.REFRESH_PERMANENT, envelope, reply.headers, Op.SESSION)
        return _session_answer(data, access_token.strip(), reply.set_cookies)
    failure = failure_of(envelope, Op.SESSION) or Failure.PROTOCOL_ERROR
    if failure is Failure.TOKEN_REJECTED:
        failure = Failure.REFRESH_PERMANENT
    raise error_from(failure, envelope, reply.headers, Op.SESSION)


def _session_answer(data: dict[str, Any], access_token: str, set_cookies: tuple[str, ...]) -> SessionAnswer:
    user, account = _dict(data.get("user")), _dict(data.get("account"))
    claims = claims_of(access_token)
    return SessionAnswer(
        tokens=TokenSet(
            access_token=access_token,
            session_token=rotated_cookie(set_cookies) or _text(data.get("sessionToken")),
            expires_at=claims.expires_at if claims else None,
        ),
        # The token's claims win over the answer's: the token is what will be used.
        email=(claims.email if claims else "") or normalise_email(user.get("email")) or "",
        user_id=(claims.user_id if claims else "") or _text(user.get("id")),
        account_id=(claims.account_id if claims else "") or _text(account.get("id")),
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""

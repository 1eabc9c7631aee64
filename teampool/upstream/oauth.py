"""Exchange a web session (upstream §11) or a refresh token (upstream §12) for new tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from teampool.upstream.claims import Claims, NotAToken, read_claims

from .classify import failure_of
from .cookies import cookie_header, rotated_cookie
from .envelope import Envelope, read_envelope
from .errors import UpstreamError, error_from
from .transport import Deadline, Reply, Transport, is_header_safe
from .types import Failure, Op, SessionAnswer, TokenSet, normalise_email

_REFRESH_DEAD = frozenset(
    {
        "refresh_token_invalidated",
        "refresh_token_expired",
        "invalid_refresh_token",
        "token_expired",
        "token_invalidated",
        "token_revoked",
        "app_session_terminated",
        "account_deactivated",
        "account_disabled",
        "invalid_grant",
        # The client id is wrong: this token cannot be refreshed with it.
        "invalid_client",
        "unauthorized_client",
    }
)


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
    claims = _claims(access_token)
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


def refresh_oauth(refresh_token: str, client_id: str) -> TokenSet:
    """Spend a refresh token for a new set of tokens. Sends it once.

    Raises UpstreamError: REFRESH_REUSED, REFRESH_PERMANENT, REFRESH_TRANSIENT or PROTOCOL_ERROR. REFRESH_TRANSIENT with
    code "outcome_unknown" may have spent the token; with "not_sent" it has not. The `salvage` of a PROTOCOL_ERROR holds
    a new refresh token to store.
    """
    transport = Transport(settings.UPSTREAM_AUTH_URL)
    payload = {"client_id": client_id, "grant_type": "refresh_token", "refresh_token": refresh_token}
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    try:
        reply = transport.send(
            "POST", "/oauth/token", op=Op.OAUTH, headers=headers, deadline=Deadline.of_a_call(), payload=payload
        )
    except UpstreamError as error:
        code = "not_sent" if error.failure is Failure.CONNECT_FAILED else "outcome_unknown"
        raise UpstreamError(Failure.REFRESH_TRANSIENT, code=code, text=error.text, op=Op.OAUTH) from None
    finally:
        transport.close()
    return read_refresh(reply, now=datetime.now(UTC))


def read_refresh(reply: Reply, *, now: datetime) -> TokenSet:
    """The token endpoint's answer. Raises UpstreamError as `refresh_oauth` does."""
    envelope = read_envelope(reply.status, reply.headers, reply.body)
    failure = _refresh_failure(envelope)
    if failure is not None:
        raise error_from(failure, envelope, reply.headers, Op.OAUTH)
    data = _dict(envelope.data)
    access_token, refresh_token = _text(data.get("access_token")), _text(data.get("refresh_token"))
    if not access_token:
        error = error_from(Failure.PROTOCOL_ERROR, envelope, reply.headers, Op.OAUTH)
        error.salvage = TokenSet(access_token="", refresh_token=refresh_token) if refresh_token else None
        raise error
    claims = _claims(access_token)
    return TokenSet(
        access_token=access_token,
        refresh_token=refresh_token,
        expires_at=(claims.expires_at if claims else None) or _expiry(data.get("expires_in"), now),
    )


def _refresh_failure(envelope: Envelope) -> Failure | None:
    status = envelope.status
    if 300 <= status < 400:
        return Failure.PROTOCOL_ERROR
    if envelope.is_html or envelope.is_challenge:
        return Failure.REFRESH_TRANSIENT
    if "refresh_token_reused" in envelope.codes:
        return Failure.REFRESH_REUSED
    if any(code in _REFRESH_DEAD for code in envelope.codes):
        return Failure.REFRESH_PERMANENT
    if 200 <= status < 300:
        return None
    # Every 401 in JSON is final, also with an unknown code.
    if status == 401 and isinstance(envelope.data, dict):
        return Failure.REFRESH_PERMANENT
    return Failure.REFRESH_TRANSIENT


def _claims(access_token: str) -> Claims | None:
    try:
        return read_claims(access_token)
    except NotAToken:
        return None


def _expiry(value: Any, now: datetime) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10**9:
        return None
    return now + timedelta(seconds=value)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""

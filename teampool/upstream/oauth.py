"""Spend a refresh token for new tokens (upstream §12)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings

from .claims import claims_of
from .envelope import Envelope, read_envelope
from .errors import UpstreamError, error_from
from .transport import Deadline, Reply, Transport
from .types import Failure, Op, TokenSet

_REFRESH_DEAD = frozenset(
    {
        "refresh_token_invalidated",
        "refresh_token_expired",
        "refresh_token_revoked",
        "invalid_refresh_token",
        "token_expired",
        "token_invalidated",
        "token_revoked",
        "app_session_terminated",
        "account_deactivated",
        "account_disabled",
        "invalid_grant",
    }
)
_ABOUT_THE_CLIENT = frozenset({"invalid_client", "unauthorized_client", "missing_required_parameter"})
# ChatGPT says these of a token that it does not know under this client id, too.
_UNKNOWN_HERE = frozenset({"token_expired", "invalid_grant", "invalid_refresh_token"})


def refresh_oauth(refresh_token: str, client_id: str) -> TokenSet:
    """Spend a refresh token for a new set of tokens. Sends it once.

    Raises UpstreamError: REFRESH_REUSED, REFRESH_PERMANENT, REFRESH_MISCONFIGURED (the client id is wrong, the token
    may be good), REFRESH_TRANSIENT or PROTOCOL_ERROR. REFRESH_TRANSIENT with code "outcome_unknown" may have spent the
    token; with "not_sent" it has not. The `salvage` of a PROTOCOL_ERROR holds a new refresh token to store.
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


def of_a_guess(error: UpstreamError) -> UpstreamError:
    """What this refusal says when the client id was only guessed: the guess may be wrong, and the token good."""
    if error.failure is not Failure.REFRESH_PERMANENT or error.code not in _UNKNOWN_HERE:
        return error
    return UpstreamError(
        Failure.REFRESH_MISCONFIGURED,
        status=error.status,
        code=error.code,
        text=error.text,
        request_id=error.request_id,
        op=error.op,
    )


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
    claims = claims_of(access_token)
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
    if any(code in _ABOUT_THE_CLIENT for code in envelope.codes):
        return Failure.REFRESH_MISCONFIGURED
    if any(code in _REFRESH_DEAD for code in envelope.codes):
        return Failure.REFRESH_PERMANENT
    if 200 <= status < 300:
        return None
    # Every 401 in JSON is final, also with an unknown code.
    if status == 401 and isinstance(envelope.data, dict):
        return Failure.REFRESH_PERMANENT
    return Failure.REFRESH_TRANSIENT


def _expiry(value: Any, now: datetime) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10**9:
        return None
    return now + timedelta(seconds=value)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""

"""Exchange a web session for new tokens (upstream §11)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from .claims import claims_of
from .classify import failure_in, failure_of, known_failure
from .cookies import account_cookie, cookie_header, rotated_cookie
from .envelope import Envelope, read_envelope
from .errors import UpstreamError, error_from
from .transport import Deadline, Reply, Transport, is_header_safe
from .types import Failure, Op, TokenSet, normalise_email

REASONS = ("setCurrentAccountWithoutRedirect", "account_switcher")
"""What an exchange may give as its reason. Either may be ignored: the answer is then for another workspace."""

# In our own words, as `Team.sync_problem` and `Owner.login_problem` hold them.
NO_TOKEN_NOW = "the session gave no token just now"  # noqa: S105 - a sentence, as the next three
NO_TOKEN_AT_ALL = "the session gave no token, twice in ten minutes or more"  # noqa: S105
NO_TOKEN_HERE = "the session gave no token for this workspace"  # noqa: S105
SAME_TOKEN = "the session still hands out the refused token"  # noqa: S105

# Errors that mean what they always do, although they come in a session's answer; any other says "no token now".
_MEANT = {Failure.EDGE_BLOCK, Failure.RATE_LIMITED, Failure.USER_DEACTIVATED}
_SUSPENDED = re.compile(r"deactivat|suspend")
_LOST = re.compile(r"removed|not_?found|not_a_member")


@dataclass(frozen=True, slots=True)
class SessionAnswer:
    """A session exchanged for tokens, and whose they are. The caller compares before storing.

    `refusal`: why there is no access token in it; `tokens` then holds a rotated session token at most.
    """

    tokens: TokenSet
    email: str
    user_id: str
    account_id: str
    refusal: UpstreamError | None = None

    def is_of(self, email: str) -> bool:
        """False when it is another log-in's. An answer without a token may name nobody."""
        return self.email == email or (not self.email and self.refusal is not None)


def exchange_session(
    session_token: str, *, account_id: str | None = None, reason: str = REASONS[0], device_id: str
) -> SessionAnswer:
    """Exchange a web session for tokens, scoped to a workspace if `account_id` is given.

    The answer may be for another workspace or log-in: the caller compares `account_id`, `user_id` and `email` before it
    stores the access token, and stores a rotated session token anyway. Where the session refuses a token, `refusal`
    says why. Raises UpstreamError when there is no such answer: SESSION_DOUBTFUL when the session itself is refused,
    REFRESH_PERMANENT when the token fits no cookie.
    """
    query = {}
    if account_id:
        query = {"exchange_workspace_token": "true", "workspace_id": account_id, "reason": reason}
    return _ask(session_token, query, account_id=account_id, device_id=device_id)


def refresh_session(
    session_token: str, *, failed_token: str, account_id: str | None = None, device_id: str
) -> SessionAnswer:
    """Make the session get a new access token in place of `failed_token`, which it goes on handing out though refused.

    Once per refused token. The answer is what `exchange_session` returns, perhaps for another workspace.
    """
    claims = claims_of(failed_token)
    headers = {"x-openai-failed-access-token-iat": str(claims.issued_at)} if claims and claims.issued_at else {}
    query = {"refresh": "true", "reason": "token_expired"}
    return _ask(session_token, query, account_id=account_id, device_id=device_id, headers=headers)


def _ask(
    session_token: str,
    query: dict[str, str],
    *,
    account_id: str | None,
    device_id: str,
    headers: dict[str, str] | None = None,
) -> SessionAnswer:
    cookie_value = session_token.strip()
    if not is_header_safe(cookie_value) or ";" in cookie_value:
        raise UpstreamError(Failure.REFRESH_PERMANENT, code="malformed_token", op=Op.SESSION)
    sent = {
        "Accept": "*/*",
        "Accept-Language": "en-US,en;q=0.9",
        "Referer": "https://chatgpt.com/",
        # Some answers are for the workspace in the cookie, whatever the query asks for.
        "Cookie": cookie_header(cookie_value) + account_cookie(account_id or ""),
    } | (headers or {})
    if is_header_safe(device_id):
        sent["oai-device-id"] = device_id
    path = "/api/auth/session" + (f"?{urlencode(query)}" if query else "")
    transport = Transport(settings.UPSTREAM_BASE_URL)
    try:
        reply = transport.send("GET", path, op=Op.SESSION, headers=sent, deadline=Deadline.of_a_call())
    finally:
        transport.close()
    return read_session(reply)


def read_session(reply: Reply) -> SessionAnswer:
    """The session endpoint's answer. Raises UpstreamError as `exchange_session` does."""
    envelope = read_envelope(reply.status, reply.headers, reply.body)
    data = envelope.data
    is_2xx = 200 <= reply.status < 300
    if not is_2xx or not isinstance(data, dict) or envelope.is_challenge or "detail" in data:
        failure = failure_of(envelope, Op.SESSION) or Failure.PROTOCOL_ERROR
        if failure is Failure.TOKEN_REJECTED:
            failure = Failure.SESSION_DOUBTFUL
        raise error_from(failure, envelope, reply.headers, Op.SESSION)
    refusal = _refusal(data, envelope, reply)
    return _session_answer(data, reply.set_cookies, refusal)


def _refusal(data: dict[str, Any], envelope: Envelope, reply: Reply) -> UpstreamError | None:
    """Why a session's document brings no token to use, None when it brings one.

    The session lives when only the exchange failed. An `error`, or no token at all, may be a hiccup.
    """
    if exchange := data.get("workspaceTokenExchangeError"):
        return _exchange_error(exchange, reply.status)
    if data.get("error"):
        known = known_failure(envelope, Op.SESSION)
        failure = known if known in _MEANT else Failure.SESSION_DOUBTFUL
        return error_from(failure, envelope, reply.headers, Op.SESSION)
    if not _text(data.get("accessToken")):
        return UpstreamError(Failure.SESSION_DOUBTFUL, status=reply.status, op=Op.SESSION)
    return None


def _exchange_error(error: Any, status: int) -> UpstreamError:
    """One workspace that cannot be exchanged: suspended, lost, or nobody knows why."""
    code, message = _text(_dict(error).get("code")), _text(_dict(error).get("message"))
    if isinstance(error, str):
        code, message = (error.strip(), "") if " " not in error.strip() else ("", error.strip())
    # About this workspace alone, whatever it says of accounts: an account is a workspace here.
    said = failure_in(message.lower(), Op.SESSION)
    if _SUSPENDED.search(code.lower()) or said is Failure.WORKSPACE_SUSPENDED:
        failure = Failure.WORKSPACE_SUSPENDED
    elif _LOST.search(code.lower()) or said in {Failure.WORKSPACE_NOT_FOUND, Failure.ACCESS_REMOVED}:
        failure = Failure.ACCESS_REMOVED
    else:
        failure = Failure.EXCHANGE_FAILED
    return UpstreamError(failure, status=status, code=code, text=message, op=Op.SESSION)


def _session_answer(data: dict[str, Any], set_cookies: tuple[str, ...], refusal: UpstreamError | None) -> SessionAnswer:
    user, account = _dict(data.get("user")), _dict(data.get("account"))
    access_token = _text(data.get("accessToken"))
    claims = claims_of(access_token)
    return SessionAnswer(
        tokens=TokenSet(
            # Beside a refusal it is a stale one, or another workspace's.
            access_token="" if refusal else access_token,
            session_token=rotated_cookie(set_cookies) or _text(data.get("sessionToken")),
            expires_at=claims.expires_at if claims else None,
        ),
        # The token's claims win over the answer's: the token is what will be used.
        email=(claims.email if claims else "") or normalise_email(user.get("email")) or "",
        user_id=(claims.user_id if claims else "") or _text(user.get("id")),
        account_id=(claims.account_id if claims else "") or _text(account.get("id")),
        refusal=refusal,
    )


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""

"""The request log (upstream §16.1, 5): what was asked, by whom, and what came of it."""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from typing import Any

from sandbox.state import letters, short_hash
from sandbox.wire import Request

LIMIT = 50_000
SECRETS = {
    "access_token",
    "refresh_token",
    "id_token",
    "session_token",
    "client_secret",
    "code",
    "code_verifier",
    "state",
}
EDGE_COOKIE = "__cf_bm"
logger = logging.getLogger("sandbox")
ACCOUNT_COOKIE = "_account"
FAILED_IAT = "x-openai-failed-access-token-iat"
_SESSION_COOKIE = re.compile(r"^__Secure-(?:next-auth|authjs)\.session-token(?:\.(\d+))?$")


def bearer(request: Request) -> str | None:
    """Return the bearer token of a request, None when there is no such header."""
    value = request.headers.get("authorization")
    if value is None:
        return None
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def edge_cookie_of(login: str | None) -> str:
    """Return the edge's cookie for a login: it tells whose jar a request was made with."""
    return letters(login, 16) if login else "nobody"


def session_cookie(request: Request) -> str | None:
    """Return the session token, plain or joined from its chunks in numeric order; None if absent."""
    whole, chunks = None, {}
    for name, value in request.cookies().items():
        if match := _SESSION_COOKIE.match(name):
            if match[1] is None:
                whole = value
            else:
                chunks[int(match[1])] = value
    if whole is None and chunks:
        whole = "".join(chunks[number] for number in sorted(chunks))
    return whole or None


def account_cookie(request: Request) -> str | None:
    """Return the workspace that the web page stands in, None when no cookie says so."""
    return request.cookies().get(ACCOUNT_COOKIE)


def masked(value: Any) -> Any:
    """Return a body with each secret replaced by its hash, so that two can still be told apart."""
    if isinstance(value, dict):
        return {
            key: f"sha256:{short_hash(item)}" if key in SECRETS and isinstance(item, str) else masked(item)
            for key, item in value.items()
        }
    return [masked(item) for item in value] if isinstance(value, list) else value


class Journal:
    """An ordered log of backend requests; entries are written at arrival and completed later."""

    def __init__(self) -> None:
        self.entries: deque[dict[str, Any]] = deque(maxlen=LIMIT)
        self.seq = 0

    def open(
        self,
        request: Request,
        *,
        now: float,
        op: str | None,
        account_id: str | None,
        body: Any,
        login: str | None,
        emails: list[str],
    ) -> dict[str, Any]:
        """Note a request as it arrives; `status` stays None until an answer was decided."""
        self.seq += 1
        token, cookie = bearer(request), session_cookie(request)
        edge_cookie = request.cookies().get(EDGE_COOKIE)
        scope = request.headers.get("chatgpt-account-id")
        entry: dict[str, Any] = {
            "seq": self.seq,
            "time": now,
            "received_at": time.perf_counter(),
            "method": request.method,
            "path": request.path,
            "query": masked(request.query),
            "op": op,
            "account_id": account_id,
            "emails": emails,
            "login": login,
            "authorization": token is not None,
            "token_hash": short_hash(token) if token else None,
            "session_hash": short_hash(cookie) if cookie else None,
            "client_id": body.get("client_id") if isinstance(body, dict) else None,
            "edge_cookie": edge_cookie,
            "foreign_cookie": edge_cookie is not None and edge_cookie != edge_cookie_of(login),
            "reason": request.query.get("reason"),
            "failed_iat": request.headers.get(FAILED_IAT),
            "account_cookie": account_cookie(request),
            "account_header": scope,
            "account_header_present": scope is not None,
            "account_header_equal": scope is not None and scope == account_id,
            "user_agent": request.headers.get("user-agent"),
            "body": masked(body),
            "status": None,
            "effect_applied": None,
            "seats_bought": 0,
            "fault": None,
        }
        self.entries.append(entry)
        return entry

    def drift(self, entry: dict[str, Any]) -> None:
        """Note loudly that a client asked for what the contract does not have."""
        entry["drift"] = True
        logger.warning("sandbox: client drift: %s %s", entry["method"], entry["path"])

    def since(self, seq: int, **wanted: Any) -> list[dict[str, Any]]:
        """Return copies of the entries after a number whose fields equal what is wanted."""
        return [
            dict(entry)
            for entry in self.entries
            if entry["seq"] > seq and all(entry.get(key) == value for key, value in wanted.items())
        ]

"""Sign in at OpenAI: the address to open, and the exchange of the code it ends with (upstream §12.1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from urllib.parse import urlencode

from django.conf import settings

from .clients import CODEX
from .errors import UpstreamError
from .oauth import read_refresh
from .transport import Deadline, Transport
from .types import Failure, Op, TokenSet

LANDS_AT = ("localhost:1455", "/auth/callback")
OPENS_AT = "/oauth/authorize"
NOT_SENT = "not_sent"
_REDIRECT = f"http://{LANDS_AT[0]}{LANDS_AT[1]}"


def new_verifier() -> str:
    """A verifier of 86 characters; upstream takes 43 to 128."""
    return secrets.token_urlsafe(64)


def state_of(verifier: str) -> str:
    """The state that goes with this verifier: as random as it, and no way back to it."""
    return _base64(hmac.digest(verifier.encode(), b"state", "sha256"))


def address_of(verifier: str) -> str:
    """Where the person signs in. Holds the verifier's challenge and state, never the verifier."""
    asked = {
        "response_type": "code",
        "client_id": CODEX,
        "redirect_uri": _REDIRECT,
        "scope": "openid profile email offline_access",
        "code_challenge": _base64(hashlib.sha256(verifier.encode()).digest()),
        "code_challenge_method": "S256",
        "state": state_of(verifier),
        "id_token_add_organizations": "true",
        "codex_cli_simplified_flow": "true",
        "prompt": "login",
    }
    return f"{settings.UPSTREAM_AUTH_URL}{OPENS_AT}?{urlencode(asked)}"


def exchange_code(code: str, verifier: str) -> TokenSet:
    """Exchange the code of a sign-in for its first tokens. Sends it once.

    Raises UpstreamError; only with code "not_sent" may the code be sent again. `salvage`: as of `refresh_oauth`.
    """
    payload = {
        "grant_type": "authorization_code",
        "client_id": CODEX,
        "code": code,
        "redirect_uri": _REDIRECT,
        "code_verifier": verifier,
    }
    headers = {"Accept": "application/json", "Content-Type": "application/json"}
    transport = Transport(settings.UPSTREAM_AUTH_URL)
    try:
        reply = transport.send(
            "POST", "/oauth/token", op=Op.OAUTH, headers=headers, deadline=Deadline.of_a_call(), payload=payload
        )
    except UpstreamError as error:
        unsent = error.failure is Failure.CONNECT_FAILED
        raise UpstreamError(error.failure, code=NOT_SENT if unsent else error.code, op=Op.OAUTH) from None
    finally:
        transport.close()
    return read_refresh(reply, now=datetime.now(UTC))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

"""The codes of the sign-in page (upstream §12.1): who may ask for one, and what it is exchanged for."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sandbox.base import Memory
from sandbox.clients import CODEX
from sandbox.state import Person, Refusal, letters
from sandbox.tokens import AuthorizationCode

CLIENTS = {CODEX: "http://localhost:1455/auth/callback"}
"""The clients that may send people here, each with the one address it may have them land on."""

LIFETIME = 600.0
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class BadSignIn(Exception):
    """The address cannot be used at all: nobody is sent anywhere (`error` as OAuth calls it)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks for, already checked."""

    client_id: str
    redirect_uri: str
    challenge: str
    state: str
    always_asks: bool

    def landing(self, **fields: str) -> str:
        """Return the address the browser lands on with these parameters and the state."""
        return f"{self.redirect_uri}?{urlencode(fields | {'state': self.state})}"


def read_address(query: dict[str, str]) -> Asked:
    """Read the parameters of an authorisation address; raises BadSignIn when one is missing or wrong."""
    client_id, redirect_uri = query.get("client_id", ""), query.get("redirect_uri", "")
    if client_id not in CLIENTS:
        raise BadSignIn("invalid_client", "Unknown client.")
    if redirect_uri != CLIENTS[client_id]:
        raise BadSignIn("invalid_request", "The redirect_uri is not one of this client's.")
    if query.get("response_type") != "code":
        raise BadSignIn("unsupported_response_type", "Only response_type=code is supported.")
    if not {"openid", "offline_access"} <= set(query.get("scope", "").split()):
        raise BadSignIn("invalid_scope", "The scope needs openid and offline_access.")
    challenge = query.get("code_challenge", "")
    if query.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise BadSignIn("invalid_request", "A code_challenge by S256 is required.")
    if len(query.get("state", "")) < 8:
        raise BadSignIn("invalid_request", "A state of 8 characters or more is required.")
    return Asked(client_id, redirect_uri, challenge, query["state"], query.get("prompt") == "login")


def issue(world: Memory, asked: Asked, person: Person, account_id: str | None = None) -> str:
    """Sign a person in and return where they land; `account_id` is the workspace they chose."""
    mine = [workspace.account_id for workspace in world.workspaces_of(person)]
    if account_id is not None and account_id not in mine:
        raise Refusal(f"{person.email!r} is not in workspace {account_id!r}")
    world.tokens.number += 1
    value = f"ac_sandbox.{letters(f'code {person.id} {world.tokens.number}', 43)}"
    world.tokens.codes[value] = AuthorizationCode(
        value, person, asked.client_id, asked.redirect_uri, asked.challenge, world.now() + LIFETIME, account_id
    )
    return asked.landing(code=value)


def why_not(code: AuthorizationCode, body: dict[str, Any], now: float) -> str:
    """Say why a code cannot be exchanged by this request; "" when it can."""
    if code.is_used:
        return "The authorization code was used already."
    if code.expires_at <= now:
        return "The authorization code has expired."
    if body.get("client_id") != code.client_id:
        return "The authorization code belongs to another client."
    if body.get("redirect_uri") != code.redirect_uri:
        return "The redirect_uri is not the one the code was sent to."
    verifier = body.get("code_verifier")
    if not isinstance(verifier, str) or not _VERIFIER.fullmatch(verifier) or challenge_of(verifier) != code.challenge:
        return "The code_verifier does not match."
    return ""


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()

"""Access tokens, refresh-token chains and web sessions (upstream §11, §12, §13).

Access tokens are JWTs signed with a published test key: anybody can decode them, nobody should
trust them. What makes one good is its entry here, as upstream, where `exp` proves nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.clients import WEB
from sandbox.state import DAY, Person, Workspace, digits, letters

ACCESS_LIFETIME = 10 * DAY
SESSION_LIFETIME = 90 * DAY
KEY = b"sandbox test key, worth nothing"
SCOPES = ["openid", "profile", "email", "offline_access"]


@dataclass(slots=True)
class AccessToken:
    """One access token; `dead_as` is the code it is refused with, once it is dead."""

    value: str
    person: Person
    account_id: str | None
    expires_at: float
    dead_as: str | None = None
    settles_at: float = 0.0
    unsettled_status: int = 401


@dataclass(slots=True)
class RefreshToken:
    """One link of a chain of refresh tokens; spent once it bought the next one."""

    value: str
    person: Person
    client_id: str
    chain: int
    is_spent: bool = False
    dead_as: str | None = None


@dataclass(slots=True)
class WebSession:
    """One session cookie; `dead_as` is `empty`, `warning` or `error` once it is dead."""

    value: str
    person: Person
    expires_at: float
    dead_as: str | None = None


@dataclass(slots=True)
class AuthorizationCode:
    """What a sign-in hands to the browser: exchanged once for the first tokens of a chain."""

    value: str
    person: Person
    client_id: str
    redirect_uri: str
    challenge: str
    expires_at: float
    account_id: str | None = None
    chain: int | None = None

    @property
    def is_used(self) -> bool:
        """It was exchanged: `chain` is the chain of refresh tokens it began."""
        return self.chain is not None


def encode(claims: dict[str, Any]) -> str:
    """Return a JWT with these claims, HS256 under the test key."""
    head = _b64(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "sandbox"}, separators=(",", ":")).encode())
    body = _b64(json.dumps(claims, separators=(",", ":")).encode())
    mac = hmac.digest(KEY, f"{head}.{body}".encode(), hashlib.sha256)
    return f"{head}.{body}.{_b64(mac)}"


def decode(token: str) -> dict[str, Any] | None:
    """Return the claims of a JWT, unverified; None when it is no JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def access_claims(
    person: Person,
    workspace: Workspace | None,
    *,
    now: float,
    number: int,
    lifetime: float,
    client_id: str = WEB,
) -> dict[str, Any]:
    """Return the claims of upstream §13; without a workspace it is a personal token."""
    auth: dict[str, Any] = {
        "chatgpt_compute_residency": "no_constraint",
        "chatgpt_data_residency": "no_constraint",
        "chatgpt_plan_type": workspace.plan_type if workspace else "free",
        "chatgpt_user_id": person.id,
        "user_id": person.id,
        "amr": ["pwd"],
    }
    if workspace is not None:
        auth["chatgpt_account_id"] = workspace.account_id
        auth["chatgpt_account_user_id"] = f"{person.id}__{workspace.account_id}"
        auth["poid"] = workspace.organization_id
    return {
        "aud": ["https://api.openai.com/v1"],
        "client_id": client_id,
        "exp": int(now + lifetime),
        "iat": int(now),
        "nbf": int(now),
        "iss": "https://auth.openai.com",
        "jti": digits(3, number),
        "pwd_auth_time": int(now * 1000),
        "scp": SCOPES,
        "session_id": f"authsess_{letters(person.id)}",
        "sl": True,
        "sub": person.sub,
        "https://api.openai.com/auth": auth,
        "https://api.openai.com/profile": {"email": person.email, "email_verified": True},
    }


@dataclass(slots=True)
class TokenBook:
    """Every token ever issued, by its value."""

    access: dict[str, AccessToken] = field(default_factory=dict)
    refresh: dict[str, RefreshToken] = field(default_factory=dict)
    sessions: dict[str, WebSession] = field(default_factory=dict)
    codes: dict[str, AuthorizationCode] = field(default_factory=dict)
    newest: dict[tuple[str, str | None], AccessToken] = field(default_factory=dict)
    number: int = 0

    def issue_access(
        self,
        person: Person,
        workspace: Workspace | None,
        now: float,
        lifetime: float = ACCESS_LIFETIME,
        client_id: str = WEB,
    ) -> AccessToken:
        """Issue a new access token for a person, scoped to a workspace or personal, to this client."""
        self.number += 1
        claims = access_claims(person, workspace, now=now, number=self.number, lifetime=lifetime, client_id=client_id)
        account_id = workspace.account_id if workspace else None
        token = AccessToken(encode(claims), person, account_id, now + lifetime)
        self.access[token.value] = token
        if client_id == WEB:
            self.newest[person.id, account_id] = token
        return token

    def current_access(
        self, person: Person, workspace: Workspace | None, now: float, *, is_cached: bool = False
    ) -> AccessToken:
        """Return the newest good token of this scope, as the web session does; else issue one.

        `is_cached`: the newest one whether or not it is good.
        """
        token = self.newest.get((person.id, workspace.account_id if workspace else None))
        if token is None or (not is_cached and (token.dead_as or token.expires_at - now < 3600)):
            token = self.issue_access(person, workspace, now)
        return token

    def forget_access(self, person: Person, iat: str | None) -> None:
        """Make the session issue new tokens, if one of the person's was issued at this time (a claim, as text)."""
        claims = (decode(token.value) for token in self.access_of(person))
        if any(known and str(known["iat"]) == iat for known in claims):
            self.newest = {key: token for key, token in self.newest.items() if key[0] != person.id}

    def issue_refresh(self, person: Person, client_id: str, chain: int | None = None) -> RefreshToken:
        """Issue a refresh token: the first of a new chain, or the next of a given one."""
        self.number += 1
        value = f"rt_sandbox.{letters(f'{person.id} {self.number}', 43)}"
        token = RefreshToken(value, person, client_id, self.number if chain is None else chain)
        self.refresh[value] = token
        return token

    def issue_session(self, person: Person, now: float, length: int) -> WebSession:
        """Issue a session token: opaque, of about the given length."""
        self.number += 1
        seed = f"session {person.id} {self.number}"
        value = f"eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..{letters(seed, 16)}."
        value += letters(seed + " body", max(40, length - len(value) - 23)) + "." + letters(seed + " tag", 22)
        session = WebSession(value, person, now + SESSION_LIFETIME)
        self.sessions[value] = session
        return session

    def access_of(self, person: Person) -> list[AccessToken]:
        """Return every access token ever issued to a person."""
        return [token for token in self.access.values() if token.person is person]

    def refresh_of(self, person: Person) -> RefreshToken | None:
        """Return the newest refresh token of a person that was not spent."""
        mine = [t for t in self.refresh.values() if t.person is person and not t.is_spent]
        return mine[-1] if mine else None

    def session_of(self, person: Person) -> WebSession | None:
        """Return the newest session of a person."""
        mine = [s for s in self.sessions.values() if s.person is person]
        return mine[-1] if mine else None

    def kill_chain(self, chain: int, code: str) -> None:
        """Revoke a whole grant."""
        for token in self.refresh.values():
            if token.chain == chain:
                token.dead_as = code

    def kill_access_to(self, account_id: str, code: str) -> int:
        """Kill the access tokens scoped to a workspace; returns how many died."""
        alive = [token for token in self.access.values() if token.account_id == account_id and not token.dead_as]
        for token in alive:
            token.dead_as = code
        return len(alive)

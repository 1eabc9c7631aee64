"""What an access token says about itself (upstream §13), read without verifying it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import jwt

_AUTH = "https://api.openai.com/auth"
_PROFILE = "https://api.openai.com/profile"


class NotAToken(ValueError):
    """Not an access token: wrong segments, not base64, not JSON, or not an object."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Claims; "" or None where the token has none.

    `expires_at` is an upper bound: tokens may die long before. Nothing is verified: use claims to name and compare,
    never to permit.
    """

    email: str
    user_id: str
    account_id: str
    client_id: str
    expires_at: datetime | None
    plan: str
    issued_at: int | None = None
    """Seconds since 1970, as the token says: it names the token without showing it."""


def read_claims(access_token: str) -> Claims:
    """The claims of an access token; raises NotAToken when the text is no token."""
    try:
        claims = jwt.decode(access_token.strip(), options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError):
        # `from None`: the cause may quote the token.
        raise NotAToken("not an access token") from None
    if not isinstance(claims, dict):
        raise NotAToken("not an access token")
    auth, profile = _dict(claims.get(_AUTH)), _dict(claims.get(_PROFILE))
    return Claims(
        email=(_text(profile.get("email")) or _text(claims.get("email"))).lower(),
        user_id=_text(auth.get("chatgpt_user_id")) or _text(auth.get("user_id")),
        account_id=_text(auth.get("chatgpt_account_id")),
        client_id=_text(claims.get("client_id")),
        expires_at=_moment(claims.get("exp")),
        plan=_text(auth.get("chatgpt_plan_type")),
        issued_at=_whole(claims.get("iat")),
    )


def claims_of(access_token: str) -> Claims | None:
    """The claims of an access token, None when the text is no token."""
    try:
        return read_claims(access_token)
    except NotAToken:
        return None


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _whole(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 10**11:
        return None
    return int(value)


def _moment(value: Any) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None

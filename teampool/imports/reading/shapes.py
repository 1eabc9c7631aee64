"""What a value of a pasted line is, by its shape: a token, an address, or something an import must not use. Pure."""

from __future__ import annotations

import base64
import json
import re
from functools import lru_cache
from typing import Any

Slot = str
EMAIL, ACCESS, REFRESH, SESSION, CLIENT, ACCOUNT = (
    "email",
    "access_token",
    "refresh_token",
    "session_token",
    "client_id",
    "account_id",
)
TOKENS = (ACCESS, REFRESH, SESSION)

# What is ignored, by kind.
Kind = str
PASSWORD, SEED, RECOVERY, PHONE, DATE, NOTE, OTHER = "password", "2fa", "recovery", "phone", "date", "note", "other"

# Narrow, so that a token with an unknown separator does not pass for an address.
_EMAIL = re.compile(
    r"(?!eyJ[\w-]*\.|[^@]*----)[^@\s\x00-\x1f\x7f\ud800-\udfff,;|\"<>(){}\[\]]{1,64}"
    r"@(?:\w+(?:-{1,2}\w+)*\.)+(?:[^\W\d_]{2,24}|xn--[\w-]{1,59})"
)
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)
_JWE = re.compile(r"eyJ[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_SHAPES: tuple[tuple[Slot, re.Pattern[str]], ...] = (
    (REFRESH, re.compile(r"rt[_-](?!.*-{4})[\w.~+/=-]{10,}", re.ASCII)),
    (CLIENT, re.compile(r"app_[\w-]+", re.ASCII)),
    (ACCOUNT, re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")),
    ("", re.compile(r"(?:org|user)-[A-Za-z0-9]{6,}")),
)
# `rt-correct-horse-42` is a password.
_WORDS = re.compile(r"(?:[A-Za-z]{1,12}[._-])+[A-Za-z]{1,12}[._-]?\d{0,6}")
_PERSONAL = re.compile(r"at-[\w.~+/=-]{16,}", re.ASCII)
# A secret for one-time codes: base32, whole or in groups of four.
_SEED = re.compile(r"(?:[A-Z2-7]{16,}|[a-z2-7]{16,}|(?:[A-Z2-7]{4}[ -]?){4,}|(?:[a-z2-7]{4}[ -]?){4,})=*")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://.*|www\..+", re.DOTALL)
_DATE = re.compile(
    r"\d{2,4}([-/.年])\d{1,2}[-/.月]\d{1,2}日?(?:[ T]\d{1,2}:\d{2}(?::\d{2})?(?:[.\d]*)(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_PHONE = re.compile(r"\+\d[\d ()-]{6,20}|1[3-9]\d{9}|\(?\d{3}\)?[ -]\d{3,4}[ -]\d{4}")
_NUMBER = re.compile(r"[\d\s.,:/%$¥€+-]+")
# All that tokens are made of. A password of random letters has this shape too, so it is never enough by itself.
_OPAQUE = re.compile(r"[\w.~+/=%-]+", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_SHORTEST_OPAQUE = 16
_LONGEST_PASSWORD = 64


def slot_of(value: str) -> Slot | None:
    """The slot of this value by its shape; "" for a known value we do not need, None when the shape says nothing."""
    if "@" in value:
        return EMAIL if len(value) <= 254 and _EMAIL.fullmatch(value) else None
    if value.startswith("eyJ"):
        if _JWT.fullmatch(value) and _segment(value, 0) is not None:
            return "" if is_id_token(value) or is_agent_identity(value) else ACCESS
        return SESSION if _JWE.fullmatch(value) and _segment(value, 0) is not None else None
    for slot, shape in _SHAPES:
        if shape.fullmatch(value):
            return None if slot == REFRESH and _WORDS.fullmatch(value) else slot
    return None


def kind_of(value: str) -> Kind:
    """What a value that is not used most likely is: how an ignored column is called."""
    if "otpauth:" in value or _SEED.fullmatch(value):
        return SEED
    if slot_of(value) == EMAIL:
        return RECOVERY
    if _DATE.fullmatch(value):
        return DATE
    if _PHONE.fullmatch(value):
        return PHONE
    if slot_of(value) is not None or is_url(value) or _NUMBER.fullmatch(value):
        return OTHER
    if not _PRINTABLE.fullmatch(value):
        return NOTE
    return PASSWORD if 4 <= len(value) <= _LONGEST_PASSWORD else OTHER


def may_be_token(value: str) -> bool:
    """True when a value that is called a token may be one, though its shape is unknown."""
    return len(value) >= _SHORTEST_OPAQUE and slot_of(value) is None and not speaks_against(value)


def speaks_against(value: str) -> bool:
    """True when this is no token, whatever it is called: an address, a seed, a date, a number, words."""
    if slot_of(value) in TOKENS:
        return False
    return (
        slot_of(value) in (EMAIL, "")
        or is_personal(value)
        or not _OPAQUE.fullmatch(value)
        or kind_of(value) in (SEED, DATE, PHONE, NOTE)
        or is_url(value)
        or bool(_NUMBER.fullmatch(value))
    )


def may_be_client(value: str) -> bool:
    return bool(_PRINTABLE.fullmatch(value)) and "@" not in value and kind_of(value) in (PASSWORD, OTHER)


def is_url(value: str) -> bool:
    return _URL.fullmatch(value) is not None


def is_personal(value: str) -> bool:
    """A personal token of Codex, which administers nothing (upstream §13)."""
    return _PERSONAL.fullmatch(value) is not None


def is_agent_identity(value: str) -> bool:
    """The identity of an agent, a JWT that administers nothing (upstream §13)."""
    claims = _segment(value, 1) if _JWT.fullmatch(value) else None
    return claims is not None and "agent_runtime_id" in claims


def is_id_token(value: str) -> bool:
    """A JWT made out to a client instead of to the API: it tells who somebody is and permits nothing."""
    claims = _segment(value, 1) if _JWT.fullmatch(value) else None
    meant_for = (claims or {}).get("aud")
    names = meant_for if isinstance(meant_for, list) else [meant_for]
    return bool(names) and all(isinstance(name, str) and name.startswith("app_") for name in names)


def is_cut(token: str) -> bool:
    """True when more of this token may stand behind a `----`, because it has too few parts."""
    return token.startswith("eyJ") and token.count(".") in (0, 1, 3)


def is_rest(token: str, rest: str) -> bool:
    """True when `token` ends before its time and is whole with `----` and `rest`.

    A signature of RS256 has 342 characters, the tag of an encrypted token 22.
    """
    whole = {2: 342, 4: 22}.get(token.count(".")) if token.startswith("eyJ") else None
    behind = len(token) - token.rfind(".") - 1
    return whole is not None and behind + 4 + len(rest) == whole and "." not in rest and bool(_OPAQUE.fullmatch(rest))


def ends_before(token: str, surplus: int) -> bool:
    """True when the last `surplus` characters, hyphens, cannot belong to this token.

    Its last part would be as long as no base64 is, or longer than a signature of RS256, ES256 or HS256, or than the
    tag of an encrypted token.
    """
    lengths = {2: (342, 86, 43), 4: (22,)}.get(token.count(".")) if token.startswith("eyJ") else None
    whole = len(token) - token.rfind(".") - 1
    return lengths is not None and (whole % 4 == 1 or whole - surplus in lengths)


@lru_cache(maxsize=256)
def _segment(token: str, number: int) -> dict[str, Any] | None:
    """A part of a token as JSON; None when it is no object."""
    part = token.split(".")[number]
    try:
        found = json.loads(base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

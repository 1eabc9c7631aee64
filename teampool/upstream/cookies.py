"""The session cookie: one value, or chunks in numbered cookies (upstream §11). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

COOKIE_NAMES = ("__Secure-next-auth.session-token", "__Secure-authjs.session-token")
CHUNK_SIZE = 3800

_SET_COOKIE = re.compile(r"\s*([^=;\s]+)=([^;]*)(.*)", re.DOTALL)
_SAFE_VALUE = re.compile(r"[A-Za-z0-9_-]+")
_IS_DELETED = re.compile(r"max-age=(?:0|-\d+)\s*(?:;|$)")


def cookie_header(value: str) -> str:
    """The Cookie header of a session token, in chunks when it is long."""
    name = COOKIE_NAMES[0]
    if len(value) <= CHUNK_SIZE:
        return f"{name}={value}"
    chunks = [value[start : start + CHUNK_SIZE] for start in range(0, len(value), CHUNK_SIZE)]
    return "; ".join(f"{name}.{number}={chunk}" for number, chunk in enumerate(chunks))


def account_cookie(account_id: str) -> str:
    """What to append to the Cookie header of a call about a workspace; "" when there is none to name."""
    return f"; _account={account_id}" if _SAFE_VALUE.fullmatch(account_id) else ""


def rotated_cookie(set_cookies: Iterable[str]) -> str:
    """The session token in these Set-Cookie headers; "" when there is none, or a chunk is missing."""
    jar: dict[str, str] = {}
    for line in set_cookies:
        match = _SET_COOKIE.match(line)
        if match is None:
            continue
        value = match[2].strip().strip('"')
        # The answer that brings a new value also deletes old chunks.
        if value and not _IS_DELETED.search(match[3].lower()):
            jar[match[1]] = value
    return session_token_in(jar)


def session_token_in(jar: Mapping[str, str]) -> str:
    """The session token among these cookies, its chunks joined; "" when one is missing."""
    for name in COOKIE_NAMES:
        token = jar.get(name) or _join_chunks(name, jar)
        if token:
            return token
    return ""


def _join_chunks(name: str, jar: Mapping[str, str]) -> str:
    chunks: dict[int, str] = {}
    for key, value in jar.items():
        number = key.removeprefix(f"{name}.")
        if number != key and re.fullmatch(r"\d{1,3}", number, re.ASCII):
            chunks[int(number)] = value
    # Joined over a gap, the chunks would make a broken token.
    if set(chunks) != set(range(len(chunks))):
        return ""
    return "".join(chunks[number] for number in sorted(chunks))

"""Accounts from JSON: a session, an account file of another tool, a cookie export, or many of these. Pure.

An account file wraps its accounts: in an array, under `accounts`, `data`, `items`, `teams` or `list`, by e-mail. Inside
an account, tokens stand at the top or in `credentials`, `token`, `metadata.token` and the like, in any spelling.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, pairwise
from typing import Any

from teampool.imports.reading.cutting import split
from teampool.imports.reading.json_damage import mended, without_unseen
from teampool.imports.reading.labels import Labelled
from teampool.imports.reading.record import (
    NO_TOKEN,
    OTHER_PLATFORM,
    UNREADABLE,
    Record,
    build,
    clean,
    fits,
    read_fields,
    refusal_of,
    unreadable,
)
from teampool.imports.reading.shapes import ACCESS, ACCOUNT, CLIENT, EMAIL, REFRESH, SESSION, Slot, slot_of
from teampool.upstream.claims import NotAToken, read_claims
from teampool.upstream.cookies import session_token_in

# The names of fields, without case, `_` and `-`.
_FIELDS: dict[str, Slot] = {
    "email": EMAIL,
    "mail": EMAIL,
    "emailaddress": EMAIL,
    "useremail": EMAIL,
    "accesstoken": ACCESS,
    "at": ACCESS,
    "refreshtoken": REFRESH,
    "rt": REFRESH,
    "sessiontoken": SESSION,
    "st": SESSION,
    "securenextauth.sessiontoken": SESSION,
    "secureauthjs.sessiontoken": SESSION,
    "clientid": CLIENT,
    "chatgptaccountid": ACCOUNT,
    "accountid": ACCOUNT,
}
_TOKENS = (ACCESS, REFRESH, SESSION)
# Objects that belong to the account around them.
_PARTS = frozenset(
    [
        "credentials",
        "credential",
        "token",
        "tokens",
        "metadata",
        "auth",
        "session",
        "oauth",
        "user",
        "account",
        "profile",
    ]
)
# May hold an e-mail or a token, which then shows by its shape.
_BY_SHAPE = frozenset(["name", "username", "login", "label", "user", "account", "token", "authorization", "session"])
_ENVELOPES = frozenset(("accounts", "data", "items", "teams", "list"))
_DEEPEST, _DEEPEST_PART = 8, 3
# 5 MB of accounts have fewer; what has more takes a hundred times its size in memory.
_MOST_BRACKETS = 200_000

_OURS = ("openai", "chatgpt", "codex", "gpt")
_OTHERS = frozenset(
    [
        "anthropic",
        "claude",
        "gemini",
        "geminicli",
        "google",
        "vertex",
        "qwen",
        "iflow",
        "antigravity",
        "kiro",
        "grok",
        "xai",
        "deepseek",
        "kimi",
        "copilot",
    ]
)
_NAME = re.compile(r"[\w .-]{1,24}")


class _Object(dict[str, Any]):
    """A JSON object that knows the line on which it begins."""

    __slots__ = ("line",)
    line: int


class _WrongType(Exception):
    """A value that should be text is not."""


def read_json(
    text: str, line: int, last_line: int, object_lines: list[int], *, most: int = 1_000_000_000
) -> list[Record] | None:
    """The records of one JSON document, not many more than `most`; None when it is not JSON, or none of accounts.

    `object_lines`: the lines where its objects begin, in the order in which they close.
    """
    if text.count("{") + text.count("[") > _MOST_BRACKETS:
        return None
    lines = iter(object_lines)

    def place(pairs: list[tuple[str, Any]]) -> _Object:
        found = _Object(pairs)
        found.line = next(lines, line)
        return found

    text = without_unseen(text)
    try:
        data = json.loads(text, object_pairs_hook=place)
    except ValueError:
        lines = iter(object_lines)
        try:
            data = json.loads(mended(text), object_pairs_hook=place)
        except (ValueError, RecursionError):
            return None
    except RecursionError:
        return None
    # An account ends where the next one begins.
    found = islice(_read(data, _At(line, "", 0, is_listed=True)), most + 1)
    records = sorted(found, key=lambda record: record.line)
    ends = [max(record.line, after.line - 1) for record, after in pairwise(records)]
    shared = Counter(record.line for record in records)
    return [
        replace(record, last_line=end, place=record.place if shared[record.line] > 1 else "")
        for record, end in zip(records, [*ends, last_line], strict=True)
    ] or [unreadable(line, "json", last_line)]


class _At:
    """Where the reader is: line, path, depth, and whether everything here must get a result."""

    __slots__ = ("depth", "email", "is_listed", "line", "path")

    def __init__(self, line: int, path: str, depth: int, *, is_listed: bool, email: str = "") -> None:
        self.line, self.path, self.depth, self.is_listed, self.email = line, path, depth, is_listed, email

    def inside(self, name: str, value: Any, *, is_listed: bool, email: str = "") -> _At:
        line = value.line if isinstance(value, _Object) else self.line
        return _At(line, f"{self.path}{name}".lstrip("."), self.depth + 1, is_listed=is_listed, email=email)


def _read(data: Any, at: _At) -> Iterator[Record]:
    """The accounts in this value; each has its line and path."""
    if at.depth > _DEEPEST:
        yield _problem(UNREADABLE, at)
    elif isinstance(data, list):
        if _is_cookie_export(data):
            yield replace(_read_cookies(data, at.line), place=at.path)
        elif not data:
            yield _problem(UNREADABLE, at)
        for number, item in enumerate([] if _is_cookie_export(data) else data):
            yield from _read(item, at.inside(f"[{number}]", item, is_listed=at.is_listed))
    elif isinstance(data, _Object):
        yield from _read_object(data, at)
    elif isinstance(data, str) and data.isprintable():
        yield replace(_read_text(data, at), place=at.path, text_kind="json")
    else:
        yield _problem(UNREADABLE, at)


def _read_text(value: str, at: _At) -> Record:
    """A line of text inside JSON: a token, or columns."""
    record = read_fields([Labelled("", field) for field in split(value)[1]], at.line, is_ordered=True)
    return replace(record, email=at.email) if at.email and not record.email and not record.problem else record


def _read_object(data: _Object, at: _At) -> Iterator[Record]:
    if isinstance(data.get("cookies"), list) and _is_cookie_export(data["cookies"]):
        yield replace(_read_cookies(data["cookies"], at.line), place=at.path)
        return
    own = _read_account(data, at)
    if own is not None and own.problem not in ("", NO_TOKEN):
        yield own
        return
    nested = list(_read_nested(data, at, own))
    if own is not None and not own.problem:
        yield own
        yield from (record for record in nested if not record.problem)
    elif nested:
        yield from nested
    else:
        yield own or _problem(NO_TOKEN, at)


def _read_nested(data: _Object, at: _At, own: Record | None) -> Iterator[Record]:
    """The accounts further in. What no name announces counts only if it has a token, or is all there is."""
    is_map = at.is_listed and at.depth > 0 and own is None and not any(_plain(key) in _ENVELOPES for key in data)
    for key, value in data.items():
        name = _plain(key)
        by_email = key.strip().lower() if slot_of(key.strip()) == EMAIL else ""
        is_whole = isinstance(value, dict | list)
        if name in _PARTS or not (is_whole or by_email):
            continue
        email = by_email or (own.email if own is not None and isinstance(value, dict) else at.email)
        is_named = name in _ENVELOPES or bool(by_email) or is_map
        found = _read(value, at.inside(f".{key}", value, is_listed=is_named, email=email))
        yield from (record for record in found if is_named or not record.problem or record.problem == OTHER_PLATFORM)


def _read_account(data: _Object, at: _At) -> Record | None:
    """The account that this object is; None when nothing in it belongs to one."""
    try:
        found = _Found(data)
    except _WrongType:
        return _problem(UNREADABLE, at)
    if found.platform and not found.is_openai:
        name = found.platform if _NAME.fullmatch(found.platform) else ""
        return replace(_problem(OTHER_PLATFORM, at), email=found.email or at.email, detail=name)
    if not found.is_account:
        return None
    values = list(found.values)
    email = found.email or at.email
    if email:
        values.append((EMAIL, email))
    return replace(build(values, at.line, text_kind="json"), place=at.path)


class _Found:
    """The values of one account, and of the objects that belong to it. Raises _WrongType."""

    def __init__(self, data: _Object) -> None:
        self.values: list[tuple[Slot, str]] = []
        self.platform = ""
        self.is_account = False
        self._names: dict[str, str] = {}  # an account id under each name it has
        self._email = self._maybe_email = ""
        self._look(data, "", 0)
        account_id = next(
            (self._names[name] for name in ("chatgptaccountid", "accountid", "id") if name in self._names), ""
        )
        if account_id:
            self.values.append((ACCOUNT, account_id))

    @property
    def email(self) -> str:
        """The e-mail; a name that looks like an e-mail counts only where the token names nobody."""
        return self._email or ("" if any(claims.email for claims in self._claims()) else self._maybe_email)

    @property
    def is_openai(self) -> bool:
        return self.platform.lower().startswith(_OURS) or any(claims.user_id for claims in self._claims())

    def _claims(self) -> Iterator[Any]:
        for slot, value in self.values:
            if slot == ACCESS:
                try:
                    yield read_claims(value)
                except NotAToken:
                    continue

    def _look(self, data: dict[str, Any], part: str, depth: int) -> None:
        for key, value in data.items():
            name = _plain(key)
            if name in _PARTS and isinstance(value, dict) and depth < _DEEPEST_PART:
                self._look(value, name, depth + 1)
            elif name in _FIELDS or (name == "id" and part == "account"):
                self._take(name, _FIELDS.get(name, ACCOUNT), value)
            elif name in ("platform", "provider") and isinstance(value, str):
                self.platform = self.platform or value.strip()
            elif name == "type" and isinstance(value, str) and _plain(value) in _OTHERS:
                self.platform = value.strip()
            elif name in _BY_SHAPE and isinstance(value, str):
                self._take_by_shape(clean(value))

    def _take(self, name: str, slot: Slot, value: Any) -> None:
        self.is_account = True
        if value is None:
            return
        if not isinstance(value, str) or not value.isprintable():
            if slot == ACCOUNT:  # a number of the other tool's own
                return
            raise _WrongType(name)
        value = clean(value)
        shape = slot_of(value)
        if not value:
            return
        if slot == EMAIL:
            if shape != EMAIL or (self._email and self._email != value.lower()):
                raise _WrongType(name)
            self._email = value.lower()
        elif slot == ACCOUNT:
            if shape == ACCOUNT:
                self._names.setdefault(name, value)
        elif slot == CLIENT:
            if shape == CLIENT or (shape is None and fits(CLIENT, value)):
                self.values.append((CLIENT, value))
        elif not value.isascii():
            raise _WrongType(name)
        elif refusal_of(value):
            self.values.append((slot, value))
        elif shape in _TOKENS:
            if not (slot == REFRESH and shape == ACCESS):
                self.values.append((shape, value))
        elif shape is None and fits(slot, value):
            self.values.append((slot, value))

    def _take_by_shape(self, value: str) -> None:
        shape = slot_of(value)
        if shape in _TOKENS:
            self.is_account = True
            self.values.append((shape, value))
        elif shape == EMAIL:
            self.is_account = True
            self._maybe_email = self._maybe_email or value.lower()


def _plain(name: str) -> str:
    return name.lower().translate({ord("_"): None, ord("-"): None, ord(" "): None})


def _problem(problem: str, at: _At) -> Record:
    return Record(at.line, email=at.email, problem=problem, text_kind="json", last_line=at.line, place=at.path)


def _is_cookie_export(data: list[Any]) -> bool:
    return bool(data) and all(isinstance(item, dict) and "name" in item and "value" in item for item in data)


def _read_cookies(data: list[Any], line: int) -> Record:
    jar = {item["name"]: item["value"] for item in data if all(isinstance(item[key], str) for key in ("name", "value"))}
    return cookie_record(jar, line, line)


def cookie_record(jar: dict[str, str], line: int, last_line: int) -> Record:
    """The record of one browser's cookies; unreadable when a chunk of the session token is missing."""
    token = session_token_in(jar)
    if not token and any("session-token" in name for name in jar):
        return unreadable(line, "cookie", last_line)
    found = [(SESSION, token)] if token else []
    return build(found, line, text_kind="cookie", last_line=last_line)

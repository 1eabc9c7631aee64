"""Accounts from JSON: find where a document among other lines ends, and read its accounts. Pure.

A document is a session, an object of our own API, a cookie export, or an array of these. Finding its end is linear:
each line is scanned once, for strings and brackets. A document that never closes is given up at the first line that
cannot belong to it, so it swallows no account below.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from teampool.imports.reading.record import (
    ACCESS,
    ACCOUNT,
    CLIENT,
    EMAIL,
    REFRESH,
    SESSION,
    Record,
    Slot,
    build,
    slot_of,
    unreadable,
)
from teampool.upstream.cookies import session_token_in

# The JSON keys of each slot: at the top, or one level down.
_KEYS: dict[Slot, tuple[str, ...]] = {
    EMAIL: ("email", "user.email"),
    ACCESS: ("accessToken", "access_token", "tokens.access_token"),
    REFRESH: ("refreshToken", "refresh_token", "tokens.refresh_token"),
    SESSION: ("sessionToken", "session_token"),
    CLIENT: ("clientId", "client_id"),
    ACCOUNT: ("accountId", "account_id", "account.id", "tokens.account_id"),
}

# A string that does not close ends with its line: JSON strings hold no line breaks.
_MARKS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|$|\\$)|[{}\[\]]')
_PLAUSIBLE = re.compile(r'\s*(?:["{}\[\],:]|-?\d|(?:true|false|null)\b|$)')
_PAIRS = {"}": "{", "]": "["}


@dataclass(frozen=True, slots=True)
class Block:
    """The lines `first` to `last` (0-based) of one document; it ends before column `end` of the last.

    If not `is_closed`, these lines are no document, and the next line may begin one.
    """

    first: int
    last: int
    start: int
    end: int
    is_closed: bool
    element_lines: list[int]

    def text(self, lines: list[str]) -> str:
        if self.first == self.last:
            return lines[self.first][self.start : self.end]
        middle = lines[self.first + 1 : self.last]
        return "\n".join((lines[self.first][self.start :], *middle, lines[self.last][: self.end]))


def find_block(lines: list[str], first: int, start: int) -> Block:
    """The document that begins here with `{` or `[`."""
    stack: list[str] = []
    elements: list[int] = []
    before = ""
    for number in range(first, len(lines)):
        line = lines[number]
        begin = start if number == first else 0
        if number > first and _breaks_off(line, stack, before):
            return Block(first, number - 1, start, 0, False, elements)
        for mark in _MARKS.finditer(line, begin):
            found = mark[0]
            if found[0] == '"':
                if len(found) < 2 or found[-1] != '"':
                    return Block(first, number, start, 0, False, elements)
            elif found in "{[":
                if len(stack) == 1 and stack[0] == "[":
                    elements.append(number + 1)
                stack.append(found)
            elif not stack or stack.pop() != _PAIRS[found]:
                return Block(first, number, start, 0, False, elements)
            elif not stack:
                return Block(first, number, start, mark.end(), True, elements)
        stripped = line.rstrip()
        before = stripped[-1] if stripped else before
    return Block(first, len(lines) - 1, start, 0, False, elements)


def _breaks_off(line: str, stack: list[str], before: str) -> bool:
    """True for a line that cannot continue the document above it."""
    if not _PLAUSIBLE.match(line):
        return True
    if not line.lstrip().startswith("{"):
        return False
    # In an object a brace can only follow a key's colon; in an array, `[` or a comma.
    return before != ":" if stack[-1] == "{" else before not in "[,"


class _WrongType(Exception):
    """A value that should be text is not."""


def read_json(text: str, line: int, last_line: int, element_lines: list[int]) -> list[Record] | None:
    """The records of one JSON document; None when it is not JSON.

    `element_lines`: the lines where the objects of a top-level array begin.
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, list):
        return [_read_one(data, line, last_line)]
    if not data:
        return [unreadable(line, "json", last_line)]
    if _is_cookie_export(data):
        return [_read_cookies(data, line, last_line)]
    lines = element_lines if len(element_lines) == len(data) else [line] * len(data)
    ends = [max(begin, following - 1) for begin, following in pairwise(lines)] + [last_line]
    return [_read_one(item, begin, end) for item, begin, end in zip(data, lines, ends, strict=True)]


def _read_one(data: Any, line: int, last_line: int) -> Record:
    if isinstance(data, str) and slot_of(data) == ACCESS:
        return build([(ACCESS, data)], line, text_kind="json", last_line=last_line)
    if isinstance(data, list) and _is_cookie_export(data):
        return _read_cookies(data, line, last_line)
    if not isinstance(data, dict):
        return unreadable(line, "json", last_line)
    if isinstance(data.get("cookies"), list) and _is_cookie_export(data["cookies"]):
        return _read_cookies(data["cookies"], line, last_line)
    try:
        found = [(slot, value) for slot, keys in _KEYS.items() for key in keys if (value := _value(data, key))]
    except _WrongType:
        return unreadable(line, "json", last_line)
    if any(slot == EMAIL and slot_of(value) != EMAIL for slot, value in found):
        return unreadable(line, "json", last_line)
    return build(found, line, text_kind="json", last_line=last_line)


def _value(data: dict[str, Any], key: str) -> str:
    """The text under a key; "" when it is absent or null."""
    value: Any = data
    for part in key.split("."):
        if value is None or isinstance(value, str):
            return ""
        if not isinstance(value, dict):
            raise _WrongType(key)
        value = value.get(part)
    if value is None:
        return ""
    # Other text could be neither stored nor sent.
    if not isinstance(value, str) or not value.isprintable():
        raise _WrongType(key)
    return value.strip()


def _is_cookie_export(data: list[Any]) -> bool:
    return bool(data) and all(isinstance(item, dict) and "name" in item and "value" in item for item in data)


def _read_cookies(data: list[Any], line: int, last_line: int) -> Record:
    jar = {item["name"]: item["value"] for item in data if all(isinstance(item[key], str) for key in ("name", "value"))}
    return cookie_record(jar, line, last_line)


def cookie_record(jar: dict[str, str], line: int, last_line: int) -> Record:
    """The record of one browser's cookies; unreadable when a chunk of the session token is missing."""
    token = session_token_in(jar)
    if not token and any("session-token" in name for name in jar):
        return unreadable(line, "cookie", last_line)
    found = [(SESSION, token)] if token else []
    return build(found, line, text_kind="cookie", last_line=last_line)

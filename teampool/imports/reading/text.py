"""Read pasted accounts in any form: one Record for each line that holds anything. Pure.

The columns stand in `record.py`.

Nothing is lost silently: an unreadable line becomes a Record that says so. No text raises, and time is linear.
"""

from __future__ import annotations

import csv
import re

from teampool.imports.reading.json_documents import find_block
from teampool.imports.reading.json_records import cookie_record, read_json
from teampool.imports.reading.record import (
    ACCESS,
    ACCOUNT,
    CLIENT,
    EMAIL,
    NO_TOKEN,
    REFRESH,
    SESSION,
    TWO_ACCESS_TOKENS,
    UNREADABLE,
    Record,
    Slot,
    read_fields,
    unreadable,
)

__all__ = ["FORMATS", "NO_TOKEN", "TWO_ACCESS_TOKENS", "UNREADABLE", "Record", "parse"]

FORMATS = ("auto", "text", "csv", "json")

# Full-width characters of a Chinese keyboard, and invisible characters.
_PLAIN: dict[int, str | None] = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_PLAIN |= {0x3000: " ", 0xA0: " ", 0x3001: ",", 0x2014: "-", 0x2013: "-", 0x201C: '"', 0x201D: '"'}
_PLAIN |= dict.fromkeys((0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF))
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"

_MOST_FIELDS = 64
_DASHES = re.compile(r"-{4,}")
_HTTP_ONLY = "#HttpOnly_"
_COOKIE_PAIRS = re.compile(r"\s*(?:(?:set-)?cookie:\s*)?([\w.-]+)=", re.IGNORECASE)
_COOKIE_TABLE = re.compile(r"\s*(__Secure-(?:next-auth|authjs)\.session-token(?:\.\d{1,3})?)\s+(\S+)")
_SESSION_COOKIE = re.compile(r"__Secure-(?:next-auth|authjs)\.session-token")
_GAP = re.compile(rf"[\s,;{_INVISIBLE}]*")
_LABEL = re.compile(r"[^@:/\\]{1,32}")

_HEADER: dict[str, Slot] = {
    "email": EMAIL,
    "mail": EMAIL,
    "emailaddress": EMAIL,
    "邮箱": EMAIL,
    "账号": EMAIL,
    "accesstoken": ACCESS,
    "访问令牌": ACCESS,
    "at": ACCESS,
    "refreshtoken": REFRESH,
    "刷新令牌": REFRESH,
    "rt": REFRESH,
    "sessiontoken": SESSION,
    "会话令牌": SESSION,
    "st": SESSION,
    "clientid": CLIENT,
    "accountid": ACCOUNT,
}


def parse(text: str, *, format: str = "auto") -> list[Record]:
    """The accounts in this text, in order, each with its line number from 1.

    Every line that is not blank, a comment (`#`) or a header belongs to exactly one Record (`line` to `last_line`).
    Only a line with several JSON documents has a Record for each. `format`: `text` and `csv` read line by line, `json`
    only JSON, `auto` whatever it is.
    """
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}")
    return _Parser(text, format).run()


class _Parser:
    def __init__(self, text: str, format: str) -> None:
        self.lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.format = format
        self.columns: tuple[Slot | None, ...] | None = None
        self.records: list[Record] = []

    def run(self) -> list[Record]:
        number = 0
        while number < len(self.lines):
            number = self._read_from(number)
        return self.records

    def _read_from(self, number: int) -> int:
        """Read this line and the lines that belong to it; return the number of the next."""
        line = self.lines[number].strip().strip(_INVISIBLE).strip()
        if not line or (line[0] == "#" and not line.startswith(_HTTP_ONLY)):
            return number + 1
        if self.format in ("auto", "json") and line[0] in "{[":
            return self._read_json(number, self.lines[number].index(line[0]))
        if self.format == "json":
            self.records.append(unreadable(number + 1))
            return number + 1
        if self.format == "auto" and _cookies_of(line) is not None:
            return self._read_cookies(number)
        # Keep the tabs: a leading tab is an empty first column.
        self._read_line(self.lines[number].strip(f" {_INVISIBLE}"), number + 1)
        return number + 1

    # JSON

    def _read_json(self, first: int, start: int) -> int:
        """Read a document, and others that begin on the line where it ends."""
        while True:
            block = find_block(self.lines, first, start)
            records = None
            if block.is_closed:
                records = read_json(block.text(self.lines), first + 1, block.last + 1, block.object_lines)
            if records is None:
                self._read_broken(first, block.last, start)
                return block.last + 1
            self.records.extend(records)
            first, line = block.last, self.lines[block.last]
            # By position, without copying the rest: a line may hold a million documents.
            gap = _GAP.match(line, block.end)
            start = gap.end() if gap else len(line)
            if start == len(line) or line[start] == "#":
                return first + 1
            if line[start] not in "{[":
                self._read_line(line[start:].strip(), first + 1)
                return first + 1

    def _read_broken(self, first: int, last: int, start: int) -> None:
        """Read lines that looked like JSON and are not: each by itself; neighbours without an account become one."""
        before = len(self.records)
        for number in range(first, last + 1):
            line = (self.lines[number][start:] if number == first else self.lines[number]).strip().strip(_INVISIBLE)
            if not line or line[0] == "#":
                continue
            found = read_json(line, number + 1, number + 1, []) if line[0] in "{[" else None
            if found is not None:
                self.records.extend(found)
            elif self.format == "json" or line[0] in '{}[]":,':
                self.records.append(unreadable(number + 1, "json"))
            else:
                self._read_line(line, number + 1)
        self.records[before:] = _merged(self.records[before:])

    # Cookies

    def _read_cookies(self, number: int) -> int:
        """The cookies of one browser, on one or several lines; a name that comes again begins the next browser."""
        first = last = number
        jar: dict[str, str] = {}
        while number < len(self.lines):
            line = self.lines[number].strip().strip(_INVISIBLE).strip()
            if line and not (line[0] == "#" and not line.startswith(_HTTP_ONLY)):
                cookies = _cookies_of(line)
                if cookies is None or any(name in jar for name in cookies):
                    break
                jar |= cookies
                last = number
            number += 1
        self.records.append(cookie_record(jar, first + 1, last + 1))
        return last + 1

    # Lines

    def _read_line(self, line: str, number: int) -> None:
        if "\0" in line:
            self.records.append(unreadable(number))
            return
        if not line.isascii():
            line = line.translate(_PLAIN)
        fields = _split(line, is_csv=self.format == "csv")
        if len(fields) > _MOST_FIELDS:
            self.records.append(unreadable(number))
            return
        columns = _header_of(fields)
        if columns is not None:
            self.columns = columns
            return
        self.records.append(read_fields(fields, self.columns, number))


def _split(line: str, *, is_csv: bool) -> list[str]:
    """The fields of a line. Commas are tried first: a token may contain `----`, never a comma."""
    content = line.strip()
    for mark in ",\t|;":
        if mark in content:
            return _split_at(line, mark)
    if "----" in content and not is_csv:
        fields = _split_dashes(content)
        return _rejoined(fields) if len(fields) <= _MOST_FIELDS else fields
    words = content.split()
    if len(words) == 1 and "\t" in line:
        return line.split("\t")
    return [word for word in words if word.lower() != "bearer"]


def _split_at(line: str, mark: str) -> list[str]:
    if '"' not in line:
        return line.split(mark)
    try:
        return next(csv.reader([line], delimiter=mark, skipinitialspace=True), [""])
    except csv.Error:
        return line.split(mark)


def _split_dashes(line: str) -> list[str]:
    fields: list[str] = []
    begin = 0
    for run in _DASHES.finditer(line):
        # Surplus hyphens belong to the field before: a token may end with a hyphen, hardly any begins with one.
        separators, surplus = divmod(len(run[0]), 4)
        fields.append(line[begin : run.start() + surplus])
        fields.extend([""] * (separators - 1))
        begin = run.end()
    fields.append(line[begin:])
    return fields


def _rejoined(fields: list[str]) -> list[str]:
    """Join fields that were one token with `----` inside."""
    whole: list[str] = []
    for value in fields:
        dots = whole[-1].count(".") if whole and whole[-1].startswith("eyJ") else 2
        # A JWT has two dots, an encrypted token four; with fewer, it continues behind the dashes.
        if dots in (0, 1, 3) and value and "@" not in value and not value.startswith(("eyJ", "rt_", "rt-", "app_")):
            whole[-1] = f"{whole[-1]}----{value}"
        else:
            whole.append(value)
    return whole


def _header_of(fields: list[str]) -> tuple[Slot | None, ...] | None:
    """The columns a header line names, None for a column to ignore; None when the line is no header.

    A header's first word is a known column. Any other line is an account, good or bad, and gets its result.
    """
    if not fields or not all(_LABEL.fullmatch(value) for value in fields if value):
        return None
    names = [re.sub(r"[\s_.\"'-]", "", value).lower() for value in fields]
    if names[0] not in _HEADER:
        return None
    known = [name for name in names if name in _HEADER]
    if len([name for name in names if name]) == 1:
        is_header = len(known[0]) > 4  # a single short word, as `at`, could be anything
    else:
        # `email,at,,,` is the documented example of a line, not a header.
        is_header = len(known) >= 2 and (all(names) or len([name for name in known if len(name) > 2]) >= 2)
    return tuple(_HEADER.get(name) for name in names) if is_header else None


def _cookies_of(line: str) -> dict[str, str] | None:
    """The cookies of a cookie header, a cookies.txt line or a browser's table row; None when there are none."""
    columns = line.removeprefix(_HTTP_ONLY).split("\t")
    if len(columns) == 7 and columns[1] in ("TRUE", "FALSE") and columns[3] in ("TRUE", "FALSE"):
        return {columns[5]: columns[6]}
    table = _COOKIE_TABLE.match(line)
    if table is not None:
        return {table[1]: table[2]}
    if _COOKIE_PAIRS.match(line) is None or _SESSION_COOKIE.search(line) is None:
        return None
    pairs = re.sub(r"^\s*(?:set-)?cookie:\s*", "", line, flags=re.IGNORECASE).split(";")
    split = (pair.partition("=") for pair in pairs)
    return {name.strip(): value.strip().strip('"') for name, _, value in split if name.strip()}


def _merged(records: list[Record]) -> list[Record]:
    """The records, with neighbouring unreadable lines of JSON joined."""
    merged: list[Record] = []
    for record in records:
        previous = merged[-1] if merged else None
        both = previous is not None and all(
            one.problem == UNREADABLE and one.text_kind == "json" for one in (previous, record)
        )
        if previous is not None and both:
            merged[-1] = unreadable(previous.line, "json", record.last_line)
        else:
            merged.append(record)
    return merged

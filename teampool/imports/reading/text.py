"""Read pasted accounts in any form: one Record for each line that holds anything. Pure.

What a value is stands in `shapes.py`, names and labels in `labels.py`, columns in `columns.py`, a line in `record.py`.

Nothing is lost silently: an unreadable line becomes a Record that says so. No text raises, and time is linear.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import islice

from teampool.imports.reading.cutting import (
    MOST_FIELDS,
    belongs,
    by_header,
    cut_again,
    header_of,
    split,
    without_frame,
)
from teampool.imports.reading.json_damage import BROKEN_JSON, CUT_OFF, damage
from teampool.imports.reading.json_documents import Block, find_block
from teampool.imports.reading.json_records import cookie_record, read_json
from teampool.imports.reading.labels import Labelled, pieces
from teampool.imports.reading.record import (
    NO_TOKEN,
    SLOTS,
    TWO_ACCESS_TOKENS,
    UNREADABLE,
    Record,
    clean,
    email_of,
    read_fields,
    unreadable,
)
from teampool.imports.reading.shapes import ACCESS, EMAIL, TOKENS, slot_of

__all__ = ["FORMATS", "NO_TOKEN", "TWO_ACCESS_TOKENS", "UNREADABLE", "Record", "parse"]

FORMATS = ("auto", "text", "csv", "json")

# Characters that no eye sees: of no width, of direction, soft hyphens, variation selectors, tags.
_RANGES = ((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFE00, 0xFE0F), (0xE0000, 0xE007F))
_UNSEEN = [0xAD, 0x61C, 0x180E, 0xFEFF, *(code for first, last in _RANGES for code in range(first, last + 1))]
_INVISIBLE = "".join(map(chr, _UNSEEN))
# Full-width characters of a Chinese keyboard, and what a chat program makes of quotes and hyphens.
_PLAIN: dict[int, str | None] = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_PLAIN |= {0x3000: " ", 0xA0: " ", 0x3001: ",", 0x2014: "-", 0x2013: "-", 0x2015: "-", 0x2500: "-", 0x2502: "|"}
_PLAIN |= {0x201C: '"', 0x201D: '"'} | dict.fromkeys(_UNSEEN)

_HTTP_ONLY = "#HttpOnly_"
_COOKIE_PAIRS = re.compile(r"\s*(?:(?:set-)?cookie:\s*)?([\w.-]+)=", re.IGNORECASE)
_COOKIE_TABLE = re.compile(r"\s*(__Secure-(?:next-auth|authjs)\.session-token(?:\.\d{1,3})?)\s+(\S+)")
_SESSION_COOKIE = re.compile(r"__Secure-(?:next-auth|authjs)\.session-token")
# A header whose first column is called `#`; any other line that begins so is a comment.
_NUMBER_SIGN = re.compile(r"#\s*(?:[,;|\t，；｜]|-{4})")
_GAP = re.compile(rf"[\s,;`{_INVISIBLE}]*")

# Around an account, and none itself: fences of code, the rule below the head of a table.
_FENCE = re.compile(r"(?:`{3,}|~{3,})[\w+-]{0,12}|(?=.*---)(?=.*\|)[-:| ]+")
# `1.`, `1)`, `(1)`, `①`, `- `: in front of an account.
_BULLET = re.compile(
    r"\s*(?:(?:[-*+•·●▪>]|\[[ xX✓]?\])\s+|[\u2460-\u249b\u24ea-\u24ff\u2776-\u2793]\s*[.:,]?\s*"
    r"|\(\d{1,5}\)\s*[.:]?\s*|\d{1,5}\)\s*|\d{1,5}[.:](?:\s+|(?=eyJ|rt[_-]|[\u4e00-\u9fff])))"
)


def parse(text: str, *, format: str = "auto", most: int = 1_000_000_000) -> list[Record]:
    """The accounts in this text, in order, each with its line number from 1.

    Every line that is not blank, a comment (`#`), a header or a fence of code belongs to exactly one Record (`line` to
    `last_line`). Only a line with several JSON documents has a Record for each. `format`: `text` and `csv` read line by
    line, `json` only JSON, `auto` whatever it is. It stops soon after `most` records: a text may hold a million.
    """
    if format not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}")
    return _Parser(text, format, most).run()


class _Parser:
    def __init__(self, text: str, format: str, most: int) -> None:
        self.lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.format, self.most = format, most
        self.header: tuple[str, tuple[str, ...]] | None = None  # what separates the columns, and what they hold
        self.records: list[Record] = []

    def run(self) -> list[Record]:
        number = 0
        while number < len(self.lines) and len(self.records) <= self.most:
            number = self._read_from(number)
        return self.records

    def _read_from(self, number: int) -> int:
        """Read this line and the lines that belong to it; return the number of the next."""
        line = self._seen(number)
        if _is_silent(line):
            if _NUMBER_SIGN.match(line) and self.format != "json":
                self._take_header(*split(_plain(line)))
            return number + 1
        if self.format in ("auto", "json"):
            start = _start_of_json(self.lines[number])
            if start is not None:
                return self._read_json(number, start)
        if self.format == "json":
            self.records.append(unreadable(number + 1))
            return number + 1
        if self.format == "auto" and _cookies_of(line) is not None:
            return self._read_cookies(number)
        if self.format != "csv" and self._pieces(number):
            return self._read_labelled(number)
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
                records = read_json(
                    block.text(self.lines), first + 1, block.last + 1, block.object_lines, most=self.most
                )
            if records is None:
                self._read_broken(first, block, start)
                return block.last + 1
            self.records.extend(records)
            first, line = block.last, self.lines[block.last]
            # By position, without copying the rest: a line may hold a million documents.
            gap = _GAP.match(line, block.end)
            start = gap.end() if gap else len(line)
            if start == len(line) or line[start] == "#" or len(self.records) > self.most:
                return first + 1
            if line[start] not in "{[":
                self._read_line(line[start:].strip(), first + 1)
                return first + 1

    def _read_broken(self, first: int, block: Block, start: int) -> None:
        """Read lines that looked like JSON and are not: each by itself; neighbours without an account become one."""
        before = len(self.records)
        for number in range(first, block.last + 1):
            line = (self.lines[number][start:] if number == first else self.lines[number]).strip().strip(_INVISIBLE)
            if not line or line[0] == "#":
                continue
            found = read_json(line, number + 1, number + 1, []) if line[0] in "{[" else None
            if found is not None:
                self.records.extend(found)
            elif self.format == "json" or line[0] in "{}[]\":,'“”‘’":
                self.records.append(unreadable(number + 1, "json"))
            else:
                self._read_line(line, number + 1)
        self.records[before:] = _merged(self.records[before:])
        for place, record in enumerate(self.records[before:], before):
            if record.problem == UNREADABLE and record.text_kind == "json":
                self.records[place] = self._told(record, block, start if record.line == first + 1 else 0)
                return

    def _told(self, record: Record, block: Block, start: int) -> Record:
        """The unreadable record with what is wrong in its lines, and where."""
        lines = self.lines[record.line - 1 : record.last_line]
        text = "\n".join((lines[0][start:], *lines[1:]))
        where, is_cut = damage(text, record.line, start)
        if is_cut and self._ends_at(block.last):
            return replace(record, problem=CUT_OFF)
        return replace(record, problem=BROKEN_JSON, detail=where) if where else record

    def _ends_at(self, number: int) -> bool:
        """True when nothing follows this line."""
        return not any(line.strip() for line in islice(self.lines, number + 1, None))

    # Cookies

    def _read_cookies(self, number: int) -> int:
        """The cookies of one browser, on one or several lines; a name that comes again begins the next browser."""
        first = last = number
        jar: dict[str, str] = {}
        while number < len(self.lines):
            line = self._seen(number)
            if not _is_silent(line):
                cookies = _cookies_of(line)
                if cookies is None or any(name in jar for name in cookies):
                    break
                jar |= cookies
                last = number
            number += 1
        self.records.append(cookie_record(jar, first + 1, last + 1))
        return last + 1

    # Lines

    def _seen(self, number: int) -> str:
        return self.lines[number].strip().strip(_INVISIBLE).strip()

    def _pieces(self, number: int) -> list[Labelled]:
        """The labelled pieces of a line; empty when it has no label, or names no token and no address."""
        line = _plain(self.lines[number])
        # A URL has `=` behind words too, and a session JSON `:`.
        return [] if "\0" in line else pieces(_undecorated(line).strip())

    def _read_labelled(self, number: int) -> int:
        """An account told by labels, on one line or on several; a label that comes again begins the next account."""
        first = last = number
        found = self._pieces(number)
        number += 1
        while number < len(self.lines) and len(found) <= MOST_FIELDS:  # no account has more, and each line looks at all
            line = self._seen(number)
            if not line and found[-1].text.strip():
                break  # a blank line ends an account, but a label waits for its value
            if not _is_silent(line):
                more = self._continued(found, number)
                if not more:
                    break
                found, last = more, number
            number += 1
        self.records.append(read_fields(_fields_of(found), first + 1, is_ordered=False, last_line=last + 1))
        return last + 1

    def _continued(self, found: list[Labelled], number: int) -> list[Labelled]:
        """These pieces and those of this line, if it belongs to the same account; else empty."""
        more = self._pieces(number)
        if more:
            said = {one.what: one.text.strip() for one in found if one.what in SLOTS or one.what in TOKENS}
            is_next = not more[0].what or any(said.get(one.what, one.text.strip()) != one.text.strip() for one in more)
            return [] if is_next else found + more
        value = clean(_undecorated(_plain(self.lines[number])))
        if not value or value[0] in "{[" or len(split(value)[1]) > 1:
            return []
        if not found[-1].text.strip() and found[-1].what:
            return [*found[:-1], Labelled(found[-1].what, value)]
        addresses = [clean(one.text).lower() for one in found if one.what == EMAIL]
        if slot_of(value) == ACCESS and not _has_token(found) and email_of(value) in addresses:
            return [*found, Labelled("", value)]
        return []

    def _read_line(self, line: str, number: int) -> None:
        if "\0" in line:
            self.records.append(unreadable(number))
            return
        line = without_frame(_undecorated(_plain(line)))
        mark, fields = split(line, is_csv=self.format == "csv")
        if len(fields) > MOST_FIELDS:
            self.records.append(unreadable(number))
            return
        if self._take_header(mark, fields):
            return
        if self.header is not None and self._is_in_sheet(mark, fields):
            self.records.append(read_fields(by_header(fields, self.header[1]), number, is_ordered=False))
            return
        if self.format != "csv":
            fields = cut_again(fields)
        self.records.append(read_fields([Labelled("", value) for value in fields], number, is_ordered=True))

    def _take_header(self, mark: str, fields: list[str]) -> bool:
        columns = header_of(fields)
        if columns is not None:
            self.header = mark, columns
        return columns is not None

    def _is_in_sheet(self, mark: str, fields: list[str]) -> bool:
        """True when this line is a row below the header: cut alike, or a single field below a single name."""
        header_mark, columns = self.header or ("", ())
        return (mark == header_mark or len(fields) == len(columns)) and belongs(fields, columns)


def _plain(line: str) -> str:
    return line if line.isascii() else line.translate(_PLAIN)


def _undecorated(line: str) -> str:
    """The line without quotes of code around it and without a number or a bullet in front."""
    bullet = _BULLET.match(line)
    return line[bullet.end() :] if bullet else line


def _is_silent(line: str) -> bool:
    """True for what gets no result: a blank line, a comment, a fence of code."""
    is_comment = line[:1] == "#" and not line.startswith(_HTTP_ONLY)
    return not line or is_comment or _FENCE.fullmatch(line) is not None


def _start_of_json(line: str) -> int | None:
    """Where a document begins on this line, behind blanks, a number or a bullet; None when none does."""
    plain = line.strip().strip(_INVISIBLE).strip()
    if plain[:1] and plain[0] in "{[":
        return line.index(plain[0])
    bullet = _BULLET.match(line)
    return bullet.end() if bullet and line[bullet.end() : bullet.end() + 1] == "{" else None


def _has_token(found: list[Labelled]) -> bool:
    return any(slot_of(clean(field.text)) in TOKENS for field in _fields_of(found))


def _fields_of(found: list[Labelled]) -> list[Labelled]:
    """The fields of labelled pieces. Behind the first field of a piece may stand others, which have no label."""
    fields: list[Labelled] = []
    for one in found:
        inner = cut_again(split(one.text)[1])
        if len(inner) > MOST_FIELDS:
            inner = [one.text]
        if one.what in (*SLOTS, *TOKENS) or not one.what:
            fields += [Labelled(one.what if not place else "", value) for place, value in enumerate(inner) if value]
            continue
        # A password or a note may hold separators: only what has a known shape is more than a part of it.
        fields.append(Labelled(one.what, one.text))
        fields += [Labelled("", value) for value in inner[1:] if slot_of(clean(value)) in (EMAIL, *TOKENS)]
    return fields


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

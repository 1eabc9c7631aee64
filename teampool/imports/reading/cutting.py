"""Cut a line at whatever separates its columns, and tell which line is a header. Pure.

What a column may hold stands in `record.py` (the fields), `shapes.py` and `labels.py` (how it may be called).
"""

from __future__ import annotations

import csv
import re

from teampool.imports.reading.labels import ANY_TOKEN, Labelled, named
from teampool.imports.reading.record import SLOTS, clean
from teampool.imports.reading.shapes import (
    ACCESS,
    EMAIL,
    OTHER,
    SESSION,
    TOKENS,
    ends_before,
    is_cut,
    is_rest,
    is_url,
    slot_of,
)

MOST_FIELDS = 64
DASHES, BLANK = "----", " "
# A token may contain `----`, never a comma. A colon separates last: it stands in addresses of the web and times too.
_MARKS = (",", "\t", "|", ";", DASHES, BLANK, ":")
_MARKS_OF_CSV = (",", "\t", "|", ";", BLANK)
_RUN = re.compile(r"-{4,}")
_NAME = re.compile(r"[^@:/\\]{1,32}")
_LONE_NAME = re.compile(r"\w+(?:[ _-]\w+)*")


def split(line: str, *, is_csv: bool = False) -> tuple[str, list[str]]:
    """What separates the fields of a line, and the fields: of all separators, the one that shows most known shapes."""
    content = line.strip()
    best, most = (BLANK, _cut(line, BLANK)), -1.0
    for mark in _MARKS_OF_CSV if is_csv else _MARKS:
        if mark not in content and mark != BLANK:
            continue
        fields = _cut(line if mark in ",\t|;" else content, mark)
        known = _known(fields) if len(fields) <= MOST_FIELDS else 0.0
        # A colon has to show something that no other mark does.
        if known > most if mark not in (BLANK, ":") else known > max(most, 0) or (mark == BLANK and most < 0):
            best, most = (mark, fields), known
    return best


def cut_again(fields: list[str]) -> list[str]:
    """The fields, cut once more where another separator shows a known shape inside: `password|eyJ…`."""
    found: list[str] = []
    for value in fields:
        is_whole = slot_of(clean(value)) is not None or is_url(clean(value))
        inner = [] if is_whole else split(value)[1]
        found.extend(inner if 1 < len(inner) <= MOST_FIELDS and _known(inner) else [value])
    return found


def header_of(fields: list[str]) -> tuple[str, ...] | None:
    """What each column of a header line holds; None when the line is no header.

    A header's first word is known, or it names two different columns by more than a short word. Any other line is an
    account, good or bad, and gets its result.
    """
    if not all(_NAME.fullmatch(value) for value in fields if value):
        return None
    names = [named(value) if value.strip() else "" for value in fields]
    slots = [value.strip() for value, name in zip(fields, names, strict=True) if name and name in (*SLOTS, ANY_TOKEN)]
    if not slots:
        return None
    long = {named(value) for value in slots if len(value) > 2 or not value.isascii()}
    if len([value for value in fields if value.strip()]) == 1:
        # A single short word, as `at`, could be anything; `.Bearer` is what is left of a token.
        is_header = len(slots[0]) > 5 and _LONE_NAME.fullmatch(slots[0]) is not None
    else:
        # `email,at,,,` is the documented example of a line, not a header.
        known = {name for name in names if name}
        is_header = len(long) >= 2 or (bool(names[0]) and len(known) >= 2 and "" not in names)
    return tuple(OTHER if name is None else name for name in names) if is_header else None


def belongs(fields: list[str], columns: tuple[str, ...]) -> bool:
    """False for a row that stands below this header and is none of its sheet: another table without a header.

    Its e-mail is none, or an access or session token stands where the header has none, and none where it has one.
    """
    slots = [slot_of(clean(value)) if clean(value) else "" for value in fields[: len(columns)]]
    pairs = list(zip(columns, slots, strict=False))
    addresses = [value for value, name in zip(fields, columns, strict=False) if name == EMAIL and clean(value)]
    if any("@" not in value for value in addresses):
        return False
    is_misplaced = any(slot in (ACCESS, SESSION) and name not in (*TOKENS, ANY_TOKEN) for name, slot in pairs)
    has_own = any(slot in TOKENS and name in (*TOKENS, ANY_TOKEN) for name, slot in pairs)
    return has_own or not is_misplaced


def by_header(fields: list[str], columns: tuple[str, ...]) -> list[Labelled]:
    """The fields as a header calls them; what stands behind its columns has no name."""
    return [Labelled(columns[place] if place < len(columns) else "", value) for place, value in enumerate(fields)]


def without_frame(line: str) -> str:
    """A row of a Markdown table without the bars around it."""
    content = line.strip()
    return content[1:-1] if len(content) > 2 and content[0] == content[-1] == "|" else line


def _known(fields: list[str]) -> float:
    """How many fields have a known shape. One with `----` inside counts a little less: it may be two."""
    return sum(0.9 if DASHES in value else 1 for value in fields if slot_of(clean(value)))


def _cut(line: str, mark: str) -> list[str]:
    if mark == DASHES:
        fields = _split_dashes(line)
        return _rejoined(fields) if len(fields) <= MOST_FIELDS else fields
    if mark == BLANK:
        words = line.split()
        if len(words) == 1 and "\t" in line:
            return line.split("\t")
        return [word for word in words if word.lower() != "bearer"]
    if '"' not in line:
        return line.split(mark)
    try:
        return next(csv.reader([line], delimiter=mark, skipinitialspace=True), [""])
    except csv.Error:
        return line.split(mark)


def _split_dashes(line: str) -> list[str]:
    fields: list[str] = []
    begin = 0
    for run in _RUN.finditer(line):
        # Surplus hyphens belong to the field before: a token may end with a hyphen, hardly any begins with one.
        separators, surplus = divmod(len(run[0]), 4)
        value = line[begin : run.start() + surplus]
        fields.append(line[begin : run.start()] if surplus and ends_before(value, surplus) else value)
        fields.extend([""] * (separators - 1))
        begin = run.end()
    fields.append(line[begin:])
    return fields


def _rejoined(fields: list[str]) -> list[str]:
    """Join fields that were one token with `----` inside."""
    whole: list[str] = []
    for value in fields:
        is_free = value and "@" not in value and not value.startswith(("eyJ", "rt_", "rt-", "app_"))
        if whole and is_free and (is_cut(whole[-1]) or is_rest(whole[-1], value)):
            whole[-1] = f"{whole[-1]}----{value}"
        else:
            whole.append(value)
    return whole

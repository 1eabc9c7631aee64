"""Where a JSON document among other lines begins and ends. Pure.

Finding its end is linear: each line is scanned once, for strings and brackets. A document that never closes is given up
at the first line that cannot belong to it, so it swallows no account below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# A string that does not close ends with its line: JSON strings hold no line breaks.
_MARKS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|$|\\$)|[{}\[\]]')
_PLAUSIBLE = re.compile(r'[\s\u200b-\u200f\u2060\ufeff]*(?:["“”„‟＂{}\[\],:，：]|-?\d|(?:true|false|null)\b|$)')
_PAIRS = {"}": "{", "]": "["}


@dataclass(frozen=True, slots=True)
class Block:
    """The lines `first` to `last` (0-based) of one document; it ends before column `end` of the last.

    `object_lines` (1-based): where each object of the document begins, in the order in which they close.
    If not `is_closed`, these lines are no document, and the next line may begin one.
    """

    first: int
    last: int
    start: int
    end: int
    is_closed: bool
    object_lines: list[int]

    def text(self, lines: list[str]) -> str:
        if self.first == self.last:
            return lines[self.first][self.start : self.end]
        middle = lines[self.first + 1 : self.last]
        return "\n".join((lines[self.first][self.start :], *middle, lines[self.last][: self.end]))


def find_block(lines: list[str], first: int, start: int) -> Block:
    """The document that begins here with `{` or `[`."""
    stack: list[tuple[str, int]] = []
    closed: list[int] = []
    before = ""
    for number in range(first, len(lines)):
        line = lines[number]
        begin = start if number == first else 0
        if number > first and _breaks_off(line, stack[-1][0], before):
            return Block(first, number - 1, start, 0, False, closed)
        for mark in _MARKS.finditer(line, begin):
            found = mark[0]
            if found[0] == '"':
                if len(found) < 2 or found[-1] != '"':
                    return Block(first, number, start, 0, False, closed)
            elif found in "{[":
                stack.append((found, number + 1))
            else:
                opening, begun = stack.pop() if stack else ("", 0)
                if opening != _PAIRS[found]:
                    return Block(first, number, start, 0, False, closed)
                if opening == "{":
                    closed.append(begun)
                if not stack:
                    return Block(first, number, start, mark.end(), True, closed)
        stripped = line.rstrip()
        before = stripped[-1] if stripped else before
    return Block(first, len(lines) - 1, start, 0, False, closed)


def _breaks_off(line: str, opening: str, before: str) -> bool:
    """True for a line that cannot continue the document above it."""
    if not _PLAUSIBLE.match(line):
        return True
    if not line.lstrip().startswith("{"):
        return False
    # In an object a brace can only follow a key's colon; in an array, `[` or a comma.
    return before != ":" if opening == "{" else before not in "[,"

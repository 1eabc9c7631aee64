"""Where a JSON document among other lines begins and ends. Pure, and linear in the text.

Each line is scanned once, whatever is in it: strings and brackets only, so that a document
that never closes is noticed as early as its syntax allows and swallows no account after it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# An unterminated string runs to the end of its line: JSON strings hold no line breaks.
_MARKS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|$|\\$)|[{}\[\]]')
_PLAUSIBLE = re.compile(r'\s*(?:["{}\[\],:]|-?\d|(?:true|false|null)\b|$)')
_PAIRS = {"}": "{", "]": "["}


@dataclass(frozen=True, slots=True)
class Block:
    """Lines `first` to `last` (0-based) hold one document; it ends before column `end` of the last.

    Not `is_closed`: the lines up to `last` are no document, and the next may begin one.
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
    """The document that begins at this place with `{` or `[`."""
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
    """True for a line that cannot go on with the document above it."""
    if not _PLAUSIBLE.match(line):
        return True
    if not line.lstrip().startswith("{"):
        return False
    # Inside an object only a value may begin with a brace, after its key's colon.
    return before != ":" if stack[-1] == "{" else before not in "[,"

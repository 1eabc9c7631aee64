"""Damaged JSON: mended where there is one way to read it, else told what is wrong and where. Pure."""

from __future__ import annotations

import json
import re

BROKEN_JSON = "broken_json"
CUT_OFF = "cut_off"

_UNSEEN: dict[int, str | None] = dict.fromkeys((0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF))
_UNSEEN[0xA0] = " "
_QUOTES = "“”„‟＂"
_ODD = re.compile(
    rf'"[^"\\]*+(?:\\.[^"\\]*+)*+"|(?P<quoted>[{_QUOTES}][^"{_QUOTES}\n]*+["{_QUOTES}])|,(?=\s*[}}\]])|(?P<wide>[：，])'
)
_PLAIN = {"：": ":", "，": ","}
_SINGLE = "'‘’‚`"
# What the reader of JSON says, and the name of the words for it.
_SAID = (
    ("Expecting property name", "name"),
    ("Expecting ':'", "colon"),
    ("Expecting ','", "comma"),
    ("Expecting value", "value"),
    ("Unterminated string", "quote"),
    ("Invalid control character", "quote"),
    ("Invalid \\", "escape"),
)


def without_unseen(text: str) -> str:
    """The text without marks no eye sees; a no-break space becomes a space."""
    return text if text.isascii() else text.translate(_UNSEEN)


def mended(text: str) -> str:
    """The text with straight quotes around what stands in curly ones, and without commas before a closing bracket."""

    def mend(found: re.Match[str]) -> str:
        if found["quoted"]:
            return f'"{found["quoted"][1:-1]}"'
        if found["wide"]:
            return _PLAIN[found["wide"]]
        return "" if found[0] == "," else found[0]

    return _ODD.sub(mend, text)


def damage(text: str, line: int, column: int) -> tuple[str, bool]:
    """`line:column:name` of the first fault of a document that begins here; and whether its end is missing.

    `line` counts from 1, `column` from 0. The name is one of `name`, `colon`, `comma`, `value`, `quote`, `escape`,
    `single`, `end`. "" when there is no telling.
    """
    text = mended(without_unseen(text))
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        name = next((name for said, name in _SAID if error.msg.startswith(said)), "value")
        if text[error.pos : error.pos + 1] in tuple(_SINGLE):
            name = "single"
        elif not text[error.pos :].strip():
            name = "end"
        is_cut = name == "end" or (name == "quote" and "\n" not in text[error.pos :].rstrip())
        where = f"{line + error.lineno - 1}:{error.colno + (column if error.lineno == 1 else 0)}:{name}"
        return where, is_cut
    except (ValueError, RecursionError):
        pass
    return "", False

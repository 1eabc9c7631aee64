"""Draw codes and references at random; read codes as people type them. Pure."""

from __future__ import annotations

import secrets
import unicodedata

# 32 characters without 0, O, 1 and I: 16 of them are 80 bits.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 16
REFERENCE_LENGTH = 20  # 100 bits: whoever has the link sees the status page
# 256 is a multiple of 32, so all letters are equally likely.
_LETTER_OF_BYTE = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
# I and 1 are read as L. 0 and O match nothing: they may stand for D or Q.
_LETTER_AS_TYPED = {letter: letter for letter in ALPHABET} | {letter.lower(): letter for letter in ALPHABET}
_LETTER_AS_TYPED |= {"1": "L", "I": "L", "i": "L"}
_DASHES_OF_OTHER_KINDS = frozenset("_\u2043\u2212\u30fc")  # hyphen bullet, minus, kana long mark
_LONGEST_TYPED = 200  # a longer text is no code


def draw() -> str:
    return _letters(LENGTH)


def draw_reference() -> str:
    return _letters(REFERENCE_LENGTH)


def _letters(count: int) -> str:
    return secrets.token_bytes(count).translate(_LETTER_OF_BYTE).decode("ascii")


def letters_typed(text: str) -> str:
    """The code's letters in `text`, without dashes and spaces; "" when it holds anything else.

    May be shorter or longer than a code: the search looks for parts.
    """
    if len(text) > _LONGEST_TYPED:
        return ""
    kept = [char for char in unicodedata.normalize("NFKC", text) if not _separates(char)]
    letters = [_LETTER_AS_TYPED.get(char, "") for char in kept]
    return "".join(letters) if all(letters) else ""


def normalise(text: str) -> str:
    """The stored form of a typed code, in any case and width, with any dashes and spaces; "" when it is no code."""
    letters = letters_typed(text)
    return letters if len(letters) == LENGTH else ""


def _separates(char: str) -> bool:
    # Zs Zl Zp: spaces; Pd: dashes; Cf: invisible characters that are copied along.
    return (
        char in "\t\n\r"
        or char in _DASHES_OF_OTHER_KINDS
        or unicodedata.category(char) in ("Zs", "Zl", "Zp", "Pd", "Cf")
    )

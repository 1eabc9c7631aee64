"""Codes and references: drawn at random, and read as people type them. Pure."""

from __future__ import annotations

import secrets
import unicodedata

# 32 letters, none of 0, O, 1 and I: 16 of them are 80 bits.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
LENGTH = 16
REFERENCE_LENGTH = 20  # 100 bits: the link is the key to the status page
# 256 is a multiple of 32, so every letter is as likely as any other.
_LETTER_OF_BYTE = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
# I and 1 can only be a misread L. What 0 and O stand for nobody can tell (D, Q?), so they match nothing.
_LETTER_AS_TYPED = {letter: letter for letter in ALPHABET} | {letter.lower(): letter for letter in ALPHABET}
_LETTER_AS_TYPED |= {"1": "L", "I": "L", "i": "L"}
_DASHES_OF_OTHER_KINDS = frozenset("_\u2043\u2212\u30fc")  # hyphen bullet, minus, the kana long mark
_LONGEST_TYPED = 200  # more is not a code, however it is spaced


def draw() -> str:
    """One new code, 80 bits of it."""
    return _letters(LENGTH)


def draw_reference() -> str:
    """The public id of a new Redemption."""
    return _letters(REFERENCE_LENGTH)


def _letters(count: int) -> str:
    return secrets.token_bytes(count).translate(_LETTER_OF_BYTE).decode("ascii")


def letters_typed(text: str) -> str:
    """The code letters in `text`, dashes and spaces dropped; empty when anything else is in it.

    May be shorter or longer than a code: for looking one up by a part of it.
    """
    if len(text) > _LONGEST_TYPED:
        return ""
    kept = [char for char in unicodedata.normalize("NFKC", text) if not _separates(char)]
    letters = [_LETTER_AS_TYPED.get(char, "") for char in kept]
    return "".join(letters) if all(letters) else ""


def normalise(text: str) -> str:
    """The stored form of a code typed in any case and width, with any dashes and spaces.

    Empty, which is no code, for everything that cannot be one.
    """
    letters = letters_typed(text)
    return letters if len(letters) == LENGTH else ""


def _separates(char: str) -> bool:
    # Zs Zl Zp: spaces; Pd: dashes; Cf: invisible marks that come along when a code is copied.
    return (
        char in "\t\n\r"
        or char in _DASHES_OF_OTHER_KINDS
        or unicodedata.category(char) in ("Zs", "Zl", "Zp", "Pd", "Cf")
    )

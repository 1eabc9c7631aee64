"""What an operator pastes after signing in at OpenAI: the address the browser landed on, or only its code. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit

from teampool.upstream.authorisation import LANDS_AT, OPENS_AT

MOST_CHARACTERS = 8_192
_MOST_FIELDS = 20
_MOST_SAID = 200
# Narrow: a password or a token that was pasted by mistake must not be sent as a code.
_CODE_ALONE = re.compile(
    r"ac_[\w.~-]{8,1000}"
    r"|(?!rt[_-]|at-|sk-|app_|eyJ)(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[\w~-]{43,1000}",
    re.ASCII,
)
_CODE = re.compile(r"[\x21-\x7e]{8,1000}")
_QUERY = re.compile(r"\??(?:code|state|scope|error|error_description)=")
_QUOTES = "\"'`<>«»“”‘’「」"


class Problem(StrEnum):
    """Why what was pasted cannot be used."""

    EMPTY = "empty"
    NOT_LANDED = "not_landed"
    """The address to open, not the one it ended at."""
    ELSEWHERE = "elsewhere"
    """Another address, or no address at all."""
    INCOMPLETE = "incomplete"
    REFUSED = "refused"
    """OpenAI refused; `said` is what it said."""
    OTHER_STATE = "other_state"
    """The address of another sign-in."""
    USED = "used"
    EXPIRED = "expired"


class NotSignedIn(ValueError):
    """What was pasted was not used. Never holds a code."""

    def __init__(self, problem: Problem, said: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.said = said


@dataclass(frozen=True, slots=True)
class Landing:
    """The code of a sign-in, and the state that came with it: "" when only the code was pasted."""

    code: str = field(repr=False)
    state: str = field(default="", repr=False)


def read_landing(pasted: str) -> Landing:
    """Read the whole address, its part after the "?", or the code alone; raises NotSignedIn."""
    if len(pasted) > 2 * MOST_CHARACTERS:
        raise NotSignedIn(Problem.ELSEWHERE)
    # Whatever a phone or a mail program added: blanks, line breaks, quotes, invisible characters.
    text = "".join(char for char in pasted if char.isprintable() and not char.isspace()).strip(_QUOTES)
    if not text:
        raise NotSignedIn(Problem.EMPTY)
    if len(text) > MOST_CHARACTERS:
        raise NotSignedIn(Problem.ELSEWHERE)
    if _CODE_ALONE.fullmatch(text):
        return Landing(text)
    fields = _fields(text.lstrip("?") if _QUERY.match(text) else _query(text))
    if error := fields.get("error"):
        raise NotSignedIn(Problem.REFUSED, (fields.get("error_description") or error)[:_MOST_SAID])
    code, state = fields.get("code", ""), fields.get("state", "")
    if not state or not _CODE.fullmatch(code):
        raise NotSignedIn(Problem.INCOMPLETE)
    return Landing(code, state)


def _query(address: str) -> str:
    """The part after the "?" of the address a sign-in lands on; browsers may show it without "http://"."""
    try:
        parts = urlsplit(address if "://" in address[:10] else f"http://{address}")
    except ValueError:
        raise NotSignedIn(Problem.ELSEWHERE) from None
    if parts.path == OPENS_AT:
        raise NotSignedIn(Problem.NOT_LANDED)
    if parts.scheme not in ("http", "https") or (parts.netloc.lower(), parts.path) != LANDS_AT:
        raise NotSignedIn(Problem.ELSEWHERE)
    return parts.query


def _fields(query: str) -> dict[str, str]:
    """Each field once; a field that stands there twice makes the address unusable."""
    try:
        found = parse_qs(query, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise NotSignedIn(Problem.ELSEWHERE) from None
    if any(len(values) > 1 for values in found.values()):
        raise NotSignedIn(Problem.ELSEWHERE)
    return {name: values[0] for name, values in found.items()}

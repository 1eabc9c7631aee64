"""One account of an import, and the columns a pasted line may have, told apart by their shape. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from teampool.upstream.cookies import COOKIE_NAMES

UNREADABLE = "unreadable"
NO_TOKEN = "no_token"  # noqa: S105 - a reason, not a token
TWO_ACCESS_TOKENS = "two_access_tokens"
OTHER_PLATFORM = "other_platform"

Slot = str
EMAIL, ACCESS, REFRESH, SESSION, CLIENT, ACCOUNT = (
    "email",
    "access_token",
    "refresh_token",
    "session_token",
    "client_id",
    "account_id",
)
# The columns of a line without a header, in order.
COLUMNS: tuple[Slot | None, ...] = (EMAIL, ACCESS, REFRESH, SESSION, CLIENT, ACCOUNT)
_TOKENS = (ACCESS, REFRESH, SESSION)
# A shorter value is more likely a password, which must not be sent as a token.
_SHORTEST_TOKEN = 16

# Narrow, so that a token with an unknown separator does not pass for an address.
_EMAIL = re.compile(
    r"(?!eyJ[\w-]*\.|[^@]*----)[^@\s\x00-\x1f\x7f\ud800-\udfff,;|\"<>(){}\[\]]{1,64}"
    r"@(?:\w+(?:-{1,2}\w+)*\.)+(?:[^\W\d_]{2,24}|xn--[\w-]{1,59})"
)
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_SHAPES: tuple[tuple[Slot, re.Pattern[str]], ...] = (
    (ACCESS, re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", re.ASCII)),
    (SESSION, re.compile(r"eyJ[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)),
    (REFRESH, re.compile(r"rt[_-][\x21-\x7e]+")),
    (CLIENT, re.compile(r"app_[\w-]+", re.ASCII)),
    (ACCOUNT, re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")),
    ("", re.compile(r"(?:org|user)-[A-Za-z0-9]{6,}")),
)
_COOKIE_PREFIX = re.compile("|".join(re.escape(f"{name}=") for name in COOKIE_NAMES))
_EMPTY = frozenset({"", "-", "--", "null", "none", "nil", "nan", "n/a", "undefined", "无", "空"})


@dataclass(frozen=True, slots=True)
class Record:
    """What was read from a line, or from the lines up to `last_line`.

    `problem` is "" or a reason: unreadable, no_token, two_access_tokens, other_platform; `detail` is what the words of
    the reason name, never a secret. `file` and `place` (`accounts[3]`) say where it stood, beside the line. An absent
    field is "".
    `unused` has the kind of each column that was ignored, never its value.
    """

    line: int
    email: str = ""
    access_token: str = field(default="", repr=False)
    refresh_token: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    client_id: str = ""
    account_id: str = ""
    code: str = field(default="", repr=False)
    """Of a sign-in at OpenAI, with its `verifier`; never read from a pasted line."""
    verifier: str = field(default="", repr=False)
    is_code_sent: bool = False
    meant_for: str = ""
    """The owner this log-in is to renew; "" when anybody's will do."""
    problem: str = ""
    text_kind: str = "line"
    last_line: int = 0
    unused: tuple[str, ...] = ()
    file: str = ""
    place: str = ""
    detail: str = ""


def unreadable(line: int, text_kind: str = "line", last_line: int = 0) -> Record:
    return Record(line, problem=UNREADABLE, text_kind=text_kind, last_line=last_line or line)


def clean(value: str) -> str:
    """A field without blanks, quotes, "Bearer", and words that mean empty."""
    value = value.strip().strip("\"'`").strip()
    if value[:7].lower() == "bearer ":
        value = value[7:].strip()
    return "" if len(value) < 10 and value.lower() in _EMPTY else value


def slot_of(value: str) -> Slot | None:
    """The slot of this value by its shape; "" for a known value we do not need, None when the shape says nothing."""
    if "@" in value:
        return EMAIL if len(value) <= 254 and _EMAIL.fullmatch(value) else None
    for slot, shape in _SHAPES:
        if shape.fullmatch(value):
            return slot
    return None


def fits(slot: Slot, value: str) -> bool:
    """True when a value without a known shape may stand in this slot."""
    if slot in _TOKENS:
        return len(value) >= _SHORTEST_TOKEN and _PRINTABLE.fullmatch(value) is not None and "@" not in value
    return slot == CLIENT and _PRINTABLE.fullmatch(value) is not None and "@" not in value


def read_fields(fields: list[str], columns: tuple[Slot | None, ...] | None, line: int) -> Record:
    """A record from the fields of a line: by shape first, then by place.

    `columns` come from a header, where None is a column to ignore. `columns` None: there is no header.
    """
    values = [clean(value) for value in fields] or [""]
    if columns is None:
        # A line without an e-mail may start with the access token.
        starts_late = slot_of(values[0]) == ACCESS
        columns = COLUMNS[1:] if starts_late else COLUMNS
        is_ordered = starts_late or not values[0] or slot_of(values[0]) == EMAIL
    else:
        values = [value if place >= len(columns) or columns[place] else "" for place, value in enumerate(values)]
        is_ordered = True
    found: list[tuple[Slot, str]] = []
    unplaced: list[tuple[int, str]] = []
    for place, raw in enumerate(values):
        value = _COOKIE_PREFIX.sub("", raw, count=1) if raw.startswith("__Secure-") else raw
        slot = SESSION if value != raw else slot_of(value)
        if slot is None:
            unplaced.append((place, value))
        elif slot and value:
            found.append((slot, value))
    taken = {slot for slot, _ in found}
    for place, value in unplaced:
        if not value:
            continue
        wanted = columns[place] if is_ordered and place < len(columns) else None
        if place == 1 and wanted == ACCESS and ACCESS in taken:
            # `email----password----token`: ignore the password.
            continue
        if wanted is None or wanted in taken or not fits(wanted, value):
            return unreadable(line)
        found.append((wanted, value))
    return build(found, line)


def build(found: Iterable[tuple[Slot, str]], line: int, *, text_kind: str = "line", last_line: int = 0) -> Record:
    """A record of these values; two different values for one slot are a problem."""
    values: dict[Slot, str] = {}
    for slot, value in found:
        value = value.lower() if slot in (EMAIL, ACCOUNT) else value
        if slot in (*_TOKENS, CLIENT) and not _PRINTABLE.fullmatch(value):
            return unreadable(line, text_kind, last_line)
        if values.setdefault(slot, value) != value:
            problem = TWO_ACCESS_TOKENS if slot == ACCESS else UNREADABLE
            return Record(line, problem=problem, text_kind=text_kind, last_line=last_line or line)
    return make(values, line, text_kind=text_kind, last_line=last_line)


def make(values: Mapping[Slot, str], line: int, *, text_kind: str, last_line: int) -> Record:
    return Record(
        line,
        email=values.get(EMAIL, ""),
        access_token=values.get(ACCESS, ""),
        refresh_token=values.get(REFRESH, ""),
        session_token=values.get(SESSION, ""),
        client_id=values.get(CLIENT, ""),
        account_id=values.get(ACCOUNT, ""),
        problem="" if any(values.get(slot) for slot in _TOKENS) else NO_TOKEN,
        text_kind=text_kind,
        last_line=last_line or line,
    )

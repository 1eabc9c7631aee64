"""One account of an import, from the columns and labels of a pasted line. Pure.

What does not look like its kind is not used: a column is a token by its shape, or because a header, a label or its
place in the documented columns says so and its shape does not speak against it. The rest is ignored and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from teampool.imports.reading.labels import ANY_TOKEN, INDEX, Labelled
from teampool.imports.reading.shapes import (
    ACCESS,
    ACCOUNT,
    CLIENT,
    EMAIL,
    OTHER,
    RECOVERY,
    REFRESH,
    SESSION,
    TOKENS,
    Slot,
    is_agent_identity,
    is_personal,
    kind_of,
    may_be_client,
    may_be_token,
    slot_of,
    speaks_against,
)
from teampool.upstream.claims import NotAToken, read_claims
from teampool.upstream.cookies import COOKIE_NAMES

UNREADABLE = "unreadable"
NO_TOKEN = "no_token"  # noqa: S105 - a reason, not a token
TWO_ACCESS_TOKENS = "two_access_tokens"
PERSONAL_TOKEN = "personal_token"  # noqa: S105
AGENT_IDENTITY = "agent_identity"
OTHER_PLATFORM = "other_platform"

SLOTS = (EMAIL, ACCESS, REFRESH, SESSION, CLIENT, ACCOUNT)
# The columns of a line without a header, in order.
COLUMNS: tuple[Slot, ...] = SLOTS
_DOCUMENTED = 5
# In a line without header and labels, a shorter value is more likely a password.
_SHORTEST_BY_PLACE = 20

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_COOKIE_PREFIX = re.compile("|".join(re.escape(f"{name}=") for name in COOKIE_NAMES))
_EMPTY = frozenset({"", "-", "--", "null", "none", "nil", "nan", "n/a", "undefined", "无", "空"})
_QUOTES = "\"'`“”‘’«»「」『』"
_IN_BRACKETS = re.compile(r"[^<>@]{0,80}<\s*(?:mailto:)?([^<>\s]+@[^<>\s]+)\s*>", re.IGNORECASE)
_INDEX = re.compile(r"#?\d{1,6}[.)]?")
_NUMBERED = re.compile(r"\d{1,5}\.(.+)")


@dataclass(frozen=True, slots=True)
class Record:
    """What was read from a line, or from the lines up to `last_line`.

    `problem` is "" or a reason: unreadable, no_token, two_access_tokens, personal_token, agent_identity,
    other_platform; `detail` is what the words of the reason name, never a secret. `file` and `place` (`accounts[3]`)
    say where it stood, beside the line. An absent field is "". `unused` has the kind of each column that was ignored,
    never its value.
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
    is_proven: bool = False
    """Its refresh token was bought under its client id; never read from a pasted line."""


def unreadable(line: int, text_kind: str = "line", last_line: int = 0) -> Record:
    return Record(line, problem=UNREADABLE, text_kind=text_kind, last_line=last_line or line)


def clean(value: str) -> str:
    """A field without blanks, quotes, "Bearer", "mailto:", a name before the address, and words that mean empty."""
    value = value.strip().strip(_QUOTES).strip()
    if value[:7].lower() == "bearer ":
        value = value[7:].strip()
    if "@" in value:
        value = value[7:] if value[:7].lower() == "mailto:" else value
        in_brackets = _IN_BRACKETS.fullmatch(value)
        value = in_brackets[1] if in_brackets else value
    return "" if len(value) < 10 and value.lower() in _EMPTY else value


def refusal_of(value: str) -> str:
    """Why a token that administers nothing is refused (upstream §13); "" for any other value."""
    return PERSONAL_TOKEN if is_personal(value) else AGENT_IDENTITY if is_agent_identity(value) else ""


def fits(slot: Slot, value: str) -> bool:
    """True when a value without a known shape may stand in this slot, because something names it so."""
    return may_be_client(value) if slot == CLIENT else slot in TOKENS and may_be_token(value)


def read_fields(fields: Sequence[Labelled], line: int, *, is_ordered: bool, last_line: int = 0) -> Record:
    """A record from the fields of a line, by shape first, then by what a header or a label calls them.

    `is_ordered`: the fields have neither header nor labels, so they may be the documented columns in their order.
    """
    line_ = _Line(line, last_line or line)
    values = [clean(one.text) for one in fields]
    for place, (one, value) in enumerate(zip(fields, values, strict=True)):
        if value:
            line_.take(place, one.what, value)
    if is_ordered:
        line_.take_by_place(values)
    return line_.record()


class _Line:
    """What the fields of one line are, while they are read."""

    def __init__(self, line: int, last_line: int) -> None:
        self.line, self.last_line = line, last_line
        self.found: list[tuple[Slot, str]] = []
        self.addresses: list[tuple[bool, str]] = []  # called an e-mail?, the address
        self.unused: list[str] = []
        self.unknown: list[tuple[int, str]] = []
        self.clients: list[str] = []
        self.refused = ""
        self.is_known = self.has_half_address = False

    def take(self, place: int, what: str, value: str) -> None:
        if what == INDEX:
            return
        if what and what not in SLOTS and what != ANY_TOKEN:
            self.is_known = True
            self.unused.append(what)
            return
        raw, value = value, _COOKIE_PREFIX.sub("", value, count=1) if value.startswith("__Secure-") else value
        slot = SESSION if value != raw else slot_of(value)
        if slot == EMAIL:
            self.addresses.append((what == EMAIL, value.lower()))
        elif slot:
            self.found.append((slot, value))
        elif refusal_of(value):
            self.refused = refusal_of(value)
        elif slot == "":
            self.is_known = True
            self.unused.append(OTHER)
        elif what in TOKENS and may_be_token(value):
            self.found.append((what, value))
        elif what == CLIENT and may_be_client(value):
            self.clients.append(value)
        elif what == EMAIL or (place == 0 and not what and "@" in value):
            self.has_half_address = self.has_half_address or "@" in value
            self.unused.append(kind_of(value))
        elif place == 0 and not what and _INDEX.fullmatch(value):
            return
        else:
            self.is_known = self.is_known or bool(what)
            self.unknown.append((place, value))

    def take_by_place(self, values: list[str]) -> None:
        """Give unknown values the slot of their documented place, if the whole line keeps to that order.

        Without a client id no refresh token is read so, and without all five columns no access or session token:
        an unknown value in their place is more likely a password.
        """
        is_late = bool(values) and slot_of(values[0]) == ACCESS  # a line without an e-mail may start with the token
        columns = COLUMNS[1:] if is_late else COLUMNS
        if len(values) > len(columns) or self.refused or self.unused:
            return
        slots = {place: slot_of(value) for place, value in enumerate(values) if value}
        if any(slot is not None and slot != columns[place] for place, slot in slots.items()):
            return
        for place, value in self.unknown:
            fit = may_be_client(value) if columns[place] == CLIENT else may_be_token(value)
            if (
                columns[place] in (EMAIL, ACCOUNT)
                or not fit
                or (columns[place] in TOKENS and len(value) < _SHORTEST_BY_PLACE)
            ):
                return
        filled = {columns[place] for place in slots}
        is_full = len(filled & set(COLUMNS[:_DOCUMENTED])) == _DOCUMENTED
        has_proof = any(slot not in (None, EMAIL) for slot in slots.values())
        can_refresh = has_proof and {REFRESH, CLIENT} <= filled
        meant = [one for one in self.unknown if is_full or (can_refresh and columns[one[0]] in (REFRESH, CLIENT))]
        self.found += [(columns[place], value) for place, value in meant]
        self.unknown = [one for one in self.unknown if one not in meant]

    def record(self) -> Record:
        self.unused += [kind_of(value) for _place, value in self.unknown]
        has_refresh = any(slot == REFRESH for slot, _value in self.found)
        # Without a refresh token it would only replace the stored one's client.
        self.found += [(CLIENT, value) for value in self.clients if has_refresh]
        self.unused += [OTHER for _value in self.clients if not has_refresh]
        email = self._owner_address()
        if self.has_half_address and not email:
            return unreadable(self.line, last_line=self.last_line)
        if not (email or self.found or self.refused or self.is_known) and (self.unknown or self.unused):
            return unreadable(self.line, last_line=self.last_line)
        found = [*self.found, (EMAIL, email)] if email else self.found
        record = build(found, self.line, last_line=self.last_line)
        problem = self.refused if self.refused and record.problem == NO_TOKEN else record.problem
        return replace(record, problem=problem, unused=tuple(self.unused))

    def _owner_address(self) -> str:
        """The owner's address: called so, or named by the access token, or the first. Others are counted."""
        addresses = list(dict.fromkeys(address for _is_called, address in self.addresses))
        if len(addresses) == 1 and not _NUMBERED.fullmatch(addresses[0]):
            return addresses[0]
        known = {email_of(value) for slot, value in self.found if slot == ACCESS} - {""}
        # `1.name@example.com` is a numbered line when the token names the shorter address.
        addresses = [rest[1] if (rest := _NUMBERED.fullmatch(one)) and rest[1] in known else one for one in addresses]
        called = [address for is_called, address in self.addresses if is_called]
        named = [address for address in addresses if address in known]
        chosen = next(iter([*called, *named, *addresses]), "")
        self.unused += [RECOVERY for address in addresses if address != chosen]
        return chosen


def email_of(access_token: str) -> str:
    """The e-mail an access token names; "" when it names none."""
    try:
        return read_claims(access_token).email
    except NotAToken:
        return ""


def build(found: Iterable[tuple[Slot, str]], line: int, *, text_kind: str = "line", last_line: int = 0) -> Record:
    """A record of these values; two different values for one slot are a problem.

    A value whose shape speaks against its slot, as a secret for one-time codes in the place of a token, is not used.
    """
    values: dict[Slot, str] = {}
    unused: list[str] = []
    refused = ""
    for slot, value in found:
        value = value.lower() if slot in (EMAIL, ACCOUNT) else value
        if slot in (*TOKENS, CLIENT) and value and not _PRINTABLE.fullmatch(value):
            return unreadable(line, text_kind, last_line)
        if slot in TOKENS and value and speaks_against(value):
            refused = refusal_of(value) or refused
            unused += [] if refusal_of(value) else [kind_of(value)]
            continue
        if values.setdefault(slot, value) != value:
            problem = TWO_ACCESS_TOKENS if slot == ACCESS else UNREADABLE
            return Record(line, problem=problem, text_kind=text_kind, last_line=last_line or line)
    record = make(values, line, text_kind=text_kind, last_line=last_line)
    problem = refused if refused and record.problem == NO_TOKEN else record.problem
    return replace(record, problem=problem, unused=tuple(unused))


def make(values: Mapping[Slot, str], line: int, *, text_kind: str, last_line: int) -> Record:
    return Record(
        line,
        email=values.get(EMAIL, ""),
        access_token=values.get(ACCESS, ""),
        refresh_token=values.get(REFRESH, ""),
        session_token=values.get(SESSION, ""),
        client_id=values.get(CLIENT, ""),
        account_id=values.get(ACCOUNT, ""),
        problem="" if any(values.get(slot) for slot in TOKENS) else NO_TOKEN,
        text_kind=text_kind,
        last_line=last_line or line,
    )

"""What a write's answer means: the tables of upstream §5, §6 and §7. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

from .classify import failure_in, failure_of
from .envelope import Envelope, Headers, read_envelope, retry_after, scrub
from .errors import UpstreamError
from .readers import read_removal_notice
from .types import Answer, Failure, Op, Verdict, normalise_email

_INVITED, _ERRORED, _ALREADY = "account_invites", "errored_emails", "already_member_emails"

# The write may have worked in spite of these: only the lists can tell.
UNCERTAIN = frozenset(
    {
        Failure.TIMEOUT_OR_RESET,
        Failure.SERVER_ERROR,
        Failure.EDGE_BLOCK,
        Failure.RATE_LIMITED,
        Failure.ALREADY_MEMBER,
        Failure.ALREADY_INVITED,
        Failure.GHOST_SUCCESS,
        Failure.CONFLICT_BUSY,
        Failure.PROTOCOL_ERROR,
    }
)
# A plain refusal. What the answer's lists say about our address counts more.
_SAYS_LITTLE = frozenset({Failure.REFUSED_UNCLEAR, Failure.UNKNOWN_401, Failure.PERMISSION_DENIED})
# What an error about our address may say about the Team. Any other error there is about the address, and must not
# count against our account or Team.
_ABOUT_THE_TEAM = frozenset({Failure.SEATS_FULL, Failure.ALREADY_MEMBER, Failure.ALREADY_INVITED, Failure.RATE_LIMITED})


def verdict_of(failure: Failure) -> Verdict:
    """NO only where nothing was done for certain."""
    return Verdict.UNKNOWN if failure in UNCERTAIN else Verdict.NO


def read_invite(status: int, headers: Headers, body: bytes | str | None, email: str) -> Answer:
    """The meaning of an answer to an invite of this one address. Never raises."""
    envelope = read_envelope(status, headers, body)
    is_2xx = 200 <= status < 300
    failure = failure_of(_without(email, envelope), Op.INVITE)
    lists = read_lists(envelope.data, email)
    if failure is Failure.EDGE_BLOCK or lists is None:
        # A 2xx without lists of addresses proves nothing.
        return _invite(failure or Failure.PROTOCOL_ERROR, envelope, headers)
    if lists.is_invited and not lists.is_errored and not lists.is_already:
        return Answer(Verdict.SENT, status=status)
    if lists.is_already:
        return _invite(Failure.ALREADY_MEMBER, envelope, headers)
    if not lists.is_readable or lists.is_invited:
        return _invite(Failure.PROTOCOL_ERROR, envelope, headers)
    if lists.is_errored and (failure is None or failure in _SAYS_LITTLE):
        return _invite(_reason(lists, email), envelope, headers, text=" ".join(lists.reasons))
    if failure is None and is_2xx:
        is_ghost = not lists.names_others
        return _invite(Failure.GHOST_SUCCESS if is_ghost else Failure.PROTOCOL_ERROR, envelope, headers)
    if lists.names_others and failure is not None and verdict_of(failure) is Verdict.NO:
        # Somebody was invited: the answer may write our address differently.
        return _invite(Failure.PROTOCOL_ERROR, envelope, headers)
    return _invite(failure or Failure.PROTOCOL_ERROR, envelope, headers)


def _without(email: str, envelope: Envelope) -> Envelope:
    """The envelope without our own address, whose words say nothing about our Team."""
    texts = tuple(_unsay(email, text) for text in envelope.texts)
    return replace(envelope, texts=texts, codes=tuple(_unsay(email, code) for code in envelope.codes))


def _unsay(email: str, said: str) -> str:
    """`said` without the address and its domain; a code, which is one word, stays as it is.

    The part before the @ is removed only if it alone reads as a failure. The "seat" of seat@example.com does not, and
    "no seat" must keep the word.
    """
    if "@" not in said and not any(letter.isspace() for letter in said):
        return said
    address = email.strip()
    local, _at, domain = address.partition("@")
    for part in (address, domain, local if failure_in(local.lower(), Op.INVITE) else ""):
        if part:
            # Whole words only: the "a" of a@example.com is in every sentence.
            said = re.sub(rf"(?<![\w.+-]){re.escape(part)}(?![\w+-])", "…", said, flags=re.IGNORECASE)
    return said


def read_answer(status: int, headers: Headers, body: bytes | str | None, op: Op) -> Answer:
    """The meaning of an answer to a revocation or removal. Of a 2xx body only a removal's cost is read."""
    envelope = read_envelope(status, headers, body)
    failure = failure_of(envelope, op)
    if failure is None:
        notice = read_removal_notice(envelope.data) if op is Op.REMOVE else None
        return Answer(Verdict.SENT, status=status, notice=notice)
    return Answer(
        verdict_of(failure),
        failure,
        status=status,
        code=scrub(envelope.code, limit=80),
        text=scrub(envelope.text),
        retry_after=retry_after(headers),
    )


def answer_without_answer(error: UpstreamError) -> Answer:
    """A write that got no answer: CONNECT_FAILED is a certain no, everything else is unknown."""
    return Answer(verdict_of(error.failure), error.failure, status=error.status, code=error.code, text=error.text)


def _invite(failure: Failure, envelope: Envelope, headers: Headers, *, text: str = "") -> Answer:
    return Answer(
        verdict_of(failure),
        failure,
        status=envelope.status,
        code=scrub(envelope.code, limit=80),
        text=scrub(text or envelope.text),
        retry_after=retry_after(headers),
    )


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists of one invite answer, as seen from our address."""

    is_invited: bool
    is_errored: bool
    is_already: bool
    names_others: bool
    """Another address is in `account_invites`."""
    is_readable: bool
    reasons: tuple[str, ...]


def read_lists(data: Any, email: str) -> Lists | None:
    """The lists in an invite answer; None when it has none of them."""
    if not isinstance(data, dict) or not any(key in data for key in (_INVITED, _ERRORED, _ALREADY)):
        return None
    ours = normalise_email(email)
    invited, invited_ok = _addresses(data.get(_INVITED))
    errored, errored_ok = _addresses(data.get(_ERRORED))
    already, already_ok = _addresses(data.get(_ALREADY))
    return Lists(
        is_invited=ours in invited,
        is_errored=ours in errored,
        is_already=ours in already,
        names_others=any(address != ours for address in invited),
        is_readable=invited_ok and errored_ok and already_ok,
        reasons=_error_texts(data.get(_ERRORED), ours or ""),
    )


def _address(item: Any) -> str | None:
    if isinstance(item, dict):
        return normalise_email(item.get("email_address")) or normalise_email(item.get("email"))
    return normalise_email(item)


def _addresses(value: Any) -> tuple[list[str], bool]:
    """The addresses in a list of objects or strings, and whether every item could be read."""
    if value is None or (value == 0 and not isinstance(value, str)):
        # Some answers count instead of listing; a count of 0 hides nobody.
        return [], True
    if not isinstance(value, list):
        return [], False
    found = [_address(item) for item in value]
    return [address for address in found if address], all(found)


def _error_texts(value: Any, ours: str) -> tuple[str, ...]:
    for item in value if isinstance(value, list) else ():
        if not isinstance(item, dict) or _address(item) != ours:
            continue
        error = item.get("error")
        parts = (error.get("code"), error.get("message")) if isinstance(error, dict) else (error,)
        return tuple(part for part in parts if isinstance(part, str))
    return ()


def _reason(lists: Lists, email: str) -> Failure:
    words = " ".join(_unsay(email, part) for part in lists.reasons).lower()
    if "domain_restricted" in words:
        return Failure.DOMAIN_RESTRICTED
    known = failure_in(words, Op.INVITE)
    return known if known in _ABOUT_THE_TEAM or known is Failure.DOMAIN_RESTRICTED else Failure.EMAIL_REJECTED

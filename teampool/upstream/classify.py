"""Which failure an answer is: the tables of upstream §2, in order."""

from __future__ import annotations

import re

from .envelope import Envelope
from .types import Failure, Op

WRITES = frozenset({Op.INVITE, Op.REVOKE, Op.REMOVE})
_IN_WORKSPACE = frozenset({Op.MEMBERS, Op.INVITES, Op.INVITE})

_CODES: dict[str, Failure] = {
    "token_expired": Failure.TOKEN_REJECTED,
    "token_invalidated": Failure.TOKEN_REJECTED,
    "token_revoked": Failure.TOKEN_REJECTED,
    "account_deactivated": Failure.USER_DEACTIVATED,
    "account_disabled": Failure.USER_DEACTIVATED,
    "deactivated_workspace": Failure.WORKSPACE_SUSPENDED,
    "workspace_deactivated": Failure.WORKSPACE_SUSPENDED,
    "account_removed_from_workspace": Failure.ACCESS_REMOVED,
    "workspace_subscription_delinquent": Failure.WORKSPACE_DELINQUENT,
    "workspace_not_found": Failure.WORKSPACE_NOT_FOUND,
    "seat_true_up_pending": Failure.SEATS_FULL,
    "domain_restricted": Failure.DOMAIN_RESTRICTED,
    "rate_limit": Failure.RATE_LIMITED,
    "rate_limited": Failure.RATE_LIMITED,
    "rate_limit_exceeded": Failure.RATE_LIMITED,
    # The country of our address is refused; token and workspace are fine.
    "unsupported_country_region_territory": Failure.EDGE_BLOCK,
}


def _phrases(*pairs: tuple[str, Failure]) -> tuple[tuple[re.Pattern[str], Failure], ...]:
    return tuple((re.compile(pattern), failure) for pattern, failure in pairs)


# The order matters: "workspace" before "account", seats before e-mail.
_ANY_CALL = _phrases(
    # In a 2xx: of a refusal `is_challenge` says it.
    (r"unusual[\s_-]+activity", Failure.EDGE_BLOCK),
    (
        r"workspace (?:has been|is|was) deactivated|deactivated[_ ]workspace|workspace_deactivated",
        Failure.WORKSPACE_SUSPENDED,
    ),
    # "You" is the log-in; whom a removal is about may have been removed as well.
    (r"\byou (?:were|have been) removed from (?:this|the) workspace", Failure.ACCESS_REMOVED),
    (r"delinquent", Failure.WORKSPACE_DELINQUENT),
    (r"your (?:openai )?account has been (?:deactivated|disabled)", Failure.USER_DEACTIVATED),
    (
        r"could not parse your authentication token"
        r"|authentication token (?:has|is|was) (?:been )?(?:expired|invalid\w*|revoked)"
        r"|invalidated oauth token",
        Failure.TOKEN_REJECTED,
    ),
    (r"workspace (?:was |is )?not found|no such workspace", Failure.WORKSPACE_NOT_FOUND),
    (r"too many requests|rate limit", Failure.RATE_LIMITED),
    (r"country, region, or territory not supported", Failure.EDGE_BLOCK),
)
_ON_INVITE = _phrases(
    (
        r"true[-_ ]?up|additional seats?\b|maximum (?:number of )?seats|\bno (?:more |free |available )?seats?\b"
        r"|(?:not enough|out of|insufficient) seats|seats? (?:limit|pool)"
        r"|seats? (?:is|are) (?:all )?(?:full|taken|used)|(?:team|workspace) (?:is )?full",
        Failure.SEATS_FULL,
    ),
    (
        r"already (?:been )?(?:an? (?:\w+ )?member|in (?:the |this |your )?(?:workspace|team|organi[sz]ation)|joined)",
        Failure.ALREADY_MEMBER,
    ),
    (r"already (?:been )?(?:invited|pending)|invit\w+ already", Failure.ALREADY_INVITED),
    (
        r"domain[^\n]*(?:restrict|not allowed|not permitted|not authori[sz]ed|isn't allowed)|restrict[^\n]*domain",
        Failure.DOMAIN_RESTRICTED,
    ),
)
_EMAIL_IS_BAD = re.compile(
    r"(?:invalid|malformed|not a valid|undeliverable|blocked)\W+(?:\w+\W+){0,3}(?:e-?mail|address)"
    r"|(?:e-?mail|address)\b[^\n]{0,60}(?:invalid|not valid|malformed|rejected|blocked|undeliverable)"
)
_SEAT_WORD = re.compile(r"\bseats?\b|\bfull\b")
_EMAIL_WORD = re.compile(r"e-?mail|address|validation")


def failure_of(envelope: Envelope, op: str) -> Failure | None:
    """The failure in an answer; None for a 2xx that does not call itself an error."""
    status = envelope.status
    if 300 <= status < 400:
        return Failure.PROTOCOL_ERROR
    if envelope.is_challenge:
        return Failure.EDGE_BLOCK
    if envelope.is_html:
        return Failure.SERVER_ERROR if status >= 500 else Failure.EDGE_BLOCK
    if 200 <= status < 300:
        return _error_in_2xx(envelope, op)
    return known_failure(envelope, op) or _by_status(envelope, op)


def known_failure(envelope: Envelope, op: str) -> Failure | None:
    """What a known code or text says at any status; None when none is known."""
    for code in envelope.codes:
        if code in _CODES:
            return _CODES[code]
    return failure_in(envelope.words, op)


def failure_in(words: str, op: str) -> Failure | None:
    """The failure these lower-case words name."""
    for pattern, failure in (*_ANY_CALL, *(_ON_INVITE if op == Op.INVITE else ())):
        if pattern.search(words):
            return failure
    return None


def _error_in_2xx(envelope: Envelope, op: str) -> Failure | None:
    data = envelope.data
    if not isinstance(data, dict) or not (data.get("error") or data.get("detail")):
        return None
    known = known_failure(envelope, op)
    if known is not None:
        return known
    # A sentence in `detail` may be good news; a code is always an error.
    is_error = bool(data.get("error")) or bool(envelope.codes)
    return Failure.PROTOCOL_ERROR if is_error else None


def _by_status(envelope: Envelope, op: str) -> Failure:
    status, words = envelope.status, envelope.words
    if status >= 500:
        return Failure.SERVER_ERROR
    if status == 401:
        return _unauthorised(envelope, op)
    if status == 402:
        return Failure.WORKSPACE_SUSPENDED
    if status == 403:
        # The application refuses in JSON; other bodies come from the edge before it.
        if not envelope.is_json:
            return Failure.EDGE_BLOCK
        return Failure.EMAIL_REJECTED if _names_bad_email(words, op) else Failure.PERMISSION_DENIED
    if status == 404:
        return _not_found(words, op)
    if status == 408:
        return Failure.TIMEOUT_OR_RESET
    if status == 409 and op in WRITES:
        return Failure.CONFLICT_BUSY
    if status == 429:
        return Failure.RATE_LIMITED
    if status >= 400 and op in WRITES:
        return _refused(status, words, op)
    return Failure.PROTOCOL_ERROR


def _unauthorised(envelope: Envelope, op: str) -> Failure:
    if op == Op.SUBSCRIPTION:
        # Only admins may see seats: without a token's code this is about the role (upstream §9).
        return Failure.PERMISSION_DENIED
    if envelope.is_json and any(word.strip(" .") == "unauthorized" for word in envelope.words.split("\n")):
        return Failure.TOKEN_REJECTED
    return Failure.UNKNOWN_401


def _not_found(words: str, op: str) -> Failure:
    if op in (Op.REVOKE, Op.REMOVE):
        return Failure.NOT_FOUND_ITEM
    if op in _IN_WORKSPACE:
        return Failure.WORKSPACE_NOT_FOUND
    if op == Op.SUBSCRIPTION and "subscription" in words:
        return Failure.NOT_FOUND_ITEM
    return Failure.PROTOCOL_ERROR


def _refused(status: int, words: str, op: str) -> Failure:
    """A 4xx on a write without a known word: certainly nothing was done; guess why."""
    if op == Op.INVITE and status == 422 and _SEAT_WORD.search(words):
        return Failure.SEATS_FULL
    if op == Op.INVITE and status == 422 and _EMAIL_WORD.search(words):
        return Failure.EMAIL_REJECTED
    return Failure.EMAIL_REJECTED if _names_bad_email(words, op) else Failure.REFUSED_UNCLEAR


def _names_bad_email(words: str, op: str) -> bool:
    return op == Op.INVITE and _EMAIL_IS_BAD.search(words) is not None

"""Why a line of an import failed: the reason in the row, and its words."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from teampool.imports.reading import files
from teampool.imports.reading.json_damage import BROKEN_JSON, CUT_OFF
from teampool.imports.reading.record import (
    AGENT_IDENTITY,
    NO_TOKEN,
    OTHER_PLATFORM,
    PERSONAL_TOKEN,
    TWO_ACCESS_TOKENS,
    UNREADABLE,
)
from teampool.models import ImportLine
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure

TOKEN_DEAD: Final = "token_dead"  # noqa: S105 - a reason, not a token
EMAIL_MISMATCH: Final = "email_mismatch"
NO_TEAM: Final = "no_team"
CLIENT_MISSING: Final = "client_missing"
CLIENT_WRONG: Final = "client_wrong"
REFRESH_DEAD: Final = "refresh_dead"
UNTRIED: Final = "untried"
UNREACHABLE: Final = "unreachable"
SLOW_DOWN: Final = "slow_down"
NO_TOKEN_NOW: Final = "no_token_now"  # noqa: S105 - a reason, as the next
NO_WORKSPACE_TOKEN: Final = "no_workspace_token"  # noqa: S105
OTHER_LOGIN: Final = "other_login"
SIGN_IN_REFUSED: Final = "sign_in_refused"
SIGN_IN_LOST: Final = "sign_in_lost"

# The line itself is wrong: no retry can help.
INVALID = frozenset(
    {
        UNREADABLE,
        NO_TOKEN,
        TWO_ACCESS_TOKENS,
        PERSONAL_TOKEN,
        AGENT_IDENTITY,
        OTHER_PLATFORM,
        EMAIL_MISMATCH,
        BROKEN_JSON,
        CUT_OFF,
    }
)

# A file as a whole was not read; over HTTP there are no files.
OF_A_FILE = files.PROBLEMS

# May pass: a retry can help.
RETRYABLE = frozenset({UNREACHABLE, SLOW_DOWN, NO_TOKEN_NOW, NO_WORKSPACE_TOKEN})

# The token was refused; another token of the line may still work.
DEAD = frozenset(
    {
        Failure.TOKEN_REJECTED,
        Failure.UNKNOWN_401,
        Failure.REFRESH_PERMANENT,
        Failure.REFRESH_REUSED,
        Failure.USER_DEACTIVATED,
        Failure.IDENTITY_MISMATCH,
    }
)
# The session gave no token, which may pass; it proves nothing about the other tokens of the line.
NO_ANSWER_YET = frozenset({Failure.SESSION_DOUBTFUL, Failure.EXCHANGE_FAILED})
_NOT_OURS = frozenset(
    {
        Failure.WORKSPACE_SUSPENDED,
        Failure.WORKSPACE_DELINQUENT,
        Failure.WORKSPACE_NOT_FOUND,
        Failure.ACCESS_REMOVED,
        Failure.PERMISSION_DENIED,
    }
)
_TOO_MANY_REQUESTS = 429


class Refused(Exception):
    """This line cannot be brought in: `reason` as stored, `email` if known."""

    def __init__(self, reason: str, *, email: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.email = email


def reason_of(error: UpstreamError) -> str:
    if error.failure in DEAD and error.failure is not Failure.UNKNOWN_401:
        return TOKEN_DEAD
    if error.failure is Failure.SESSION_DOUBTFUL:
        return NO_TOKEN_NOW
    if error.failure is Failure.EXCHANGE_FAILED:
        return NO_WORKSPACE_TOKEN
    if error.failure in _NOT_OURS:
        return NO_TEAM
    if error.failure is Failure.RATE_LIMITED or error.status == _TOO_MANY_REQUESTS:
        return SLOW_DOWN
    return UNREACHABLE


def state_of(reason: str) -> ImportLine.State:
    # Another person's log-in comes only from the back office: no answer of the API names it.
    return ImportLine.State.INVALID if reason in INVALID | OF_A_FILE | {OTHER_LOGIN} else ImportLine.State.FAILED


def reason_text(slug: str, detail: str = "") -> str:
    """The words of a reason, in the active language; "" for "". `detail` is what they name."""
    if slug in OF_A_FILE:
        return _file_text(slug)
    match slug:
        case "":
            return ""
        case "unreadable":
            return _("This line cannot be read")
        case "no_token":
            return _("No token")
        case "two_access_tokens":
            return _("Two access tokens")
        case "personal_token":
            return _("A personal token of Codex (at-…), which cannot administer a Team")
        case "agent_identity":
            return _("The identity of an agent, which cannot administer a Team")
        case "cut_off":
            return _("This looks like a session JSON with its end cut off: select all on that page and copy again.")
        case "broken_json":
            return _damage_text(detail)
        case "other_platform":
            return _("An account of {name}, not of OpenAI: skipped").format(name=detail or "?")
        case "token_dead":
            return _("The token is dead and cannot be renewed")
        case "email_mismatch":
            return _("The e-mail does not match the token")
        case "no_team":
            return _("This account has no Team we can use")
        case "other_login":
            return _("This log-in belongs to someone else. Nothing was saved.")
        case "sign_in_refused":
            return _("OpenAI did not accept the code; it may be too old, or used already. Sign in again")
        case "sign_in_lost":
            return _("OpenAI gave no clear answer, and a code works only once. Sign in again")
        case "client_missing":
            return _("The refresh token lacks its client id, and no usual one fits: add it and import again")
        case "client_wrong":
            return _("Wrong client id for this refresh token: import it again with the right one")
        case "refresh_dead":
            return _("its refresh token is dead and was not stored")
        case "no_token_now":
            return _("ChatGPT gave no token now: try again or copy it anew")
        case "no_workspace_token":
            return _("ChatGPT gave no token for this workspace; retry is possible")
        case "slow_down":
            return _("ChatGPT asks to try later; retry is possible")
    return _("ChatGPT cannot be reached; retry is possible")


def _file_text(slug: str) -> str:
    match slug:
        case files.TOO_LARGE:
            return _("Larger than 5 MB: split it and import the parts")
        case files.SHEET:
            return _("A spreadsheet: save it as CSV and choose that file")
        case files.ARCHIVE:
            return _("An archive that is not opened here: unpack it and choose what is inside, or one ZIP of it")
        case files.ENCRYPTED:
            return _("Protected by a password: unpack it and choose what is inside")
        case files.LINK:
            return _("Only a link to another file: choose that file itself")
        case files.OUTSIDE:
            return _("Its path leads out of the archive: not read")
        case files.BROKEN:
            return _("Damaged, or packed in an unusual way: make the ZIP again")
        case files.EMPTY:
            return _("No line in it could be an account")
    return _("Not a text file: save it as text in UTF-8")


def _damage_text(detail: str) -> str:
    """What is wrong in a JSON, and where; `detail` is `line:column:name`."""
    line, column, name = [*detail.split(":"), "", "", ""][:3]
    expected = {
        "name": _('a name in straight double quotes (")'),
        "colon": _("a colon (:)"),
        "comma": _("a comma, or the closing bracket"),
        "quote": _('the closing double quote (")'),
        "escape": _("no single backslash"),
        "single": _('straight double quotes (") instead of these'),
        "end": _("a closing bracket"),
    }.get(name) or _("a value")
    return _("Damaged JSON: line {line}, column {column}: expected {expected}").format(
        line=line, column=column, expected=expected
    )

"""Bring one line of an import in: from its stored secrets to a Team and a result.

For a column of a pasted list see `reading/record.py`. Every step may be repeated: a worker may die at any of them.
"""

from __future__ import annotations

import json
import logging
import traceback
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from base.actors import Actor
from teampool.imports.by_code import with_tokens
from teampool.imports.open_team import CREATED, Brought, open_or_renew, store_login
from teampool.imports.proving import prove
from teampool.imports.reading.record import Record
from teampool.imports.reasons import OTHER_LOGIN, UNREACHABLE, UNTRIED, Refused, reason_of, state_of
from teampool.imports.refreshing import Keep
from teampool.imports.who import Login, choose, log_in, token_for
from teampool.login.token_chain import newest
from teampool.login.tokens import store_tokens
from teampool.models import ImportLine, Owner
from teampool.upstream.claims import NotAToken, read_claims
from teampool.upstream.errors import UpstreamError

State = ImportLine.State
_PACKED = (
    *("email", "access_token", "refresh_token", "session_token", "client_id", "account_id", "is_proven"),
    *("code", "verifier", "is_code_sent"),
)

logger = logging.getLogger(__name__)


class _Superseded(Exception):
    """Another worker took this line over; our result no longer counts."""


@dataclass(slots=True)
class _Result:
    """What is written to the line when it is done."""

    email: str = ""
    holds: str = ""
    reason: str = ""
    note: str = ""
    teams: list[Brought] = field(default_factory=list)
    renews_itself: bool = False
    access_until: datetime | None = None

    @property
    def state(self) -> State:
        if self.reason:
            return state_of(self.reason)
        return State.CREATED if any(team.action == CREATED for team in self.teams) else State.UPDATED


def pack(record: Record) -> str:
    return json.dumps({key: getattr(record, key) for key in _PACKED if getattr(record, key)})


def unpack(line: ImportLine) -> Record:
    return Record(line=line.number, **json.loads(line.payload))


def holds(record: Record) -> str:
    """Which tokens the record has, never the tokens."""
    tokens = {"AT": record.access_token, "RT": record.refresh_token, "ST": record.session_token}
    return " ".join(mark for mark, token in tokens.items() if token)


def login_email(record: Record) -> str:
    """The e-mail of the line or of its access token; "" when neither tells."""
    if record.email or not record.access_token:
        return record.email
    try:
        return read_claims(record.access_token).email
    except NotAToken:
        return ""


def bring_in_line(line: ImportLine, *, actor: Actor) -> None:
    """Bring in a claimed line and write its result. Never raises: a bad line must not stop the others."""
    result = _Result(email=line.email, holds=line.holds)
    try:
        _bring_in(line, result, actor)
    except _Superseded:
        return
    except Refused as refused:
        result.reason, result.email = refused.reason, refused.email or result.email
    except UpstreamError as error:
        result.reason = reason_of(error)
    except Exception as error:
        # Not the exception's text: it may quote a token.
        logger.error(
            "import %s, line %s: %s\n%s",
            line.job_id,
            line.number,
            type(error).__name__,
            "".join(traceback.format_tb(error.__traceback__)),
        )
        result.reason = UNREACHABLE
    _finish(line, result)


def _bring_in(line: ImportLine, result: _Result, actor: Actor) -> None:
    keep = _keeper(line)
    record = with_tokens(unpack(line), keep)
    if record.is_code_sent:
        result.holds = holds(record)
    known = Owner.objects.filter(email=login_email(record)).first()
    login = log_in(
        record,
        device_id=str(known.device_id if known else uuid4()),
        client_id=known.client_id if known and known.can_refresh else "",
        keep=keep,
    )
    result.email = login.email
    if line.meant_for and login.email != line.meant_for:
        raise Refused(OTHER_LOGIN, email=login.email)
    workspaces = choose(login)
    stored = Owner.objects.filter(email=login.email).first()
    login, result.note, result.reason = prove(login, stored=stored, keep=keep)
    owner = store_login(login, actor=actor)
    until = [login.expires_at]
    for workspace in workspaces:
        try:
            tokens = token_for(login, workspace.account_id, keep)
            brought = open_or_renew(owner=owner, workspace=workspace, tokens=tokens, actor=actor)
        except UpstreamError as error:
            # Go on with the log-in's other workspaces.
            result.reason = result.reason or reason_of(error)
            continue
        until.append(tokens.expires_at)
        result.teams.append(brought)
        result.reason = result.reason or brought.problem
    _keep_last_session(owner, login, actor)
    owner.refresh_from_db()
    # If the log-in had ended, it renews itself only by a token from this line.
    is_good = known is None or known.login == Owner.Login.OK or _brought_means(owner, login.record)
    result.renews_itself = owner.is_proven and is_good
    if not result.note and owner.is_renewing and not owner.is_proven:
        result.note = UNTRIED
    result.access_until = min((moment for moment in until if moment), default=None)


def _brought_means(owner: Owner, record: Record) -> bool:
    """True when the token by which the Owner renews came with this record."""
    pairs = ((record.session_token, owner.session_token), (record.refresh_token, owner.refresh_token))
    return any(given and newest(given) == stored for given, stored in pairs)


def _keeper(line: ImportLine) -> Keep:
    def keep(record: Record) -> None:
        """Store rotated tokens in the line: a retry has to start from them."""
        mine = ImportLine.objects.filter(pk=line.pk, state=State.WORKING, attempts=line.attempts)
        if not mine.update(payload=pack(record)):
            raise _Superseded

    return keep


def _keep_last_session(owner: Owner, login: Login, actor: Actor) -> None:
    """Store the newest session token: exchanging it for several workspaces may have rotated it several times."""
    session_token = login.record.session_token
    if session_token and newest(session_token) != session_token:
        store_tokens(
            owner_id=owner.pk,
            session_token=newest(session_token),
            is_session_proven=True,
            source="import",
            actor=actor,
        )


def _finish(line: ImportLine, result: _Result) -> None:
    values: dict[str, Any] = {
        "state": result.state,
        "reason": result.reason,
        "note": result.note,
        "email": result.email[:254],
        "holds": result.holds,
        "teams": [asdict(team) for team in result.teams],
        "renews_itself": result.renews_itself,
        "access_until": result.access_until,
        "finished_at": timezone.now(),
    }
    if result.state != State.FAILED:
        values["payload"] = ""
    end_line(line, values)


def end_line(line: ImportLine, values: dict[str, Any]) -> None:
    """Write the result of this line and of its duplicates; a duplicate of a failed line fails too."""
    is_bad = values["state"] in (State.FAILED, State.INVALID)
    for_duplicates = {key: values[key] for key in ("reason", "email", "finished_at") if key in values}
    with transaction.atomic():
        mine = ImportLine.objects.filter(pk=line.pk, state=State.WORKING, attempts=line.attempts)
        # 0 rows: another worker took the line over, and its result counts.
        if mine.update(**values):
            duplicates = ImportLine.objects.filter(duplicate_of=line.pk, state=State.WAITING)
            duplicates.update(state=values["state"] if is_bad else State.DUPLICATE, **for_duplicates)

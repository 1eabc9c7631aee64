"""Whose an imported record is, and which workspaces that log-in administers.

Tries the access token, then the session, then the refresh token. Only the network, no rows; but a rotated token is
first handed to `keep`, which commits it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from teampool.imports.reading.record import NO_TOKEN, Record
from teampool.imports.reasons import (
    CLIENT_MISSING,
    CLIENT_WRONG,
    DEAD,
    EMAIL_MISMATCH,
    NO_ANSWER_YET,
    NO_TEAM,
    TOKEN_DEAD,
    Refused,
    reason_of,
)
from teampool.imports.refreshing import Client, Keep, clients_of, refresh
from teampool.login import refused, token_chain
from teampool.login.exchange import exchange, keep_session
from teampool.models import Owner
from teampool.upstream.claims import Claims, NotAToken, read_claims
from teampool.upstream.client import SessionAnswer, Upstream, refresh_session
from teampool.upstream.clients import for_refresh
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure, Fault, Op, TokenSet, Workspace, normalise_email


@dataclass(frozen=True, slots=True)
class Login:
    """A log-in that upstream confirmed. `record` holds its tokens, rotated ones in place of spent ones."""

    email: str
    user_id: str
    record: Record = field(repr=False)
    device_id: str
    expires_at: datetime | None
    scope: str
    """The workspace the access token was made for; "" when it does not say."""
    is_exchanged: bool
    """The token came from a session, which can make a token for each workspace."""
    workspaces: tuple[Workspace, ...]
    clients: tuple[Client, ...] = ()
    """The client ids its refresh token may belong to; the first with how it is known."""
    is_session_proven: bool = False

    @property
    def client(self) -> Client:
        """The client id of its refresh token; "" while it is only guessed."""
        return self.clients[0] if self.clients and self.clients[0].state else Client("", Owner.Client.GIVEN)


@dataclass(slots=True)
class _Attempt:
    """The record while its tokens are tried one after the other."""

    record: Record = field(repr=False)
    device_id: str
    clients: tuple[Client, ...]
    keep: Keep
    dead: UpstreamError | None = None
    """Why the last token that was tried is dead."""

    def rotate(self, record: Record) -> None:
        self.record = record
        self.keep(record)

    def keep_session(self, session_token: str) -> None:
        self.rotate(replace(self.record, session_token=session_token))


def log_in(record: Record, *, device_id: str, client_id: str = "", keep: Keep) -> Login:
    """The log-in of this record. Raises Refused, or UpstreamError when upstream cannot tell.

    `client_id`: the client id this log-in is known to use, tried first for a refresh token that came without its own.
    """
    claims = _claims(record.access_token)
    record = replace(record, client_id=for_refresh(record.client_id))
    attempt = _Attempt(record, device_id, clients_of(record, claims, stored=client_id), keep)
    # Unverified claims can only refuse; they are believed once upstream accepts the token.
    if claims is not None:
        _refuse_other_email(record, claims.email)
    unsure: UpstreamError | None = None
    for source in _sources(attempt, claims):
        try:
            return _with_token(attempt, source())
        except UpstreamError as error:
            if error.failure is Failure.REFRESH_MISCONFIGURED:
                raise Refused(CLIENT_WRONG if record.client_id else CLIENT_MISSING, email=record.email) from None
            if error.failure in NO_ANSWER_YET or (error.op == Op.SESSION and error.fault is Fault.TEAM):
                unsure = error  # the session may live, and another token of the line may work
            elif error.failure not in DEAD:
                raise
            else:
                attempt.dead = error
    dead = attempt.dead
    email = record.email or (claims.email if claims else "")
    if unsure is not None:
        raise Refused(reason_of(unsure), email=email)
    if dead is None:
        raise Refused(NO_TOKEN, email=email)
    if dead.failure is Failure.UNKNOWN_401 and _is_somebody(attempt):
        raise dead  # the token works, so the 401 proves nothing
    raise Refused(TOKEN_DEAD, email=email)


def token_for(login: Login, account_id: str, keep: Keep) -> TokenSet:
    """A token for this workspace: from the session if there is one, else the record's access token.

    Where the session has none for it, the access token that came with the record serves if it reads this workspace.
    Raises UpstreamError when neither does, or the session cannot be reached.
    """
    here = TokenSet(access_token=login.record.access_token, expires_at=login.expires_at)
    if not login.record.session_token or login.scope == account_id:
        return here
    try:
        answer = exchange(
            login.record.session_token,
            account_id=account_id,
            device_id=login.device_id,
            check=partial(_refuse_other_login, login),
            keep=lambda received: keep(replace(login.record, session_token=received)),
        )
        if answer.refusal is not None:
            raise answer.refusal
        if answer.account_id != account_id:
            raise UpstreamError(Failure.EXCHANGE_FAILED, code="wrong_workspace", op=Op.SESSION)
        if refused.is_dead(answer.tokens.access_token):
            raise UpstreamError(Failure.EXCHANGE_FAILED, code="same_token", op=Op.SESSION)
    except UpstreamError as error:
        if error.fault is Fault.NETWORK and error.failure not in NO_ANSWER_YET:
            raise
        # A token that was exchanged for another workspace is not used, whatever it can do.
        if login.is_exchanged or not _reads(login, account_id):
            raise
        return here
    return answer.tokens


def _reads(login: Login, account_id: str) -> bool:
    """Whether the record's own token works in this workspace, whatever it says it is for."""
    try:
        with Upstream(
            access_token=login.record.access_token, account_id=account_id, device_id=login.device_id
        ) as upstream:
            upstream.invites()
    except UpstreamError:
        return False
    return True


def choose(login: Login) -> tuple[Workspace, ...]:
    """The workspaces to bring in: the one the record names, else all this log-in administers. Raises Refused."""
    wanted = login.record.account_id
    named = [workspace for workspace in login.workspaces if workspace.account_id == wanted]
    if wanted and not any(workspace.structure == "personal" for workspace in named):
        chosen = [workspace for workspace in named if workspace.is_manageable]
    else:
        # A session copied while the personal account was open names that account: take all workspaces instead.
        chosen = [workspace for workspace in login.workspaces if workspace.is_manageable]
    if not chosen:
        raise Refused(NO_TEAM, email=login.email)
    return tuple(chosen)


def _claims(token: str) -> Claims | None:
    try:
        return read_claims(token) if token else None
    except NotAToken:
        return None


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known about an access token."""

    expires_at: datetime | None
    scope: str
    email: str
    user_id: str
    is_exchanged: bool = False


def _sources(attempt: _Attempt, claims: Claims | None) -> Iterator[Callable[[], _Found]]:
    record = attempt.record
    if record.access_token:
        yield partial(_given, claims)
    if record.session_token:
        yield partial(_exchange, attempt)
        is_another = attempt.record.access_token != record.access_token
        is_refused = attempt.dead is not None and attempt.dead.failure is Failure.TOKEN_REJECTED
        if is_another and is_refused and refused.claim_force_of(attempt.record.access_token):
            yield partial(_exchange_by_force, attempt)
    if record.refresh_token:
        yield partial(_refresh, attempt)


def _given(claims: Claims | None) -> _Found:
    if claims is None:
        return _Found(None, "", "", "")
    return _Found(claims.expires_at, claims.account_id, claims.email, claims.user_id)


def _exchange(attempt: _Attempt) -> _Found:
    """Ask the session; once more by force when it hands out the very token that was refused a moment ago."""
    refused_token = attempt.record.access_token
    answer = _ask_session(attempt)
    if answer.tokens.access_token == refused_token and refused.claim_force_of(refused_token):
        return _exchange_by_force(attempt)
    return _found(attempt, answer)


def _exchange_by_force(attempt: _Attempt) -> _Found:
    """Let the session replace the refused token of this record, then ask it again; the caller has claimed that."""
    sent = token_chain.newest(attempt.record.session_token)
    forced = refresh_session(
        sent,
        failed_token=attempt.record.access_token,
        account_id=attempt.record.account_id or None,
        device_id=attempt.device_id,
    )
    keep_session(forced, sent=sent, keep=attempt.keep_session)
    return _found(attempt, _ask_session(attempt))


def _found(attempt: _Attempt, answer: SessionAnswer) -> _Found:
    attempt.rotate(replace(attempt.record, access_token=answer.tokens.access_token))
    return _Found(answer.tokens.expires_at, answer.account_id, answer.email, answer.user_id, is_exchanged=True)


def _ask_session(attempt: _Attempt) -> SessionAnswer:
    record = attempt.record
    attempt.record = replace(record, session_token=token_chain.newest(record.session_token))
    answer = exchange(
        attempt.record.session_token,
        account_id=record.account_id,
        device_id=attempt.device_id,
        check=lambda answer: _refuse_other_email(record, answer.email),
        keep=attempt.keep_session,
    )
    if answer.refusal is not None:
        raise answer.refusal
    return answer


def _refresh(attempt: _Attempt) -> _Found:
    record, tokens = refresh(attempt.record, attempt.clients, attempt.keep)
    attempt.clients = (Client(record.client_id, Owner.Client.PROVEN),)
    attempt.rotate(replace(record, access_token=tokens.access_token))
    found = _given(_claims(tokens.access_token))
    return replace(found, expires_at=found.expires_at or tokens.expires_at)


def _with_token(attempt: _Attempt, found: _Found) -> Login:
    """Ask upstream with the token: the answer proves that the token works."""
    record = attempt.record
    email, user_id = found.email, found.user_id
    with Upstream(access_token=record.access_token, device_id=attempt.device_id) as upstream:
        if not email:
            identity = upstream.me()
            email, user_id = identity.email, user_id or identity.user_id
        _refuse_other_email(record, email)
        workspaces = upstream.account_check()
    return Login(
        email,
        user_id,
        record,
        attempt.device_id,
        found.expires_at,
        found.scope,
        found.is_exchanged,
        workspaces,
        clients=attempt.clients,
        is_session_proven=found.is_exchanged,
    )


def _is_somebody(attempt: _Attempt) -> bool:
    """After an unknown 401: does the token still tell who it is? (upstream §2.3)."""
    try:
        with Upstream(access_token=attempt.record.access_token, device_id=attempt.device_id) as upstream:
            upstream.me()
    except UpstreamError as error:
        return error.failure not in DEAD
    return True


def _refuse_other_login(login: Login, answer: SessionAnswer) -> None:
    """An exchange for one more workspace must still be of the same log-in."""
    if not answer.is_of(login.email):
        raise UpstreamError(Failure.IDENTITY_MISMATCH, op=Op.SESSION)


def _refuse_other_email(record: Record, email: str) -> None:
    if record.email and email and normalise_email(record.email) != email:
        raise Refused(EMAIL_MISMATCH, email=record.email)

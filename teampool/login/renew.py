"""Get a new access token for a Team whose token was refused; one refresh at a time per Owner (design §5)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from base import actors
from base.work import free
from teampool.login import doubt, refused, token_chain
from teampool.login.exchange import exchange, keep_session
from teampool.login.tokens import (
    drop_refresh_token,
    end_login,
    end_login_if_idle,
    expire_team,
    keep_rotated,
    refuse_client,
    store_tokens,
)
from teampool.models import Owner, RefusedToken, Team, TeamLogin
from teampool.upstream.claims import NotAToken, read_claims
from teampool.upstream.client import SessionAnswer, Upstream, refresh_session
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure, Fault, Identity, TokenSet
from teampool.upstream.web_session import (
    NO_TOKEN_AT_ALL,
    NO_TOKEN_HERE,
    NO_TOKEN_NOW,
    REASONS,
    SAME_TOKEN,
)

__all__ = ["CannotRenew", "renew", "store_tokens"]

ACTOR = actors.job("renew")
POLL_SECONDS = 0.2
# How long a caller waits for another process's refresh: one call, plus the writing around it.
_GRACE = timedelta(seconds=5)
OTHER_WORKSPACE = "the session answers for another workspace"
_BANNED = {"account_deactivated", "account_disabled"}


class CannotRenew(Exception):
    """No new token now. `is_permanent`: none will come until the owner signs in again.

    `is_refused_here`: the log-in works, and ChatGPT gives it no token for this very workspace. `failure`: what came
    instead of a token, where that tells more than the refusal of the old one. `retry_after`: how long it is not asked
    again.
    """

    def __init__(
        self,
        cause: str,
        *,
        is_permanent: bool,
        login: Owner.Login = Owner.Login.EXPIRED,
        is_refused_here: bool = False,
        failure: Failure | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(cause)
        self.cause = cause
        self.is_permanent = is_permanent
        self.login = login
        self.is_refused_here = is_refused_here
        self.failure = failure
        self.retry_after = retry_after


class _WrongClient(Exception):
    """Upstream refused the client id of the refresh token; written down already."""


class _NothingNew(CannotRenew):
    """The session lives, or may live, and has no other token for this workspace now."""

    def __init__(self, cause: str, failure: Failure, retry_after: timedelta | None = None) -> None:
        is_refused_here = failure is Failure.EXCHANGE_FAILED
        super().__init__(
            cause, is_permanent=False, is_refused_here=is_refused_here, failure=failure, retry_after=retry_after
        )


def renew(
    *,
    team_id: int,
    rejected_token: str,
    is_certain: bool = True,
    is_refused: bool = True,
    owner_id: int | None = None,
) -> str:
    """A token for this Team other than `rejected_token`, already stored. Raises CannotRenew.

    `owner_id`: the log-in that is to get it; None is the one in use. A spare log-in's token stands in its TeamLogin.
    Before a permanent failure is raised, its effect on the Owner and its Teams is written. Except when there is nothing
    to renew with and `is_certain` is False: then the token may still be good. `is_refused`: False when nothing speaks
    against the token and a new one is wanted ahead of time.
    """
    is_certain = is_certain and is_refused
    give_up_at = time.monotonic() + settings.UPSTREAM_TIMEOUT + _GRACE.total_seconds()
    while True:
        team = _load(team_id, owner_id)
        if stored := _other_token(team, rejected_token):
            return stored
        _refuse_if_hopeless(team, is_certain)
        lease = _take_lease(team.owner_id)
        if lease is not None:
            break
        if time.monotonic() > give_up_at:
            raise CannotRenew(
                "another refresh of this login is under way", is_permanent=False, failure=Failure.REFRESH_TRANSIENT
            )
        time.sleep(POLL_SECONDS)
    try:
        team = _load(team_id, owner_id)
        if stored := _other_token(team, rejected_token):
            return stored  # another process renewed it while we waited
        _refuse_if_hopeless(team, is_certain)
        return _renew(team, is_certain=is_certain, is_refused=is_refused and bool(rejected_token))
    finally:
        # Only our own lease: if we were slow, another process has a newer one.
        Owner.objects.filter(pk=team.owner_id, refresh_lease_until=lease).update(refresh_lease_until=None)


def _other_token(team: Team, rejected: str) -> str:
    stored: str = team.access_token
    return "" if stored == rejected else stored


def _load(team_id: int, owner_id: int | None) -> Team:
    """The Team with its log-in; with a spare log-in in its place, and that one's token, when it is to be renewed."""
    team = Team.objects.select_related("owner").get(pk=team_id)
    if owner_id is not None and owner_id != team.owner_id:
        spare = TeamLogin.objects.select_related("owner").get(team=team, owner=owner_id)
        team.owner, team.access_token, team.access_expires_at = spare.owner, spare.access_token, spare.access_expires_at
    return team


def lease() -> timedelta:
    """How long a refresh may hold a log-in."""
    # The session may be asked three times and whose its token is once, the refresh token once.
    return timedelta(seconds=5 * settings.UPSTREAM_TIMEOUT) + 4 * _GRACE


def _take_lease(owner_id: int) -> datetime | None:
    now = timezone.now()
    until = now + lease()
    owner = Owner.objects.filter(free(now, "refresh_lease_until"), pk=owner_id)
    return until if owner.update(refresh_lease_until=until) else None  # 0 rows: another process refreshes it


def _refuse_if_hopeless(team: Team, is_certain: bool) -> None:
    """Raise CannotRenew when there is nothing to renew with, or the log-in has ended.

    Unless `is_certain` is False, write first that the Team's token is dead.
    """
    owner = team.owner
    if owner.is_renewing:
        return
    cause = owner.login_problem or _lack(owner)
    login = Owner.Login.EXPIRED if owner.login == Owner.Login.OK else Owner.Login(owner.login)
    if not is_certain:
        raise CannotRenew(cause, is_permanent=True, login=login)
    version = owner.credential_version
    expire_team(team_id=team.pk, owner_id=owner.pk, version=version, login=login, cause=cause, actor=ACTOR)
    # A refresh token that only lacks its client id is kept, and its log-in goes on with the right id.
    if not (owner.can_renew or owner.refresh_token):
        end_login_if_idle(owner_id=owner.pk, version=version, cause=cause, actor=ACTOR)
    raise CannotRenew(cause, is_permanent=True, login=login)


def _lack(owner: Owner) -> str:
    """What the log-in lacks to renew itself."""
    if not owner.refresh_token:
        return "no session and no refresh token"
    return "wrong client id" if owner.client_id else "no client id for the refresh token"


def _renew(team: Team, *, is_certain: bool, is_refused: bool) -> str:
    """Renew under the lease. The session comes first: its token is for this very workspace."""
    failure: CannotRenew | None = None
    nothing_new: _NothingNew | None = None
    if team.owner.session_token:
        try:
            return _by_session(team, is_certain=is_certain, is_refused=is_refused)
        except _NothingNew as error:
            nothing_new = failure = error
        except CannotRenew as error:
            failure = error
            if not failure.is_permanent or failure.login == Owner.Login.DISABLED:
                _write_down(team, failure)
                raise failure from None
    if team.owner.can_refresh:
        try:
            return _by_refresh(team)
        except _WrongClient as error:
            # The token is kept: it ends nothing. Without a session there is nothing else to renew by.
            if failure is None:
                _refuse_if_hopeless(_load(team.pk, team.owner_id), is_certain)
                failure = CannotRenew(str(error), is_permanent=False, failure=Failure.REFRESH_TRANSIENT)
        except CannotRenew as error:
            failure = error
            if nothing_new is not None:
                # The session lives, so the log-in does. Drop the dead refresh token, so that it is never sent again.
                nothing_new.is_refused_here &= error.is_permanent
                failure = nothing_new
                if error.is_permanent and error.login == Owner.Login.EXPIRED:
                    owner = team.owner
                    drop_refresh_token(owner_id=owner.pk, sent=owner.refresh_token, cause=error.cause, actor=ACTOR)
    assert failure is not None  # noqa: S101 - `can_renew` was checked
    _write_down(team, failure)
    raise failure


def _write_down(team: Team, failure: CannotRenew) -> None:
    """End the log-in, unless an import stored new tokens meanwhile (`credential_version` differs then)."""
    if failure.is_permanent:
        version = team.owner.credential_version
        end_login(owner_id=team.owner_id, version=version, login=failure.login, cause=failure.cause, actor=ACTOR)


def _by_session(team: Team, *, is_certain: bool, is_refused: bool) -> str:
    """Ask the session for another token, and once for a refused one that it does not hand out the same again."""
    if left := doubt.wait_left(team.owner):
        raise _NothingNew(NO_TOKEN_NOW, Failure.SESSION_DOUBTFUL, left)
    row = refused.note(team, is_certain=is_certain) if is_refused else refused.find(team)
    if row is not None and (left := refused.wait_left(row)):
        raise _NothingNew(NO_TOKEN_HERE, Failure(row.problem), left)
    session = _Session(team, row)
    is_fresh = row is None or not row.calls
    if is_fresh and (stored := session.exchange()):
        return stored
    if row is not None and is_certain and row.calls < refused.MOST_CALLS:
        is_forced = refused.claim_force(row)
        if is_forced and (stored := session.force()):
            return stored
        if (is_forced or not is_fresh) and row.calls < refused.MOST_CALLS and (stored := session.exchange()):
            return stored
        refused.recount(row, refused.MOST_CALLS)
    raise _NothingNew(SAME_TOKEN, Failure.TOKEN_REPEATED)


class _Session:
    """The log-in's web session, asked in the place of one token of a Team; `row` counts that for a refused token.

    Both ways of asking return the new token, already stored, or "" when the session handed out a refused one.
    """

    def __init__(self, team: Team, row: RefusedToken | None) -> None:
        self.team = team
        self.owner = team.owner
        self.row = row
        self._reasons: tuple[str, ...] = REASONS
        self._calls_before = 0
        self._user_id = ""

    def exchange(self) -> str:
        most = refused.MOST_CALLS - (self.row.calls if self.row else 0)
        answer = self._ask(
            lambda: exchange(
                self.owner.session_token,
                account_id=self.team.account_id,
                device_id=str(self.owner.device_id),
                begin=self._begin,
                check=self._check,
                keep=self._keep,
                reasons=self._reasons[:most],
            )
        )
        if answer.account_id != self.team.account_id:
            # The right person, but another workspace: the next sync finds out whether they lost this one.
            self._take_back()
            raise self._put_off(Failure.EXCHANGE_FAILED, OTHER_WORKSPACE)
        return self._store(answer.tokens)

    def force(self) -> str:
        """Ask for a new token in place of the refused one."""
        answer = self._ask(self._force)
        return self._store(answer.tokens) if answer.account_id == self.team.account_id else ""

    def _force(self) -> SessionAnswer:
        self._begin()
        sent = token_chain.newest(self.owner.session_token)
        answer = refresh_session(
            sent,
            failed_token=self.team.access_token,
            account_id=self.team.account_id,
            device_id=str(self.owner.device_id),
        )
        self._check(answer)
        keep_session(answer, sent=sent, keep=self._keep)
        return answer

    def _ask(self, call: Callable[[], SessionAnswer]) -> SessionAnswer:
        """Make the call. Raises CannotRenew for every answer that the token in hand was not the reason of."""
        self._calls_before = self.row.calls if self.row else 0
        try:
            answer = call()
            if answer.refusal is not None:
                raise answer.refusal
        except UpstreamError as error:
            self._take_back()
            raise self._verdict(error) from None
        doubt.trust(self.owner)
        return answer

    def _verdict(self, error: UpstreamError) -> CannotRenew:
        match error.failure:
            case Failure.SESSION_DOUBTFUL:
                if doubt.strike(self.owner):
                    return CannotRenew(NO_TOKEN_AT_ALL, is_permanent=True)
                return _NothingNew(NO_TOKEN_NOW, error.failure, doubt.wait_left(self.owner))
            case Failure.EXCHANGE_FAILED:
                doubt.trust(self.owner)
                return self._put_off(error.failure, NO_TOKEN_HERE)
            case Failure.WORKSPACE_SUSPENDED | Failure.ACCESS_REMOVED:
                doubt.trust(self.owner)
                return CannotRenew(error.text or error.code, is_permanent=False, failure=error.failure)
            case Failure.EDGE_BLOCK | Failure.RATE_LIMITED:
                return CannotRenew(str(error), is_permanent=False, failure=error.failure, retry_after=error.retry_after)
        return _verdict(error)

    def _put_off(self, failure: Failure, cause: str) -> _NothingNew:
        if self.row is None:
            return _NothingNew(cause, failure)
        return _NothingNew(cause, failure, refused.put_off(self.row, failure))

    def _begin(self, reason: str = "") -> None:
        if self.row is not None:
            refused.count(self.row)
        # The last reason is the one that helped: the next exchange gives it at once.
        self._reasons = (reason,) if reason else self._reasons

    def _take_back(self) -> None:
        """The last calls told nothing of the token: they do not count."""
        if self.row is not None:
            refused.recount(self.row, self._calls_before)

    def _check(self, answer: SessionAnswer) -> None:
        """Another user's session must not get into this Owner: refuse it before any token is stored."""
        if answer.refusal is not None:
            if answer.email and answer.email != self.owner.email:
                raise answer.refusal
            return
        whose = _identity(answer.tokens, answer.email, answer.user_id, self.owner)
        _refuse_stranger(self.owner, whose)
        self._user_id = whose.user_id

    def _keep(self, received: str) -> None:
        _keep(self.owner, "session_token", received)

    def _store(self, tokens: TokenSet) -> str:
        if tokens.access_token == self.team.access_token or refused.is_dead(tokens.access_token):
            # ChatGPT returns the same token until it is nearly over, and sometimes although it is dead.
            return ""
        whose = Identity(user_id=self._user_id, email=self.owner.email)
        return _store(self.team, tokens, whose, source="session")


def _by_refresh(team: Team) -> str:
    """Refresh by OAuth: one token serves all Teams of the Owner."""
    owner = team.owner
    tokens = _spend(owner)
    try:
        whose = _identity(tokens, "", "", owner)
    except UpstreamError as error:
        raise _verdict(error) from None
    _refuse_stranger(owner, whose)
    stored = _store(team, tokens, whose, source="refresh token")
    others = Team.objects.filter(logins__owner=owner, archived_at=None).exclude(pk=team.pk)
    for other in others.order_by("pk"):
        other.owner = owner
        _store(other, tokens, whose, source="refresh token")
    return stored


def _spend(owner: Owner) -> TokenSet:
    """Exchange the stored refresh token; the new one is in the Owner's row on return."""
    while True:
        sent = owner.refresh_token
        Owner.objects.filter(pk=owner.pk).update(refresh_sent_at=timezone.now())
        try:
            is_guess = owner.client_state == Owner.Client.NAMED
            tokens = token_chain.spend(
                refresh_token=sent, client_id=owner.client_id, patience=_GRACE, is_guess=is_guess
            )
        except UpstreamError as error:
            if error.salvage is not None:
                _keep(owner, "refresh_token", token_chain.newest(sent))
            elif error.code != "outcome_unknown":
                # Otherwise `refresh_sent_at` stays: nobody knows whether this token was spent.
                Owner.objects.filter(pk=owner.pk).update(refresh_sent_at=None)
            if error.failure is Failure.REFRESH_REUSED:
                stored = Owner.objects.get(pk=owner.pk)
                if stored.refresh_token and stored.refresh_token != sent:
                    owner.refresh_token, owner.client_id = stored.refresh_token, stored.client_id
                    owner.client_state = stored.client_state
                    owner.credential_version = stored.credential_version
                    continue  # another process spent it and stored the next one: use that
            if error.failure is Failure.REFRESH_MISCONFIGURED:
                cause = str(error)
                refuse_client(owner_id=owner.pk, sent=sent, client_id=owner.client_id, cause=cause, actor=ACTOR)
                raise _WrongClient(cause) from None
            raise _verdict(error) from None
        _keep(owner, "refresh_token", tokens.refresh_token)
        return tokens


def _keep(owner: Owner, field: str, received: str) -> None:
    """Commit a rotated token, and note the `credential_version` this makes."""
    version = keep_rotated(owner_id=owner.pk, field=field, sent=getattr(owner, field), received=received)
    if version is not None:
        setattr(owner, field, received)
        owner.credential_version = version


def _identity(tokens: TokenSet, email: str, user_id: str, owner: Owner) -> Identity:
    """Whose tokens these are: from the answer, from the token itself, else by asking upstream."""
    try:
        claims = read_claims(tokens.access_token)
        email, user_id = email or claims.email, user_id or claims.user_id
    except NotAToken:
        pass
    if email:
        return Identity(user_id=user_id, email=email)
    with Upstream(access_token=tokens.access_token, device_id=str(owner.device_id)) as upstream:
        return upstream.me()


def _refuse_stranger(owner: Owner, whose: Identity) -> None:
    is_other_user = bool(owner.upstream_user_id and whose.user_id and whose.user_id != owner.upstream_user_id)
    if is_other_user or whose.email != owner.email:
        raise CannotRenew("the new token belongs to someone else", is_permanent=True, login=Owner.Login.MISMATCH)


def _store(team: Team, tokens: TokenSet, whose: Identity, *, source: str) -> str:
    """Store the token and return it as stored: another one, if an import stored a newer one meanwhile."""
    store_tokens(
        owner_id=team.owner_id,
        team_id=team.pk,
        access_token=tokens.access_token,
        access_expires_at=tokens.expires_at,
        user_id=whose.user_id,
        source=source,
        actor=ACTOR,
    )
    stored: str = _load(team.pk, team.owner_id).access_token
    return stored


def _verdict(error: UpstreamError) -> CannotRenew:
    if error.fault is Fault.NETWORK and error.failure is not Failure.UNKNOWN_401:
        # Trouble on the way says nothing of the log-in: the Team waits, and nothing is counted.
        return CannotRenew(
            str(error), is_permanent=False, failure=Failure.REFRESH_TRANSIENT, retry_after=error.retry_after
        )
    is_banned = error.failure is Failure.USER_DEACTIVATED or error.code in _BANNED
    return CannotRenew(
        str(error),
        is_permanent=is_banned or error.failure in {Failure.REFRESH_PERMANENT, Failure.REFRESH_REUSED},
        login=Owner.Login.DISABLED if is_banned else Owner.Login.EXPIRED,
    )

"""Renew a Team's token by the log-in's web session (upstream §11)."""

from __future__ import annotations

from collections.abc import Callable

from teampool.login import doubt, refused, token_chain
from teampool.login.exchange import exchange, keep_session
from teampool.login.renewed import CannotRenew, NothingNew, identity_of, keep_newest, refuse_stranger, store, verdict
from teampool.models import RefusedToken, Team
from teampool.upstream.client import SessionAnswer, refresh_session
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure, Identity, TokenSet
from teampool.upstream.web_session import NO_TOKEN_AT_ALL, NO_TOKEN_HERE, NO_TOKEN_NOW, REASONS, SAME_TOKEN

OTHER_WORKSPACE = "the session answers for another workspace"


def by_session(team: Team, *, is_certain: bool, is_refused: bool) -> str:
    """Ask the session for another token, and once for a refused one that it does not hand out the same again."""
    if left := doubt.wait_left(team.owner):
        raise NothingNew(NO_TOKEN_NOW, Failure.SESSION_DOUBTFUL, left)
    row = refused.note(team, is_certain=is_certain) if is_refused else refused.find(team)
    if row is not None and (left := refused.wait_left(row)):
        raise NothingNew(NO_TOKEN_HERE, Failure(row.problem), left)
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
    raise NothingNew(SAME_TOKEN, Failure.TOKEN_REPEATED)


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
                return NothingNew(NO_TOKEN_NOW, error.failure, doubt.wait_left(self.owner))
            case Failure.EXCHANGE_FAILED:
                doubt.trust(self.owner)
                return self._put_off(error.failure, NO_TOKEN_HERE)
            case Failure.WORKSPACE_SUSPENDED | Failure.ACCESS_REMOVED:
                doubt.trust(self.owner)
                return CannotRenew(error.text or error.code, is_permanent=False, failure=error.failure)
            case Failure.EDGE_BLOCK | Failure.RATE_LIMITED:
                return CannotRenew(str(error), is_permanent=False, failure=error.failure, retry_after=error.retry_after)
        return verdict(error)

    def _put_off(self, failure: Failure, cause: str) -> NothingNew:
        if self.row is None:
            return NothingNew(cause, failure)
        return NothingNew(cause, failure, refused.put_off(self.row, failure))

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
            if not answer.is_of(self.owner.email):
                raise answer.refusal
            return
        whose = identity_of(answer.tokens, answer.email, answer.user_id, self.owner)
        refuse_stranger(self.owner, whose)
        self._user_id = whose.user_id

    def _keep(self, received: str) -> None:
        keep_newest(self.owner, "session_token", received)

    def _store(self, tokens: TokenSet) -> str:
        if tokens.access_token == self.team.access_token or refused.is_dead(tokens.access_token):
            # ChatGPT returns the same token until it is nearly over, and sometimes although it is dead.
            return ""
        whose = Identity(user_id=self._user_id, email=self.owner.email)
        return store(self.team, tokens, whose, source="session")

"""What a renewal by session or by refresh token comes to: whose token it is, stored, or why there is none."""

from __future__ import annotations

from datetime import timedelta

from base import actors
from teampool.login.tokens import keep_rotated, store_tokens
from teampool.models import Owner, Team, TeamLogin
from teampool.upstream.claims import NotAToken, read_claims
from teampool.upstream.client import Upstream
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure, Fault, Identity, TokenSet

ACTOR = actors.job("renew")
# How long a caller waits for another process's refresh: one call, plus the writing around it.
GRACE = timedelta(seconds=5)
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


class WrongClient(Exception):
    """Upstream refused the client id of the refresh token; written down already."""


class NothingNew(CannotRenew):
    """The session lives, or may live, and has no other token for this workspace now."""

    def __init__(self, cause: str, failure: Failure, retry_after: timedelta | None = None) -> None:
        is_refused_here = failure is Failure.EXCHANGE_FAILED
        super().__init__(
            cause, is_permanent=False, is_refused_here=is_refused_here, failure=failure, retry_after=retry_after
        )


def load(team_id: int, owner_id: int | None) -> Team:
    """The Team with its log-in; with a spare log-in in its place, and that one's token, when it is to be renewed."""
    team = Team.objects.select_related("owner").get(pk=team_id)
    if owner_id is not None and owner_id != team.owner_id:
        spare = TeamLogin.objects.select_related("owner").get(team=team, owner=owner_id)
        team.owner, team.access_token, team.access_expires_at = spare.owner, spare.access_token, spare.access_expires_at
    return team


def keep_newest(owner: Owner, field: str, received: str) -> None:
    """Commit a rotated token, and note the `credential_version` this makes."""
    version = keep_rotated(owner_id=owner.pk, field=field, sent=getattr(owner, field), received=received)
    if version is not None:
        setattr(owner, field, received)
        owner.credential_version = version


def identity_of(tokens: TokenSet, email: str, user_id: str, owner: Owner) -> Identity:
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


def refuse_stranger(owner: Owner, whose: Identity) -> None:
    is_other_user = bool(owner.upstream_user_id and whose.user_id and whose.user_id != owner.upstream_user_id)
    if is_other_user or whose.email != owner.email:
        raise CannotRenew("the new token belongs to someone else", is_permanent=True, login=Owner.Login.MISMATCH)


def store(team: Team, tokens: TokenSet, whose: Identity, *, source: str) -> str:
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
    stored: str = load(team.pk, team.owner_id).access_token
    return stored


def verdict(error: UpstreamError) -> CannotRenew:
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

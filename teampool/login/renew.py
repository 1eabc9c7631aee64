"""Get a new access token for a Team whose token was refused; one refresh at a time per Owner (design §5)."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from base.work import free
from teampool.login.by_refresh import by_refresh
from teampool.login.by_session import by_session
from teampool.login.renewed import ACTOR, GRACE, CannotRenew, NothingNew, WrongClient, load
from teampool.login.tokens import drop_refresh_token, end_login, end_login_if_idle, expire_team
from teampool.models import Owner, Team
from teampool.upstream.types import Failure

__all__ = ["CannotRenew", "renew"]

POLL_SECONDS = 0.2


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
    give_up_at = time.monotonic() + settings.UPSTREAM_TIMEOUT + GRACE.total_seconds()
    while True:
        team = load(team_id, owner_id)
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
        team = load(team_id, owner_id)
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


def lease() -> timedelta:
    """How long a refresh may hold a log-in."""
    # The session may be asked three times and whose its token is once, the refresh token once.
    return timedelta(seconds=5 * settings.UPSTREAM_TIMEOUT) + 4 * GRACE


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
    nothing_new: NothingNew | None = None
    if team.owner.session_token:
        try:
            return by_session(team, is_certain=is_certain, is_refused=is_refused)
        except NothingNew as error:
            nothing_new = failure = error
        except CannotRenew as error:
            failure = error
            if not failure.is_permanent or failure.login == Owner.Login.DISABLED:
                _write_down(team, failure)
                raise failure from None
    if team.owner.can_refresh:
        try:
            return by_refresh(team)
        except WrongClient as error:
            # The token is kept: it ends nothing. Without a session there is nothing else to renew by.
            if failure is None:
                _refuse_if_hopeless(load(team.pk, team.owner_id), is_certain)
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

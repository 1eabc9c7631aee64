"""The only writer of stored tokens, and of what a dead log-in does to its Teams.

Lock the Owner's row before the Team's, with `no_key=True`. Saving a Team makes PostgreSQL take FOR KEY SHARE on its
Owner (the foreign key), which would deadlock against a full FOR UPDATE. Every write of a token raises
`credential_version`, so that a failure of an older token no longer counts (design §5).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from base.actors import Actor
from notifications.audit import events
from notifications.settings.runtime import IS_SET
from teampool import bells
from teampool.login import token_chain
from teampool.models import Owner, Team, TeamLogin
from teampool.pool import stock_alert
from teampool.teams.health import has_spare, note_refused, stopped_by, welcome

# What an import of new tokens clears; the other problems are about access and role.
_OF_THE_TOKEN = (TeamLogin.Problem.TOKEN_REFUSED, TeamLogin.Problem.EXCHANGE_REFUSED)


def store_tokens(
    *,
    owner_id: int,
    team_id: int | None = None,
    access_token: str = "",
    access_expires_at: datetime | None = None,
    refresh_token: str = "",
    session_token: str = "",
    client_id: str = "",
    client_state: str = Owner.Client.GIVEN,
    is_session_proven: bool = False,
    user_id: str = "",
    source: str,
    actor: Actor,
) -> None:
    """Store the given tokens; an empty one erases nothing. An access token for `team_id` also revives that Team.

    A Team that another log-in leads keeps the token it uses: this one is kept beside it.

    Nothing that works gives way to something untried: a refresh token takes the place of a usable one only when its
    `client_state` is PROVEN, a session only with `is_session_proven`; unless the log-in has ended. A refresh token is
    stored with its own client id, or without one. The caller has checked whose tokens these are. A Team whose token had
    expired takes nobody until it was read with the new one.
    """
    with transaction.atomic():
        owner = Owner.objects.select_for_update(no_key=True).get(pk=owner_id)
        changes: dict[str, Any] = {"upstream_user_id": user_id} if user_id else {}
        if _takes_the_place(owner, owner.session_token, session_token, is_proven=is_session_proven):
            changes["session_token"] = session_token
        pair = {"refresh_token": refresh_token}
        if client_id or token_chain.newest(owner.refresh_token) != refresh_token:
            pair |= {"client_id": client_id, "client_state": client_state}
        in_use = owner.refresh_token if owner.can_refresh else ""
        if _takes_the_place(owner, in_use, refresh_token, is_proven=client_state == Owner.Client.PROVEN):
            changes |= pair
        if "session_token" in changes and (is_session_proven or session_token != owner.session_token):
            changes["doubted_at"] = None
        if owner.login != Owner.Login.OK and (access_token or refresh_token or session_token):
            dead = _found_dead(owner, changes)
            changes |= dead | {"login": Owner.Login.OK, "login_problem": "", "login_ended_at": None}
            dropped = [name for name in ("session_token", "refresh_token") if name in dead]
            events.owner_changed(
                subject=owner.subject,
                before={"login": owner.login} | dict.fromkeys(dropped, IS_SET),
                after={"login": str(Owner.Login.OK)} | dict.fromkeys(dropped, ""),
                actor=actor,
                cause=source,
            )
        Owner.objects.filter(pk=owner_id).update(credential_version=F("credential_version") + 1, **changes)
        if team_id is not None and access_token:
            team = Team.objects.select_for_update(no_key=True).get(pk=team_id)
            if team.owner_id == owner_id:
                _store_access(team, access_token, access_expires_at, source=source, actor=actor)
            else:
                spare = TeamLogin.objects.filter(team=team, owner_id=owner_id)
                spare.update(access_token=access_token, access_expires_at=access_expires_at)
        if refresh_token or session_token:  # another means: what Teams refused was an older one's token
            # After the Team's lock: whoever notes a refusal holds that lock, and waits for one of these rows.
            welcome(TeamLogin.objects.filter(owner_id=owner_id, problem__in=_OF_THE_TOKEN))


def _found_dead(owner: Owner, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that empty what ended this log-in and is not replaced now: it would only seem to renew itself.

    `login_ended_at` is empty where an older version ended it, perhaps for a hiccup: nothing is dropped then.
    """
    dead: dict[str, Any] = {}
    if owner.login == Owner.Login.EXPIRED and owner.login_ended_at is not None:
        if owner.session_token and "session_token" not in changes:
            dead |= {"session_token": "", "doubted_at": None}
        if owner.can_refresh and "refresh_token" not in changes:
            dead |= {"refresh_token": "", "client_id": "", "client_state": Owner.Client.GIVEN}
    return dead


def _takes_the_place(owner: Owner, stored: str, given: str, *, is_proven: bool) -> bool:
    """Whether a given token is stored in the place of `stored`, which may be empty."""
    if not given:
        return False
    return is_proven or not stored or owner.login != Owner.Login.OK or token_chain.newest(stored) == given != stored


def _store_access(team: Team, token: str, expires_at: datetime | None, *, source: str, actor: Actor) -> None:
    changes: dict[str, Any] = {
        "access_token": token,
        "access_expires_at": expires_at,
        "failures": 0,
        "look_failures": 0,
        "look_failures_since": None,
    }
    if team.token_state != Team.Token.HEALTHY:
        changes |= {"token_state": Team.Token.HEALTHY, "state_reason": ""}
        if team.opened_at is not None:
            changes["opened_at"] = timezone.now()
            bells.sync_team(team.pk)
        events.team_changed(
            subject=team.subject,
            before={"token_state": team.token_state},
            after={"token_state": str(Team.Token.HEALTHY)},
            actor=actor,
            cause=source,
        )
    Team.objects.filter(pk=team.pk).update(**changes)
    welcome(TeamLogin.objects.filter(team=team, owner_id=team.owner_id, problem__in=_OF_THE_TOKEN))
    events.token_renewed(subject=team.subject, source=source, actor=actor)


def keep_rotated(*, owner_id: int, field: str, sent: str, received: str) -> int | None:
    """Replace the refresh or session token `sent` by its successor `received`.

    Durable: commit before anybody uses the access token that came with it. Returns the new `credential_version`, or
    None when another token was stored meanwhile; that one is newer and stays.
    """
    with transaction.atomic(durable=True):
        owner = Owner.objects.select_for_update(no_key=True).get(pk=owner_id)
        if getattr(owner, field) != sent:
            return None
        version = owner.credential_version + 1
        changes: dict[str, Any] = {field: received, "credential_version": version}
        if field == "refresh_token":
            changes |= {"refresh_sent_at": None, "client_state": Owner.Client.PROVEN}
        Owner.objects.filter(pk=owner_id).update(**changes)
        return version


def drop_refresh_token(*, owner_id: int, sent: str, cause: str, actor: Actor) -> None:
    """Delete a refresh token that upstream will never accept again, unless another was stored meanwhile.

    Its client id goes too: the next token may belong to another client.
    """
    with transaction.atomic():
        owner = Owner.objects.select_for_update(no_key=True).get(pk=owner_id)
        if owner.refresh_token != sent:
            return
        Owner.objects.filter(pk=owner_id).update(
            refresh_token="",
            client_id="",
            client_state=Owner.Client.GIVEN,
            credential_version=F("credential_version") + 1,
        )
        events.owner_changed(
            subject=owner.subject,
            before={"refresh_token": IS_SET},
            after={"refresh_token": ""},
            actor=actor,
            cause=cause,
        )


def refuse_client(*, owner_id: int, sent: str, client_id: str, cause: str, actor: Actor) -> None:
    """Upstream refused this client id for this refresh token: keep the token, and do not send it under this id again.

    Does nothing when another token or client id was stored meanwhile.
    """
    with transaction.atomic():
        owner = Owner.objects.select_for_update(no_key=True).get(pk=owner_id)
        if (owner.refresh_token, owner.client_id) != (sent, client_id) or owner.client_state == Owner.Client.WRONG:
            return
        Owner.objects.filter(pk=owner_id).update(client_state=Owner.Client.WRONG)
        events.owner_changed(
            subject=owner.subject,
            before={"client_state": owner.client_state},
            after={"client_state": str(Owner.Client.WRONG)},
            actor=actor,
            cause=cause,
        )


def end_login(*, owner_id: int, version: int, login: Owner.Login, cause: str, actor: Actor) -> None:
    """The log-in can no longer renew its tokens: its Teams take nobody new, unless another log-in takes them over.

    Does nothing unless `version` is still stored. If we are killed half-way, the remaining Teams expire at their own
    next refused call.
    """
    with transaction.atomic():
        owner = Owner.objects.select_for_update(no_key=True).get(pk=owner_id)
        if owner.credential_version != version:
            return
        teams = Team.objects.filter(owner_id=owner_id, archived_at=None, token_state=Team.Token.HEALTHY)
        others = successors(teams)
        is_told = _set_login(owner, login, cause=cause, actor=actor, teams=teams.count() - len(others), others=others)
        if others:
            bells.take_over()
    # One transaction per Team: a transaction never locks two.
    for team_id in teams.exclude(pk__in=others).order_by("pk").values_list("pk", flat=True):
        expire_team(
            team_id=team_id,
            owner_id=owner_id,
            version=version,
            login=login,
            cause=cause,
            actor=actor,
            is_known=is_told,
        )


def expire_team(
    *, team_id: int, owner_id: int, version: int, login: Owner.Login, cause: str, actor: Actor, is_known: bool = False
) -> None:
    """This Team's token is dead until a new one comes. Does nothing unless the owner's `version` is still stored.

    While another log-in is able to lead the Team, only what stands against this one is written (`login/take_over.py`).

    `is_known`: the operators were already told that the log-in ended.
    """
    state = Team.Token.DISABLED if login == Owner.Login.DISABLED else Team.Token.EXPIRED
    with transaction.atomic():
        team = Team.objects.select_for_update(of=("self",), no_key=True).get(pk=team_id)
        # Read the owner after the lock: a row joined to a query that waited for a lock may be outdated.
        is_current = team.owner_id == owner_id and team.owner.credential_version == version
        if not is_current or team.token_state != Team.Token.HEALTHY:
            return
        note_refused(team_id, owner_id, TeamLogin.Problem.TOKEN_REFUSED, timezone.now())
        if has_spare(team, timezone.now()):
            bells.take_over()
            return
        Team.objects.filter(pk=team_id).update(token_state=state, state_reason=cause[:200])
        stock_alert.ring()
        events.team_changed(
            subject=team.subject,
            before={"token_state": team.token_state},
            after={"token_state": str(state)},
            actor=actor,
            cause=cause,
            is_known=is_known,
            owner=team.owner.email,
            teams=stopped_by(team.owner_id),
        )


def end_login_if_idle(*, owner_id: int, version: int, cause: str, actor: Actor) -> None:
    """End a log-in that cannot renew, once no Team has a working token of it."""
    with transaction.atomic():
        owner = Owner.objects.select_for_update(no_key=True).get(pk=owner_id)
        refused = TeamLogin.objects.filter(owner_id=owner_id).exclude(problem=TeamLogin.Problem.NONE).values("team")
        led = Team.objects.filter(owner_id=owner_id, archived_at=None)
        living = led.filter(token_state=Team.Token.HEALTHY).exclude(pk__in=refused)
        spare = TeamLogin.objects.filter(owner_id=owner_id).spare().able(timezone.now())
        if owner.credential_version == version and not living.exists() and not spare.exists():
            others = successors(led)
            stopped = led.count() - len(others)
            _set_login(owner, Owner.Login.EXPIRED, cause=cause, actor=actor, teams=stopped, others=others)


def resume_login(*, owner_id: int, actor: Actor) -> None:
    """Resume a log-in that cannot renew: a token of one of its Teams was just seen to work."""
    with transaction.atomic():
        owner = Owner.objects.select_for_update(no_key=True).get(pk=owner_id)
        living = Team.objects.filter(owner_id=owner_id, archived_at=None, token_state=Team.Token.HEALTHY)
        if owner.login == Owner.Login.EXPIRED and not owner.can_renew and living.exists():
            _set_login(owner, Owner.Login.OK, cause="a complete snapshot was read", actor=actor)


def successors(teams: QuerySet[Team]) -> dict[int, str]:
    """Who is to lead each of these Teams next, by its id: the e-mail of the best able spare log-in."""
    spare = TeamLogin.objects.filter(team__in=teams).spare().able(timezone.now()).in_order_of_choice()
    found: dict[int, str] = {}
    for team_id, email in spare.values_list("team_id", "owner__email"):
        found.setdefault(team_id, email)
    return found


def _set_login(
    owner: Owner,
    login: Owner.Login,
    *,
    cause: str,
    actor: Actor,
    teams: int = 0,
    others: Mapping[int, str] | None = None,
) -> bool:
    """Write the log-in's state; False when it had it already.

    `teams`: how many take nobody new from now on. `others`: who is to lead the rest, by Team.
    """
    if owner.login == login:
        return False
    ended: dict[str, Any] = {"login_problem": "", "login_ended_at": None}
    if login != Owner.Login.OK:
        ended = {"login_problem": cause[:200], "login_ended_at": timezone.now()}
    Owner.objects.filter(pk=owner.pk).update(login=login, **ended)
    events.owner_changed(
        subject=owner.subject,
        before={"login": owner.login},
        after={"login": str(login)},
        actor=actor,
        cause=cause,
        teams=teams,
        others=sorted((others or {}).values()),
    )
    return True

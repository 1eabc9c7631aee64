"""What a failed call means for the Team and its log-in (upstream §14.1); the states stand in `models/teams.py`.

Only faults of the Team or of the token count. Network trouble changes nothing, a block page only sets a cool-down.
Failures of a token count only while it is stored. An unknown 401 counts, and sets a cool-down, so that the next person
does not run into it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from base.actors import Actor
from notifications.audit import events
from teampool.models import Owner, Team, TeamLogin
from teampool.pool import stock_alert
from teampool.settings import FAILURES_TO_EXPIRE
from teampool.teams import look_again
from teampool.upstream.types import Failure

LOOKS_WITHIN = timedelta(minutes=10)
MOST_LOOK_FAILURES = 3
GHOSTS_TO_RESTRICT = 3
RESTRICTED_FOR = timedelta(hours=24)
BLOCKED_FOR = timedelta(minutes=5)
SLOW_DOWN_FOR = timedelta(minutes=1)
LONGEST_COOLDOWN = timedelta(minutes=15)

_WORKSPACE = {
    Failure.WORKSPACE_SUSPENDED: Team.Workspace.SUSPENDED,
    Failure.WORKSPACE_DELINQUENT: Team.Workspace.DELINQUENT,
    Failure.WORKSPACE_NOT_FOUND: Team.Workspace.ACCESS_LOST,
    Failure.ACCESS_REMOVED: Team.Workspace.ACCESS_LOST,
    Failure.PERMISSION_DENIED: Team.Workspace.INSUFFICIENT_ROLE,
}
# Failures of one log-in: another admin's may have the access or role that this one lacks.
_OF_THE_LOGIN = {Failure.WORKSPACE_NOT_FOUND, Failure.ACCESS_REMOVED, Failure.PERMISSION_DENIED}
_PROBLEMS = {
    Failure.WORKSPACE_NOT_FOUND: TeamLogin.Problem.ACCESS_LOST,
    Failure.ACCESS_REMOVED: TeamLogin.Problem.ACCESS_LOST,
    Failure.PERMISSION_DENIED: TeamLogin.Problem.ROLE_TOO_LOW,
}
OF_THE_WORKSPACE = frozenset(_PROBLEMS.values())
_COUNTED = {
    Failure.TOKEN_REJECTED,
    Failure.TOKEN_REPEATED,
    Failure.UNKNOWN_401,
    Failure.IDENTITY_MISMATCH,
    Failure.REFRESH_REUSED,
}
# The token is dead and the log-in may bring another soon: until then nobody is sent there, and nothing ends.
_WAITING = {Failure.SESSION_DOUBTFUL, Failure.EXCHANGE_FAILED, Failure.REFRESH_TRANSIENT}


def note_success(team: Team, *, is_look: bool = False) -> None:
    """A call worked: reset the failure count of its kind. No query when the count is 0."""
    if is_look and team.look_failures:
        Team.objects.filter(pk=team.pk).update(look_failures=0, look_failures_since=None)
        team.look_failures = 0
    elif not is_look and team.failures:
        Team.objects.filter(pk=team.pk).update(failures=0)
        team.failures = 0


def note_failure(
    *,
    team: Team,
    failure: Failure,
    version: int,
    now: datetime,
    actor: Actor,
    text: str = "",
    retry_after: timedelta | None = None,
    is_look: bool = False,
) -> bool:
    """Write what `failure` says about the Team. `team` is as it was at the call, `version` the credential used then.

    True: the log-in in use has ended for this Team, and another is able to lead. Only that is written then: what one
    log-in may not do says nothing of the Team (`login/take_over.py`).

    `is_look`: a list was read. Such failures count separately (more than 3 in 10 minutes), never with other calls.
    """
    with transaction.atomic():
        # Read the owner after the lock: a row joined to a query that waited for a lock may be outdated.
        current = Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        is_same_login = current.owner_id == team.owner_id
        if failure in _OF_THE_LOGIN and not is_same_login:
            return False
        is_current = is_same_login and current.owner.credential_version == version
        if failure is Failure.UNKNOWN_401 and team.token_state == Team.Token.HEALTHY:
            _count_on(current, team)
        changes = _changes(current, failure, is_current=is_current, now=now, retry_after=retry_after, is_look=is_look)
        problem = _PROBLEMS.get(failure) if failure in _OF_THE_LOGIN else None
        if "token_state" in changes:
            problem = TeamLogin.Problem.TOKEN_REFUSED
        if problem is not None:
            note_refused(team.pk, current.owner_id, problem, now)
            if has_spare(current, now):
                return True
        if not changes:
            return False
        _write(current, changes, cause=text or failure.value, now=now, actor=actor)
    return False


def _write(team: Team, changes: dict[str, Any], *, cause: str, now: datetime, actor: Actor) -> None:
    """Write these columns of the Team, whose lock the caller holds; a new state is an event with its cause."""
    reported = [key for key in ("workspace_state", "token_state") if key in changes]
    before: dict[str, Any] = {key: getattr(team, key) for key in reported}
    if reported:
        changes["state_reason"] = cause[:200]
    changes |= look_again.begins(team, changes, now=now)
    Team.objects.filter(pk=team.pk).update(**changes)
    if reported or "upstream_full_at" in changes:
        stock_alert.ring()
    if reported:
        events.team_changed(
            subject=team.subject,
            before=before,
            after={key: str(changes[key]) for key in reported},
            actor=actor,
            cause=changes["state_reason"],
            people=team.seats_held,
            owner=team.owner.email,
            teams=stopped_by(team.owner_id),
        )


def has_spare(team: Team, now: datetime) -> bool:
    """True while another log-in than the one in use is able to lead this Team."""
    return TeamLogin.objects.filter(team=team).exclude(owner=team.owner_id).able(now).exists()


def note_refused(team_id: int, owner_id: int, problem: TeamLogin.Problem, now: datetime) -> None:
    """What this Team refuses this log-in from now on; it is kept with the time it began."""
    row, _is_new = TeamLogin.objects.get_or_create(team_id=team_id, owner_id=owner_id)
    TeamLogin.objects.filter(pk=row.pk).exclude(problem=problem).update(problem=problem, problem_since=now)


def welcome(logins: QuerySet[TeamLogin]) -> None:
    """Nothing stands against these log-ins any more."""
    logins.exclude(problem=TeamLogin.Problem.NONE).update(problem=TeamLogin.Problem.NONE, problem_since=None)


def say_nobody_leads(*, team_id: int, actor: Actor) -> None:
    """Each log-in of this Team was tried: write what stands against the one in use as the Team's state.

    The role too low of one log-in outweighs the lost access of others: a workspace one of ours is still in is not lost,
    and its people are not seated elsewhere. Does nothing when a log-in is able to lead after all.
    """
    with transaction.atomic():
        team = Team.objects.select_for_update(of=("self",), no_key=True).select_related("owner").get(pk=team_id)
        logins = TeamLogin.objects.filter(team=team)
        problem = logins.filter(owner=team.owner_id).values_list("problem", flat=True).first()
        now = timezone.now()
        if not problem or has_spare(team, now):
            return
        changes: dict[str, Any] = {}
        if problem in OF_THE_WORKSPACE:
            state = _mildest(team, Team.Workspace(problem))
            if team.workspace_state != state:
                changes = {"workspace_state": state}
        elif team.token_state == Team.Token.HEALTHY:
            changes = {"token_state": Team.Token.EXPIRED}
        if changes:
            _write(team, changes, cause=problem, now=now, actor=actor)


def _mildest(team: Team, state: Team.Workspace) -> Team.Workspace:
    low = TeamLogin.objects.filter(team=team, problem=TeamLogin.Problem.ROLE_TOO_LOW, owner__login=Owner.Login.OK)
    is_in = state == Team.Workspace.ACCESS_LOST and low.exists()
    return Team.Workspace.INSUFFICIENT_ROLE if is_in else state


def stopped_by(owner_id: int) -> int:
    """How many Teams of this owner take nobody new because their token ended."""
    return Team.objects.filter(owner_id=owner_id, archived_at=None).exclude(token_state=Team.Token.HEALTHY).count()


def _changes(
    team: Team, failure: Failure, *, is_current: bool, now: datetime, retry_after: timedelta | None, is_look: bool
) -> dict[str, Any]:
    if failure in _WORKSPACE:
        state = _mildest(team, _WORKSPACE[failure])
        return {} if team.workspace_state == state else {"workspace_state": state}
    if failure is Failure.SEATS_FULL:
        return {"upstream_full_at": now}
    if failure is Failure.RATE_LIMITED or failure in _WAITING:
        wait = min(max(retry_after or SLOW_DOWN_FOR, timedelta(seconds=1)), LONGEST_COOLDOWN)
        return {"cooldown_until": now + wait}
    if failure is Failure.EDGE_BLOCK:
        return {"cooldown_until": now + BLOCKED_FOR}
    if not is_current:
        return {}  # a late answer to an old token says nothing about the new one
    if failure is Failure.USER_DEACTIVATED:
        return {} if team.token_state == Team.Token.DISABLED else {"token_state": Team.Token.DISABLED}
    if failure not in _COUNTED:
        return {}
    changes: dict[str, Any] = _one_look_more(team, now) if is_look else {"failures": team.failures + 1}
    if failure is Failure.UNKNOWN_401:
        changes["cooldown_until"] = now + BLOCKED_FOR
    is_over = (
        changes["look_failures"] > MOST_LOOK_FAILURES if is_look else changes["failures"] >= FAILURES_TO_EXPIRE.get()
    )
    if is_over and team.token_state == Team.Token.HEALTHY:
        changes["token_state"] = Team.Token.EXPIRED
    return changes


def _count_on(current: Team, team: Team) -> None:
    """Continue the old count when a renewed token, whose counters were reset, meets the same failure."""
    current.failures = max(current.failures, team.failures)
    if team.look_failures > current.look_failures:
        current.look_failures, current.look_failures_since = team.look_failures, team.look_failures_since


def _one_look_more(team: Team, now: datetime) -> dict[str, Any]:
    since = team.look_failures_since
    if since is not None and team.cooldown_until is not None:
        since = max(since, team.cooldown_until)  # during a cool-down nobody reads the lists
    if since is None or now - since > LOOKS_WITHIN:
        return {"look_failures": 1, "look_failures_since": now}
    return {"look_failures": team.look_failures + 1, "look_failures_since": team.look_failures_since}


def note_ghost(*, team_id: int, now: datetime, actor: Actor) -> None:
    """ChatGPT accepted an invitation and never listed it; after the third in a row the Team takes nobody for a day."""
    with transaction.atomic():
        team = Team.objects.select_for_update(of=("self",), no_key=True).get(pk=team_id)
        changes: dict[str, Any] = {"ghosts": team.ghosts + 1}
        if changes["ghosts"] >= GHOSTS_TO_RESTRICT and team.workspace_state == Team.Workspace.ACTIVE:
            changes |= {
                "workspace_state": Team.Workspace.RESTRICTED,
                "restricted_at": now,
                "state_reason": "invitations are accepted and never listed",
            }
        Team.objects.filter(pk=team_id).update(**changes)
        if "workspace_state" in changes:
            stock_alert.ring()
            events.team_changed(
                subject=team.subject,
                before={"workspace_state": Team.Workspace.ACTIVE.value},
                after={"workspace_state": Team.Workspace.RESTRICTED.value},
                actor=actor,
                cause=changes["state_reason"],
            )


def note_listed(team: Team) -> None:
    """An invitation was listed: reset the count of ghosts."""
    if team.ghosts:
        Team.objects.filter(pk=team.pk).update(ghosts=0)


def revive(*, team: Team, started_at: datetime, is_manager: bool, is_paid: bool, actor: Actor) -> None:
    """A complete snapshot was read: end the states it disproves. The caller holds the Team's lock.

    `opened_at` becomes the snapshot's start, so that the Team takes people by this snapshot.
    """
    after: dict[str, Any] = {}
    if team.token_state == Team.Token.EXPIRED:
        after["token_state"] = Team.Token.HEALTHY
    curable = set(Team.LOST)
    if is_manager:
        curable.add(Team.Workspace.INSUFFICIENT_ROLE)
    if is_paid:  # an unpaid workspace can be read too
        curable.add(Team.Workspace.DELINQUENT)
    if team.restricted_at is None or started_at >= team.restricted_at + RESTRICTED_FOR:
        curable.add(Team.Workspace.RESTRICTED)  # `ghosts` is kept: the next ghost restricts the Team again
    if team.workspace_state in curable:
        after["workspace_state"] = Team.Workspace.ACTIVE
    if not after:
        return
    before = {key: getattr(team, key) for key in after}
    # `restricted_at` stays while the restriction does.
    lifted = {"restricted_at": None} if "workspace_state" in after else {}
    Team.objects.filter(pk=team.pk).update(
        failures=0, look_failures=0, state_reason="", opened_at=started_at, **after, **lifted
    )
    events.team_changed(
        subject=team.subject,
        before=before,
        after={key: str(value) for key, value in after.items()},
        actor=actor,
        cause="a complete snapshot was read",
    )

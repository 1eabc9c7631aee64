"""When the log-in in use has ended for a Team, the next log-in that administers it leads (design §5).

The rows say what is to be done, so that a worker may die anywhere: a Team is `pending` while the log-in in use has
ended for it (expired, refused here, or its token is dead) and another is able to lead, or the Team does not yet say
that none is. `settle` finishes one such Team; a sweep finds what was left.

A log-in that a Team refused is not tried again there until it is imported anew, or until a list of the Team shows it as
an owner or admin. So two dead log-ins never take turns. Only where ChatGPT gave it no token it is asked again, hourly.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from base import actors
from notifications.audit import events
from teampool import bells
from teampool.login import renew
from teampool.login.tokens import end_login_if_idle
from teampool.models import Owner, Team, TeamLogin
from teampool.pool import stock_alert
from teampool.snapshot import Snapshot, is_own_row
from teampool.teams import health
from teampool.teams.health import OF_THE_WORKSPACE
from teampool.upstream.types import Failure

log = logging.getLogger(__name__)
ACTOR = actors.job("take over")
# ChatGPT cannot be reached with any spare log-in: the Team takes nobody, and we try again after this.
AGAIN = timedelta(minutes=5)
NO_ACCESS = (Team.Workspace.ACCESS_LOST, Team.Workspace.INSUFFICIENT_ROLE)


def pending(now: datetime) -> QuerySet[Team]:
    """Teams whose log-in in use has ended for them, while another is able to lead or the Team does not say so yet."""
    logins = TeamLogin.objects.filter(team=OuterRef("pk"))
    refused = logins.filter(owner=OuterRef("owner")).exclude(problem=TeamLogin.Problem.NONE)
    able = logins.exclude(owner=OuterRef("owner")).able(now)
    is_known = ~Q(token_state=Team.Token.HEALTHY) | Q(workspace_state__in=NO_ACCESS)
    ended = ~Q(token_state=Team.Token.HEALTHY) | ~Q(owner__login=Owner.Login.OK) | Exists(refused)
    return Team.objects.filter(ended, Exists(able) | Exists(refused) & ~is_known, archived_at=None)


def is_any(now: datetime) -> bool:
    return pending(now).exists()


def settle_pending(*, now: datetime, until: datetime) -> int:
    """Finish what was left, until out of time; how many Teams got another log-in."""
    done = 0
    waits = Q(cooldown_until__gt=now)
    for team_id in pending(now).exclude(waits).order_by("pk").values_list("pk", flat=True):
        if timezone.now() >= until:
            break
        done += settle(team_id)
    return done


def settle(team_id: int) -> bool:
    """Let the best other log-in lead this pending Team. True: another one leads now, and a sync was rung.

    Each able log-in is tried once, best first; one without a token for this Team gets it first. When none is left the
    Team says so; while ChatGPT cannot be reached it only takes nobody for a while.
    """
    tried: set[int] = set()
    while True:
        now = timezone.now()
        team = pending(now).filter(pk=team_id).select_related("owner").first()
        if team is None:
            return False
        spare = TeamLogin.objects.filter(team=team).spare().able(now).exclude(pk__in=tried).in_order_of_choice().first()
        if spare is None:
            break
        tried.add(spare.pk)
        if ((has_token(spare, now) and not spare.problem) or get_token(spare)) and _lead(team, spare):
            return True
    if TeamLogin.objects.filter(team=team).spare().able(now).exists():
        Team.objects.filter(Q(cooldown_until=None) | Q(cooldown_until__lt=now + AGAIN), pk=team_id).update(
            cooldown_until=now + AGAIN
        )
    else:
        health.say_nobody_leads(team_id=team_id, actor=ACTOR)
    return False


def note_exchange_refused(team: Team) -> None:
    """ChatGPT refused the token in use and gives its log-in no other one for this Team; kept if another may lead."""
    now = timezone.now()
    if health.has_spare(team, now):
        health.note_refused(team.pk, team.owner_id, TeamLogin.Problem.EXCHANGE_REFUSED, now)


def has_token(login: TeamLogin, now: datetime) -> bool:
    return bool(login.access_token) and (login.access_expires_at is None or login.access_expires_at > now)


def get_token(login: TeamLogin) -> bool:
    """Get a spare log-in another token for this Team; a clear no is noted, so that it is not asked again."""
    now = timezone.now()
    TeamLogin.objects.filter(pk=login.pk).update(tried_at=now)
    try:
        # Nothing speaks against a token that still runs: then a new one is only wanted ahead of time.
        renew.renew(
            team_id=login.team_id,
            rejected_token=login.access_token,
            owner_id=login.owner_id,
            is_refused=not has_token(login, now),
        )
        health.welcome(TeamLogin.objects.filter(pk=login.pk, problem=TeamLogin.Problem.EXCHANGE_REFUSED))
        return True
    except renew.CannotRenew as error:
        log.info("take over: Team %s, log-in %s: %s", login.team_id, login.owner_id, error.cause)
        if error.failure is Failure.ACCESS_REMOVED:
            health.note_refused(login.team_id, login.owner_id, TeamLogin.Problem.ACCESS_LOST, timezone.now())
        elif error.is_refused_here or error.failure is Failure.WORKSPACE_SUSPENDED:
            health.note_refused(login.team_id, login.owner_id, TeamLogin.Problem.EXCHANGE_REFUSED, timezone.now())
        return False


def _lead(team: Team, spare: TeamLogin) -> bool:
    """Move the lead in one transaction, Owner before Team; False when either changed meanwhile."""
    now = timezone.now()
    with transaction.atomic(durable=True):
        owner = Owner.objects.select_for_update(no_key=True).get(pk=spare.owner_id)
        locked = Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        login = TeamLogin.objects.able(now).filter(pk=spare.pk).first()
        if locked.owner_id != team.owner_id or login is None or not has_token(login, now):
            return False
        # A late answer to a token of this log-in's earlier lead must not count against the new one.
        Owner.objects.filter(pk=owner.pk).update(credential_version=F("credential_version") + 1)
        old = Owner.objects.get(pk=locked.owner_id)
        if locked.token_state != Team.Token.HEALTHY and old.login == Owner.Login.OK and not problem_of(locked, old):
            health.note_refused(team.pk, old.pk, TeamLogin.Problem.TOKEN_REFUSED, now)
        problem = problem_of(locked, old)
        changes = hand_to(locked, owner, now=now) | {"sync_tried_at": None}
        if locked.token_state != Team.Token.HEALTHY:
            changes |= {"token_state": Team.Token.HEALTHY, "state_reason": ""}
        Team.objects.filter(pk=team.pk).update(**changes)
        bells.sync_team(team.pk)
        stock_alert.ring()
        events.login_took_over(
            subject=locked.subject,
            owner=owner.subject,
            before=old.email,
            problem=problem,
            # Operators were told when the log-in itself ended.
            is_known=old.login != Owner.Login.OK,
            actor=ACTOR,
        )
    if not (old.can_renew or old.refresh_token):
        cause = str(problem) or "no session and no refresh token"
        end_login_if_idle(owner_id=old.pk, version=old.credential_version, cause=cause, actor=ACTOR)
    return True


def problem_of(team: Team, owner: Owner) -> TeamLogin.Problem:
    """What this Team refuses the log-in `owner`."""
    row = TeamLogin.objects.filter(team=team, owner=owner).values_list("problem", flat=True).first()
    return TeamLogin.Problem(row or "")


def hand_to(team: Team, owner: Owner, *, now: datetime) -> dict[str, Any]:
    """The columns of a Team that `owner` leads from now on; moves the tokens. The caller holds both locks.

    Nobody new gets in before a snapshot that the new log-in read: whose own row it is changes the count of places.
    """
    leader = team.owner
    keeps = team.token_state == Team.Token.HEALTHY and leader.login == Owner.Login.OK
    keeps = keeps and problem_of(team, leader) != TeamLogin.Problem.TOKEN_REFUSED
    kept = (team.access_token, team.access_expires_at) if keeps else ("", None)
    TeamLogin.objects.update_or_create(
        team=team, owner=leader, defaults={"access_token": kept[0], "access_expires_at": kept[1]}
    )
    login, _is_new = TeamLogin.objects.get_or_create(team=team, owner=owner)
    TeamLogin.objects.filter(pk=login.pk).update(access_token="", access_expires_at=None, tried_at=None)
    # What the other log-in may not see says nothing of this one.
    unknown = dict.fromkeys(("seats_refused_at", "seats_refused_again_at", "seats_refused_status", "renewal_due_at"))
    return unknown | {
        "owner": owner,
        "access_token": login.access_token,
        "access_expires_at": login.access_expires_at,
        "opened_at": now if team.opened_at is not None else None,
        "failures": 0,
        "look_failures": 0,
        "look_failures_since": None,
    }


def learn_roles(team: Team, snapshot: Snapshot) -> None:
    """What a complete list says of this Team's log-ins: who is an owner or admin, and who is there as less.

    The caller holds the Team's lock. Absence proves nothing here: the row's e-mail may be hidden.
    """
    for login in TeamLogin.objects.filter(team=team).select_related("owner"):
        row = next((row for row in snapshot.members if is_own_row(row, login.owner)), None)
        if row is None or not row.role or row.deactivated_at is not None:
            continue
        if login.owner_id == team.owner_id:
            # It has read this very list; of its role only the row tells.
            is_disproved = row.is_manager or login.problem != TeamLogin.Problem.ROLE_TOO_LOW
        else:
            is_later = login.problem_since is None or snapshot.started_at > login.problem_since
            is_disproved = row.is_manager and login.problem in OF_THE_WORKSPACE and is_later
        if login.problem and is_disproved:
            health.welcome(TeamLogin.objects.filter(pk=login.pk))
        elif not (login.problem or row.is_manager or login.owner_id == team.owner_id):
            health.note_refused(team.pk, login.owner_id, TeamLogin.Problem.ROLE_TOO_LOW, snapshot.started_at)

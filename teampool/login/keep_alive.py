"""Keep log-ins alive: renew access tokens that run out within a day.

A session returns the same token until it is nearly over, so most early tries bring no new one. After such a try we wait
half of the time left, an hour at most. A token that lives less than a day is renewed after half of its life.

A log-in that leads no Team is renewed too, for one of the Teams it could take over and at most twice a day: a session
that nobody uses ends, and a dead one is found out before it is needed.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from teampool.login import renew, take_over
from teampool.models import Team, TeamLogin, renewing

log = logging.getLogger(__name__)
AHEAD = timedelta(hours=24)
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_WAIT = AHEAD / 2  # half of the life of a token that is due at once


def due_team_ids(now: datetime) -> list[int]:
    """Teams whose access token runs out within 24 hours and whose log-in can renew it, soonest first."""
    teams = Team.objects.filter(
        Q(renewal_due_at=None) | Q(renewal_due_at__lte=now),
        renewing("owner__"),
        archived_at=None,
        access_expires_at__lte=now + AHEAD,
        token_state=Team.Token.HEALTHY,
    )
    return list(teams.order_by("access_expires_at", "pk").values_list("pk", flat=True))


def due_spares(now: datetime) -> list[TeamLogin]:
    """For each log-in that renews itself and leads no Team: the spare token of it that is missing or ends soonest."""
    leads = Team.objects.filter(owner=OuterRef("owner"), archived_at=None, token_state=Team.Token.HEALTHY)
    rows = TeamLogin.objects.spare().filter(
        Q(access_expires_at=None) | Q(access_expires_at__lte=now + AHEAD),
        Q(tried_at=None) | Q(tried_at__lte=now - LONGEST_WAIT),
        renewing("owner__"),
        ~Exists(leads),
        problem=TeamLogin.Problem.NONE,
        team__archived_at=None,
    )
    first: dict[int, TeamLogin] = {}
    for row in rows.order_by(F("access_expires_at").asc(nulls_first=True), "pk"):
        first.setdefault(row.owner_id, row)
    return list(first.values())


def renew_due(*, now: datetime, until: datetime) -> tuple[int, int]:
    """Renew the due log-ins until `until`; return how many were renewed and how many failed.

    One refresh may renew several Teams of a log-in; those are skipped.
    """
    renewed = failed = 0
    for team_id in due_team_ids(now):
        team = Team.objects.get(pk=team_id)
        is_put_off = team.renewal_due_at is not None and team.renewal_due_at > now
        if is_put_off or team.access_expires_at is None or team.access_expires_at > now + AHEAD:
            continue  # another Team of the log-in renewed this token
        try:
            fresh = renew.renew(team_id=team_id, rejected_token=team.access_token, is_refused=False)
            renewed += 1
            _space_out(team.owner_id, fresh, now)
        except renew.CannotRenew as error:
            failed += 1
            _put_off(team, now)
            log.info("keep alive: Team %s: %s", team_id, error.cause)
        if timezone.now() >= until:
            return renewed, failed
    for spare in due_spares(now):
        if take_over.get_token(spare):
            renewed += 1
        else:
            failed += 1
        if timezone.now() >= until:
            break
    return renewed, failed


def _space_out(owner_id: int, fresh: str, now: datetime) -> None:
    """Wait half of the new token's life, when it too runs out within a day: else we would renew every ten minutes."""
    for team in Team.objects.filter(owner_id=owner_id, archived_at=None, access_expires_at__lte=now + AHEAD):
        if team.access_token == fresh and team.access_expires_at is not None:
            left = max(team.access_expires_at - now, timedelta())
            Team.objects.filter(pk=team.pk).update(renewal_due_at=now + left / 2)


def _put_off(team: Team, now: datetime) -> None:
    left = max((team.access_expires_at or now) - now, timedelta())
    Team.objects.filter(pk=team.pk).update(renewal_due_at=now + min(left / 2, LONGEST_PAUSE))

"""Who lets people into a workspace besides us: read once a day, and warned of on the Team's page.

A guest whom a member invites, or a request that ChatGPT accepts by itself, can buy a seat. No setting is ever written.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from teampool.models import Team
from teampool.upstream.client import Upstream
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Entrance

EVERY = timedelta(days=1)


def due(now: datetime) -> list[Team]:
    """Healthy Teams whose settings were not read for a day, the oldest first."""
    rows = Team.objects.filter(
        Q(entrance_read_at=None) | Q(entrance_read_at__lte=now - EVERY),
        Q(cooldown_until=None) | Q(cooldown_until__lte=now),
        archived_at=None,
        token_state=Team.Token.HEALTHY,
        workspace_state=Team.Workspace.ACTIVE,
        opened_at__isnull=False,
    )
    return list(rows.select_related("owner").order_by(F("entrance_read_at").asc(nulls_first=True), "pk"))


def read_due(*, now: datetime, until: datetime) -> int:
    """Read the settings of each Team that is due, until out of time; how many were asked for.

    A failure says nothing about the Team: many log-ins may not see the settings. What was known before stays.
    """
    done = 0
    for team in due(now):
        if timezone.now() >= until:
            break
        said = _read(team)
        known = (
            {"members_may_invite": said.members_may_invite, "accepts_requests": said.accepts_requests} if said else {}
        )
        Team.objects.filter(pk=team.pk).update(entrance_read_at=now, **known)
        done += 1
    return done


def _read(team: Team) -> Entrance | None:
    try:
        with Upstream(team.access_token, team.account_id, str(team.owner.device_id)) as upstream:
            return upstream.entrance()
    except UpstreamError:
        return None


def warnings(team: Team) -> list[str]:
    """Who else may fill this Team's seats, for its page; empty where ChatGPT does not say."""
    return [
        text
        for is_open, text in (
            (team.members_may_invite, _("members may invite others")),
            (team.accepts_requests, _("ChatGPT accepts requests to join by itself")),
        )
        if is_open
    ]

"""When a Team that is out of order is looked at again, since only a look can say that it is well.

After 2, 5, 15 and 60 minutes, because most refusals are over soon; then every hour; a workspace still suspended after
a day of that, once a day. A Team that is well is looked at every ten minutes, by `sync`; after a block of the address
as soon as its cool-down (`health.BLOCKED_FOR`) is over. The first good look forgets the count.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from teampool.models import Team

STEPS = (timedelta(minutes=2), timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60))
LONGEST_WAIT = timedelta(days=1)
# Looks until a suspended workspace is asked once a day: the steps above, then an hourly one until a day has passed.
DAILY_AFTER = len(STEPS) + 22


def well() -> Q:
    return Q(token_state=Team.Token.HEALTHY, workspace_state=Team.Workspace.ACTIVE)


def due(now: datetime) -> Q:
    """Teams whose next look has come; one that no look was set for yet, 2 minutes after the last."""
    return Q(look_again_at__lte=now) | Q(~well(), look_again_at=None, sync_tried_at__lte=now - STEPS[0])


def wait(*, looks: int, is_suspended: bool = False) -> timedelta:
    """How long until the next look, after `looks` that found the Team out of order."""
    if is_suspended and looks >= DAILY_AFTER:
        return LONGEST_WAIT
    return STEPS[min(looks, len(STEPS) - 1)]


def begins(team: Team, changes: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """The columns for `changes` that take a Team out of order or block it; {} for others, and when it was so before.

    `team` as it is before them.
    """
    states = (changes.get("token_state", team.token_state), changes.get("workspace_state", team.workspace_state))
    is_blocked = "cooldown_until" in changes and team.look_again_at is None
    if not _is_well(team) or not (is_blocked or states != (team.token_state, team.workspace_state)):
        return {}
    return {"looks_again": 0, "look_again_at": now + wait(looks=0)}


def after_a_look(team: Team, *, now: datetime) -> dict[str, Any]:
    """The columns after a look, by the state it left the Team in."""
    is_cooling = team.cooldown_until is not None and team.cooldown_until > now
    if _is_well(team) and not is_cooling:
        return {"looks_again": 0, "look_again_at": None}
    is_suspended = team.workspace_state == Team.Workspace.SUSPENDED
    # No look ends these: a restriction lasts its day, a disabled account waits for another token.
    is_fixed = team.workspace_state == Team.Workspace.RESTRICTED or team.token_state == Team.Token.DISABLED
    pause = STEPS[-1] if is_fixed else wait(looks=team.looks_again, is_suspended=is_suspended)
    return {"looks_again": min(team.looks_again + 1, DAILY_AFTER), "look_again_at": now + pause}


def _is_well(team: Team) -> bool:
    return team.token_state == Team.Token.HEALTHY and team.workspace_state == Team.Workspace.ACTIVE

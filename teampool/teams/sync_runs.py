"""Progress of a sync an operator asked for, read from the Teams, so that it survives a restart."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from teampool.models import SyncRun, Team
from teampool.teams.words import sync_reason

# A run is shown this long after it was asked for, finished or not.
SHOWN_FOR = timedelta(minutes=15)
MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class Progress:
    """`reason`: the most frequent reason of the `failed`; `names`: the first of those Teams.

    `waiting`: Teams in a cool-down; the regular pass reads them afterwards.
    """

    started_at: datetime
    total: int
    done: int
    failed: int
    reason: str
    waiting: int
    names: tuple[str, ...] = ()

    @property
    def has_more(self) -> bool:
        return self.failed > len(self.names)

    @property
    def is_over(self) -> bool:
        return self.done + self.waiting >= self.total


def newest(now: datetime, *, team_id: int | None = None) -> Progress | None:
    """Progress of the latest run, if it is recent; with `team_id` only of that Team, if the run has it."""
    run = SyncRun.objects.filter(started_at__gt=now - SHOWN_FOR).order_by("-pk").first()
    if run is None or (team_id is not None and team_id not in run.team_ids):
        return None
    asked = run.team_ids if team_id is None else [team_id]
    teams = Team.objects.filter(pk__in=asked, archived_at=None).defer("access_token", "pools", "reading").order_by("pk")
    done = waiting = 0
    failed: Counter[str] = Counter()
    names: list[str] = []
    for team in teams:
        if _is_done(team, run.started_at, now):
            done += 1
            if team.sync_problem:
                failed[sync_reason(team)] += 1
                names.append(str(team))
        elif team.cooldown_until is not None and team.cooldown_until > now:
            waiting += 1
    reason = failed.most_common(1)[0][0] if failed else ""
    return Progress(run.started_at, len(teams), done, failed.total(), reason, waiting, tuple(names[:MOST_NAMES]))


def _is_done(team: Team, started_at: datetime, now: datetime) -> bool:
    """Tried since the run started, and no worker holds it now."""
    is_busy = team.sync_lease_until is not None and team.sync_lease_until > now
    return team.sync_tried_at is not None and team.sync_tried_at >= started_at and not is_busy

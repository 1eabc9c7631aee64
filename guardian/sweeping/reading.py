"""Reads the lists of every Team of a sweep, several at a time, with a pause between."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from base.threads import closing
from guardian.models import Sweep
from guardian.settings import Policy
from invites.following.sync import SyncResult, sync_team
from teampool.models import Team

# A RESTRICTED Team takes no invitations for a day, but it can be read, and people removed from it.
IN_ORDER = (Team.Workspace.ACTIVE, Team.Workspace.RESTRICTED)
log = logging.getLogger(__name__)
Notice = Callable[[SyncResult], None]


def waiting(sweep: Sweep) -> QuerySet[Team]:
    """Teams that this sweep still has to read, the longest unread first."""
    now = timezone.now()
    return Team.objects.filter(
        Q(sync_tried_at=None) | Q(sync_tried_at__lt=sweep.started_at),
        Q(cooldown_until=None) | Q(cooldown_until__lte=now),
        archived_at=None,
        opened_at__isnull=False,
        token_state=Team.Token.HEALTHY,
        workspace_state__in=IN_ORDER,
    ).order_by(F("sync_tried_at").asc(nulls_first=True), "pk")


def look(sweep: Sweep, policy: Policy, until: datetime, on_result: Notice | None) -> bool:
    """Read the Teams still waiting; False when the time was over before the last one was started."""
    team_ids = list(waiting(sweep).values_list("pk", flat=True))
    free = threading.Semaphore(policy.threads)
    pause = threading.Event()

    @closing
    def one(team_id: int) -> None:
        try:
            result = sync_team(team_id=team_id)
            if result is not None and on_result is not None:
                on_result(result)
        except Exception:
            log.exception("sweep: Team %s", team_id)  # the Team counts as not read
        finally:
            free.release()

    started: list[object] = []
    with ThreadPoolExecutor(policy.threads, thread_name_prefix="sweep") as pool:
        for team_id in team_ids:
            free.acquire()
            if timezone.now() >= until:
                break
            started.append(pool.submit(one, team_id))
            pause.wait(policy.draw_pause())
    return len(started) == len(team_ids)

"""Looks at Teams and lets the seats follow: one, the stalest, or all."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from base.actors import Actor
from base.threads import closing
from base.work import free
from invites.following.follow import follow
from invites.models import SeatGrant
from invites.seats import timing
from invites.states import GrantState
from teampool.access import Access
from teampool.login.tokens import resume_login
from teampool.models import Owner, Team
from teampool.snapshot import NotItsList, fetch
from teampool.stored_snapshot import REFUSALS
from teampool.teams import look_again
from teampool.upstream.errors import UpstreamError

ACTOR = Actor("job", "sync")
EVERY = timedelta(minutes=10)
SLICE = timedelta(seconds=45)
THREADS = 3
OLDER = "older than the list stored already"


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What one look brought; `problem` is empty when the lists were complete and taken over."""

    team_id: int
    label: str
    problem: str


def sync_team(*, team_id: int) -> SyncResult | None:
    """Look at one Team now. None: another worker is doing just that. A Team that cannot be read keeps its data."""
    now = timezone.now()
    lease = now + timing.lease()
    claimed = Team.objects.filter(free(now, "sync_lease_until"), pk=team_id, archived_at=None)
    if claimed.update(sync_lease_until=lease, sync_tried_at=now) != 1:
        return None
    team = Team.objects.select_related("owner").get(pk=team_id)
    problem, is_older = "", False
    try:
        # An invitation of ours that is not joined may stand among the seats that ChatGPT calls held.
        invited = SeatGrant.objects.live().filter(team=team, sends__gt=0).exclude(state=GrantState.JOINED).count()
        with Access(team, actor=ACTOR) as access:
            snapshot = access.ask(
                lambda upstream: fetch(upstream, owner=team.owner, team=team, in_flight=invited), is_look=True
            )
        if not snapshot.is_complete:
            problem = snapshot.problem or "incomplete lists"
        else:
            is_older = not follow(team_id=team_id, snapshot=snapshot)
            if team.owner.login == Owner.Login.EXPIRED and not team.owner.can_renew:
                resume_login(owner_id=team.owner_id, actor=ACTOR)
    except NotItsList as error:
        problem = error.problem
    except UpstreamError as error:
        # Without a status there was no answer, only some library's word for it.
        said = (error.text if error.status else "") or error.failure.value.replace("_", " ")
        problem = REFUSALS.get(error.failure, said)
    finally:
        fields: dict[str, Any] = {} if is_older else {"sync_problem": problem[:200]}  # the newer list has had its say
        # No row: the lease ended, and another worker is looking; its look says what the problem is.
        mine = Team.objects.filter(pk=team_id, sync_lease_until=lease)
        for left in mine:
            again = look_again.after_a_look(left, now=timezone.now())
            mine.update(sync_lease_until=None, **fields, **again)
    return SyncResult(team_id, str(team), OLDER if is_older else problem)


def stale_team_ids(*, now: datetime) -> list[int]:
    """Teams due for a look, the stalest first: each ten minutes, out of order by `look_again`, never in a cool-down."""
    due = Team.objects.filter(
        Q(sync_tried_at=None) | Q(look_again.well(), sync_tried_at__lte=now - EVERY) | look_again.due(now),
        Q(cooldown_until=None) | Q(cooldown_until__lte=now),
        archived_at=None,
    )
    return list(due.order_by(F("sync_tried_at").asc(nulls_first=True), "pk").values_list("pk", flat=True))


def sync(
    *, team_ids: list[int], until: datetime | None = None, on_result: Callable[[SyncResult], None] | None = None
) -> int:
    """Look at these Teams, three at a time, until done or out of time; the number looked at."""

    @closing
    def one(team_id: int) -> SyncResult | None:
        if until is not None and timezone.now() >= until:
            return None
        return sync_team(team_id=team_id)

    done = 0
    with ThreadPoolExecutor(THREADS, thread_name_prefix="sync") as pool:
        for result in pool.map(one, team_ids):
            if result is not None:
                done += 1
                if on_result is not None:
                    on_result(result)
    return done

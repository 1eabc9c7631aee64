"""Work on all due grants: claim them and start threads (design §6).

A claim raises the grant's fence (`attempts`), and each later write filters by it: a worker that wakes too late changes
nothing. `deliver.py` does the work of a claim.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from invites import bells, locking
from invites.delivery.deliver import ACTOR, work
from invites.models import SeatGrant
from invites.seats import moves, timing
from invites.states import BEFORE_INVITED, GrantState
from teampool.pool import stock_alert
from teampool.settings import WRITES_PER_TEAM

# 16 a node, shared by its workers: each thread holds a connection, and PostgreSQL allows about a hundred.
THREADS = max(1, 16 // settings.Q_CLUSTER["workers"])


def deliver() -> int:
    """Work on due grants for at most 30 s, then ring if more are due. Returns the number of claims."""
    now = timezone.now()
    due = SeatGrant.objects.due(now).count()
    if not due:
        return 0
    crew = _Crew(now + timing.DRAIN, has_helper=due > THREADS)
    try:
        crew.drain()  # in this thread, which has a connection: a single grant opens no other
    finally:
        done = crew.join()
    if done:
        stock_alert.ring()  # nobody has rung yet for the seats these people took
    # A helper that was called rings for the rest; ringing here too would double the number of drains every 30 s.
    was_helped = due > THREADS and done > 0
    if not was_helped and timezone.now() >= crew.until and SeatGrant.objects.due(timezone.now()).exists():
        bells.deliver()
    return done


class _Crew:
    """The threads of one drain. A thread that claims a grant starts the next thread while more are claimable."""

    def __init__(self, until: datetime, *, has_helper: bool) -> None:
        self.until = until
        self._limit = WRITES_PER_TEAM.get()
        # More is due than one worker can do: the first claim rings for another worker.
        self._wants_helper = threading.Semaphore(1 if has_helper else 0)
        self._lock = threading.Lock()
        self._done = 0
        self._helping = 0
        self._threads: list[threading.Thread] = []

    def drain(self) -> None:
        while timezone.now() < self.until:
            claimed, left = claim_next(self._limit)
            if claimed is None:
                return  # other due grants wait for a busy Team; the thread that is busy there takes them next
            self._note_claim(left)
            work(claimed)

    def _note_claim(self, left: int) -> None:
        with self._lock:
            self._done += 1
            if left and self._helping < THREADS - 1:
                self._helping += 1
                thread = threading.Thread(target=self._help, name=f"deliver-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
        if self._wants_helper.acquire(blocking=False):
            bells.deliver()

    def _help(self) -> None:
        try:
            self.drain()
        finally:
            connection.close()
            with self._lock:
                self._helping -= 1

    def join(self) -> int:
        """Wait for every thread; return the number of claims."""
        for thread in self._threads:  # threads that start meanwhile are appended, so they are joined too
            thread.join()
        return self._done


def claim_next(limit: int) -> tuple[SeatGrant | None, int]:
    """Claim a due grant whose Team has fewer than `limit` writes under way; also return how many more are claimable."""
    now = timezone.now()
    claimable = _claimable(now, limit)
    # Shuffled, because other processes try the same rows.
    for tried, grant in enumerate(random.sample(claimable, len(claimable)), start=1):
        claimed = claim(grant, limit=limit)
        if claimed is not None:
            return claimed, len(claimable) - tried
    return None, 0


def _claimable(now: datetime, limit: int) -> list[SeatGrant]:
    """Due grants, oldest first; of those not yet invited, only as many per Team as may be written now."""
    writes = _writes_under_way(now)
    full = [team_id for team_id, count in writes.items() if count >= limit]
    due = SeatGrant.objects.due(now).exclude(team_id__in=full, state__in=BEFORE_INVITED).order_by("due_at")
    claimable = []
    for grant in due.only("redemption_id", "team_id", "email", "state", "attempts")[:64]:
        if grant.state in BEFORE_INVITED:
            writes[grant.team_id] += 1
            if writes[grant.team_id] > limit:
                continue
        claimable.append(grant)
    return claimable


def _writes_under_way(now: datetime, **where: int) -> Counter[int]:
    rows = SeatGrant.objects.filter(state=GrantState.INVITING, lease_until__gt=now, **where).order_by()
    return Counter(rows.values_list("team_id", flat=True))


def claim(grant: SeatGrant, *, limit: int) -> SeatGrant | None:
    """Claim a grant that was due: RESERVED becomes INVITING.

    None: its Team is busy, or another worker was faster and raised the fence or changed the state.
    """
    now = timezone.now()
    with transaction.atomic(durable=True):
        locking.lock_team(grant.team_id)
        if grant.state in BEFORE_INVITED and _writes_under_way(now, team_id=grant.team_id).total() >= limit:
            return None
        if not moves.claim(grant, until=now + timing.lease(), actor=ACTOR):
            return None
    return SeatGrant.objects.select_related("team__owner", "redemption").get(pk=grant.pk)

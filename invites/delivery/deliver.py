"""Gets people invited: claim a grant, say it upstream, settle what came of it (design §4).

> Unknown is not failure: only a certain "no" gives a seat back.

Each claim raises the grant's fence (`attempts`); every later write names it, so a worker that wakes too
late changes nothing. No network call happens inside a transaction.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from base.actors import Actor
from invites.bells import ring_deliver
from invites.delivery import settle
from invites.delivery.look import Look, look_for
from invites.models import SeatGrant, SeatGrantQuerySet
from invites.seats import moves, timing
from invites.states import BEFORE_INVITED, GrantState
from teampool.access import Access
from teampool.pool import stock_alert
from teampool.settings import WRITES_PER_TEAM
from teampool.snapshot import known_upstream_ids
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Answer, Verdict

log = logging.getLogger(__name__)
ACTOR = Actor("job", "deliver")
# 16 a node, shared by its workers: each thread holds a connection, and PostgreSQL has about a hundred for all.
THREADS = max(1, 16 // settings.Q_CLUSTER["workers"])


def deliver() -> int:
    """One drain: work on everything due for at most 30 s, then ring again if more is left. The number of claims."""
    now = timezone.now()
    due = SeatGrant.objects.due(now).count()
    if not due:
        return 0
    crew = _Crew(now + timing.DRAIN, has_helper=due > THREADS)
    try:
        crew.drain()  # this thread has a connection already: for one grant no other is opened
    finally:
        done = crew.join()
    if done:
        stock_alert.ring()  # for the seats these people took, which nobody rang for
    # One bell for each that ends, or their number grows with every half minute of a long queue.
    was_helped = due > THREADS and done > 0
    if not was_helped and timezone.now() >= crew.until and SeatGrant.objects.due(timezone.now()).exists():
        ring_deliver()
    return done


class _Crew:
    """The threads of one drain. Each that claims something calls in the next, as long as more was claimable."""

    def __init__(self, until: datetime, *, has_helper: bool) -> None:
        self.until = until
        self._limit = WRITES_PER_TEAM.get()
        # More than one worker's share: whoever claims something first calls another one in.
        self._wants_helper = threading.Semaphore(1 if has_helper else 0)
        self._lock = threading.Lock()
        self._done = 0
        self._helping = 0
        self._threads: list[threading.Thread] = []

    def drain(self) -> None:
        while timezone.now() < self.until:
            claimed, left = _claim_next(self._limit)
            if claimed is None:
                return  # what is due beside that waits for a busy Team: whoever is busy there takes it next
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
            ring_deliver()

    def _help(self) -> None:
        try:
            self.drain()
        finally:
            connection.close()
            with self._lock:
                self._helping -= 1

    def join(self) -> int:
        """Wait for every thread; the number of claims of all."""
        for thread in self._threads:  # those called in meanwhile are at its end
            thread.join()
        return self._done


def claim_next() -> SeatGrant | None:
    """Claim one due grant whose Team is not written to by as many workers as allowed."""
    return _claim_next(WRITES_PER_TEAM.get())[0]


def _claim_next(limit: int) -> tuple[SeatGrant | None, int]:
    """The same, and how many more could have been claimed at that moment."""
    now = timezone.now()
    claimable = _claimable(now, limit)
    # Shuffled: drains of other processes look at the same rows.
    for tried, grant in enumerate(random.sample(claimable, len(claimable)), start=1):
        claimed = _claim(grant, limit=limit)
        if claimed is not None:
            return claimed, len(claimable) - tried
    return None, 0


def _claimable(now: datetime, limit: int) -> list[SeatGrant]:
    """Due grants, the oldest first, and of those that write no more of a Team than may be written now."""
    writes = _writes_under_way(now)
    full = [team_id for team_id, count in writes.items() if count >= limit]
    due = _as_seen(now).exclude(team_id__in=full, state__in=BEFORE_INVITED).order_by("due_at")
    claimable = []
    for grant in due[:64]:
        if grant.state in BEFORE_INVITED:
            writes[grant.team_id] += 1
            if writes[grant.team_id] > limit:
                continue
        claimable.append(grant)
    return claimable


def _as_seen(now: datetime) -> SeatGrantQuerySet:
    """Due grants with just what a claim goes by."""
    return SeatGrant.objects.due(now).only("redemption_id", "team_id", "email", "state", "attempts")


def _writes_under_way(now: datetime, **where: int) -> Counter[int]:
    rows = SeatGrant.objects.filter(state=GrantState.INVITING, lease_until__gt=now, **where).order_by()
    return Counter(rows.values_list("team_id", flat=True))


def claim(*, grant_id: int, limit: int) -> SeatGrant | None:
    """Take a due grant for one call: RESERVED becomes INVITING. None: not due, taken, or its Team is busy."""
    grant = _as_seen(timezone.now()).filter(pk=grant_id).first()
    return None if grant is None else _claim(grant, limit=limit)


def _claim(grant: SeatGrant, *, limit: int) -> SeatGrant | None:
    """Take what was seen due. Whoever was faster raised its fence or moved it on: then nothing is taken."""
    now = timezone.now()
    with transaction.atomic(durable=True):
        moves.lock_team(grant.team_id)
        if grant.state in BEFORE_INVITED and _writes_under_way(now, team_id=grant.team_id).total() >= limit:
            return None
        if not moves.claim(grant, until=now + timing.lease(), actor=ACTOR):
            return None
    return SeatGrant.objects.select_related("team__owner", "redemption").get(pk=grant.pk)


def work(grant: SeatGrant) -> None:
    """Do the one thing this claimed grant waits for. Whatever goes wrong, the grant stays due."""
    try:
        with Access(grant.team, actor=ACTOR) as access:
            if grant.state == GrantState.INVITING:
                _bring_in(grant, access)
            else:
                _watch(grant, access)
    except UpstreamError as error:
        settle.unreadable(grant, error, now=timezone.now(), actor=ACTOR)
    except Exception:
        log.exception("deliver: grant %s", grant.pk)
        settle.again_later(grant, now=timezone.now())


def _bring_in(grant: SeatGrant, access: Access) -> None:
    """INVITING: ask first when anything was sent before; send when it is certain that nothing arrived."""
    if grant.sends or grant.ask_first:
        seen = _look(grant, access, known_ids=_known_ids(grant))
        if settle.found(grant, seen, now=timezone.now(), actor=ACTOR):
            return
        if not settle.may_send(grant, seen, now=timezone.now()):
            _wait_or_leave(grant, access, seen)
            return
    answer = _send(grant, access)
    if answer is None:
        settle.look_again(grant, now=timezone.now())  # it is to leave, or no longer ours: then this changes nothing
        return
    if settle.sent(grant, answer, now=timezone.now(), actor=ACTOR):
        _watch(grant, access)


def _send(grant: SeatGrant, access: Access) -> Answer | None:
    """POST the invite; that it is about to be sent is committed first. None: the grant is no longer ours."""
    if not settle.about_to_send(grant, now=timezone.now()):
        return None
    return access.ask(
        lambda upstream: upstream.invite(
            grant.email, submission_id=str(grant.submission_id), flow_id=grant.redemption.public_id
        )
    )


def _look(grant: SeatGrant, access: Access, *, known_ids: frozenset[str] = frozenset()) -> Look:
    return access.ask(
        lambda upstream: look_for(upstream, email=grant.email, user_id=grant.upstream_user_id, known_ids=known_ids),
        is_look=True,
    )


def _known_ids(grant: SeatGrant) -> frozenset[str]:
    """Whose hidden e-mails are no riddle: the owner's, those that were there before, and those seated here."""
    seated = SeatGrant.objects.live().filter(team_id=grant.team_id).exclude(upstream_user_id="")
    ids = {grant.team.owner.upstream_user_id, *seated.values_list("upstream_user_id", flat=True)}
    return frozenset(known_upstream_ids(grant.team) | ids)


def _wait_or_leave(grant: SeatGrant, access: Access, seen: Look) -> None:
    """Not found, and not to be sent again now: wait, or begin to leave this Team by revoking what may be there."""
    now = timezone.now()
    if settle.may_leave(grant, seen, now=now):
        settle.left(grant, now=now, actor=ACTOR)
    elif settle.must_revoke(grant, seen, now=now):
        if not settle.renew_lease(grant, now=now):
            return
        answer = access.ask(lambda upstream: upstream.revoke(grant.email))
        settle.revoked(grant, answer, now=timezone.now())
    else:
        settle.look_again(grant, now=now)


def _watch(grant: SeatGrant, access: Access) -> None:
    """INVITED: is it listed? VERIFIED: did they accept? And send the mail again where somebody asked for it."""
    now = timezone.now()
    if grant.redemption.resend_wanted_at is not None or settle.is_unseen_too_long(grant, now=now):
        _resend(grant, access)
    seen = _look(grant, access)
    if not settle.found(grant, seen, now=timezone.now(), actor=ACTOR):
        settle.look_again(grant, now=timezone.now())


def _resend(grant: SeatGrant, access: Access) -> None:
    if not settle.about_to_send(grant, now=timezone.now()):
        return
    answer = access.ask(
        lambda upstream: upstream.invite(
            grant.email, submission_id=str(grant.submission_id), flow_id=grant.redemption.public_id, resend=True
        )
    )
    settle.resent(grant, was_sent=answer.verdict is Verdict.SENT, now=timezone.now(), actor=ACTOR)

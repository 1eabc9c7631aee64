"""Access tokens that were refused, and what the web session was asked for in their place (upstream §11).

ChatGPT may go on handing out a token that it refuses. So one refused token is worth three calls of the session in all,
whoever meets it and however often: an exchange, one forced refresh, and an exchange after it. Calls that brought no
answer do not count; they are given back. The rows are committed before the call they allow.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from teampool.models import RefusedToken, Team
from teampool.upstream.types import Failure

MOST_CALLS = 3
PAUSES = (timedelta(minutes=10), timedelta(minutes=20), timedelta(minutes=40), timedelta(hours=1))
"""Between calls for a workspace that the session has no token for."""
KEPT_FOR = timedelta(days=30)
"""Longer than any token lives."""


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def note(team: Team, *, is_certain: bool) -> RefusedToken:
    """The row of the Team's token, which was just refused; `is_certain`: by a code that names the token."""
    now = timezone.now()
    row, is_new = RefusedToken.objects.get_or_create(team=team, digest=digest(team.access_token))
    if is_new:
        old = RefusedToken.objects.filter(created_at__lt=now - KEPT_FOR)
        old.filter(Q(team=team) | Q(team=None)).delete()
    if is_certain and row.refused_at is None:
        RefusedToken.objects.filter(pk=row.pk).update(refused_at=now)
        row.refused_at = now
    return row


def find(team: Team) -> RefusedToken | None:
    """The row of the Team's token, None when it was never refused."""
    return RefusedToken.objects.filter(team=team, digest=digest(team.access_token)).first()


def is_dead(token: str) -> bool:
    """Whether this very token was refused for certain, from whichever Team."""
    return RefusedToken.objects.filter(digest=digest(token), refused_at__isnull=False).exists()


def wait_left(row: RefusedToken) -> timedelta:
    return max(row.retry_at - timezone.now(), timedelta()) if row.retry_at else timedelta()


def count(row: RefusedToken) -> None:
    """A call of the session begins."""
    RefusedToken.objects.filter(pk=row.pk).update(calls=F("calls") + 1)
    row.calls += 1


def claim_force_of(token: str) -> bool:
    """As `claim_force`, for a refused token that belongs to no Team yet."""
    now = timezone.now()
    try:
        with transaction.atomic():
            RefusedToken.objects.create(digest=digest(token), refused_at=now, forced_at=now)
    except IntegrityError:
        return False
    return True


def recount(row: RefusedToken, calls: int) -> None:
    """Set the count: back to an earlier one after calls that told nothing of the token, or to the most there are."""
    RefusedToken.objects.filter(pk=row.pk).update(calls=calls)
    row.calls = calls


def claim_force(row: RefusedToken) -> bool:
    """Claim the one forced refresh there is for a token; False when it was spent, for this Team or another."""
    try:
        with transaction.atomic():
            claimed = RefusedToken.objects.filter(pk=row.pk, forced_at=None).update(forced_at=timezone.now())
    except IntegrityError:
        return False  # another Team had the same token
    return bool(claimed)


def put_off(row: RefusedToken, why: Failure) -> timedelta:
    """Ask again only later, later each time; how long that is."""
    pause = PAUSES[min(row.put_off, len(PAUSES) - 1)]
    row.put_off, row.retry_at, row.problem = row.put_off + 1, timezone.now() + pause, why.value
    row.save(update_fields=["put_off", "retry_at", "problem"])
    return pause

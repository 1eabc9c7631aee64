"""A web session that gives no token is doubted; it is dead when it says so again ten minutes later (upstream §11).

Writers hold the log-in's refresh lease.
"""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from teampool.models import Owner

AGAIN_AFTER = timedelta(minutes=10)


def wait_left(owner: Owner) -> timedelta:
    """How long this session is not to be asked again: zero when it is not doubted, or its second chance has come."""
    if owner.doubted_at is None:
        return timedelta()
    return max(owner.doubted_at + AGAIN_AFTER - timezone.now(), timedelta())


def strike(owner: Owner) -> bool:
    """Note that the session gave no token; True when that is the second time, and the session is dead."""
    now = timezone.now()
    if Owner.objects.filter(pk=owner.pk, doubted_at=None).update(doubted_at=now):
        owner.doubted_at = now
        return False
    return not wait_left(owner)


def trust(owner: Owner) -> None:
    """The session answered as a living one does: forget an earlier doubt."""
    if owner.doubted_at is not None:
        Owner.objects.filter(pk=owner.pk).update(doubted_at=None)
        owner.doubted_at = None

"""Subscriptions that end within a week and are not renewed: shown on the pages, and told to operators once."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from base.actors import job
from notifications.audit import events
from teampool.models import Team

ACTOR = job("subscriptions")
ENDS_SOON = timedelta(days=7)
# ChatGPT's date of the same end may differ by seconds from sync to sync.
_SAME_END = timedelta(days=1)


def ends_soon(team: Team, now: datetime) -> bool:
    """True when it ends within seven days and ChatGPT says it is not renewed."""
    until = team.subscription_until
    return (
        until is not None
        and now < until <= now + ENDS_SOON
        and team.will_renew is False
        and team.workspace_state == Team.Workspace.ACTIVE
    )


def warn_of_ends(*, now: datetime) -> int:
    """Tell operators of each end once, also when several nodes run this; return how many were told now."""
    untold = Q(subscription_warned_for=None) | Q(subscription_warned_for__lt=F("subscription_until") - _SAME_END)
    ending = Team.objects.filter(
        untold,
        archived_at=None,
        will_renew=False,
        workspace_state=Team.Workspace.ACTIVE,
        subscription_until__gt=now,
        subscription_until__lte=now + ENDS_SOON,
    )
    return sum(_tell(team) for team in ending.order_by("subscription_until", "pk"))


def _tell(team: Team) -> bool:
    until = team.subscription_until
    if until is None:
        return False
    with transaction.atomic():
        mine = Team.objects.filter(pk=team.pk, subscription_warned_for=team.subscription_warned_for)
        if mine.update(subscription_warned_for=until) != 1:
            return False  # another node was faster
        events.subscription_ends(subject=team.subject, until=until, actor=ACTOR)
    return True

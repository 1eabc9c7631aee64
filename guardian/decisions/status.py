"""The guardian's mode, its last sweep, and when the next is due. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Count, Q

from guardian.models import Beat, Sweep
from guardian.settings import Policy, current_policy
from guardian.sweeping import sweep
from guardian.sweeping.reading import IN_ORDER
from teampool.models import Team

SWEEP = "sweep"


@dataclass(frozen=True, slots=True)
class Outlook:
    policy: Policy
    last: Sweep | None
    next_at: datetime | None


def outlook(now: datetime) -> Outlook:
    """Three queries. `next_at` is None while the guardian is off, or when no sweep is queued."""
    policy = current_policy()
    last = Sweep.objects.order_by("-pk").first()
    next_at = None
    if policy.is_enabled:
        due_at = Beat.objects.filter(name=SWEEP).values_list("due_at", flat=True).first()
        next_at = due_at if sweep.is_active(policy) else _opens_at(policy, now)
    return Outlook(policy, last, next_at)


def _opens_at(policy: Policy, now: datetime) -> datetime:
    here = now.astimezone(ZoneInfo(settings.TIME_ZONE))
    at = here.replace(hour=policy.active_from.hour, minute=policy.active_from.minute, second=0, microsecond=0)
    return at if at > here else at + timedelta(days=1)


def progress(running: Sweep) -> tuple[int, int]:
    """How many Teams a running sweep has read, and how many it will read."""
    pool = Team.objects.filter(
        archived_at=None,
        opened_at__isnull=False,
        token_state=Team.Token.HEALTHY,
        workspace_state__in=IN_ORDER,
    )
    counts = pool.aggregate(total=Count("pk"), done=Count("pk", filter=Q(sync_tried_at__gte=running.started_at)))
    return counts["done"], counts["total"]

"""Removals of a Team in the last 72 hours: ChatGPT charges for many (upstream §7), so the guardian stops at a limit.

Every departure counts whose member ChatGPT was told to remove, by an operator's order as well; a revoked invitation
does not. A call without an answer counts, too: it may have worked.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Count, Q

from base.transactions import require_transaction
from invites.models import Departure
from invites.settings import MAX_REMOVALS_PER_72H
from invites.states import DepartureState

HOURS = 72


def removed(now: datetime) -> Q:
    return Q(removed_at__gt=now - timedelta(hours=HOURS))


def by_team(now: datetime) -> dict[int, int]:
    """How many removals each Team has had, with those that are decided and not told yet."""
    decided = Q(state=DepartureState.OPEN, removed_at=None, told_at=None) & ~Q(upstream_user_id="")
    rows = Departure.objects.filter(removed(now) | decided)
    return dict(rows.values_list("team_id").order_by("team_id").annotate(n=Count("pk")))


def is_spent(departure: Departure, now: datetime) -> bool:
    """Whether the guardian may not remove this member now. The caller holds the Team's lock and writes `removed_at`.

    What an operator ordered or approved is never stopped.
    """
    require_transaction()
    # As it is under the lock: an operator may just have ordered what the guardian opened.
    is_guardians = Departure.objects.filter(pk=departure.pk, is_automatic=True).exists()
    if not is_guardians or departure.evidence.get("approved_by"):
        return False
    others = Departure.objects.filter(removed(now), team_id=departure.team_id).exclude(pk=departure.pk).count()
    return others >= MAX_REMOVALS_PER_72H.get()

"""This room's tasks: the queue calls them by name. They may run twice, and die anywhere."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

import invites.departures.carry_out
import invites.following.sync
import invites.reconcile
from invites import bells
from invites.delivery import drain
from invites.following.sync import SLICE, stale_team_ids
from invites.models import Redemption
from teampool import leases
from teampool.pool import stock_alert


def deliver() -> int:
    return drain.deliver()


def reconcile() -> dict[str, int]:
    return invites.reconcile.reconcile()


def sync_team(team_id: int) -> None:
    invites.following.sync.sync_team(team_id=team_id)


def sync() -> int:
    """A slice of at most 45 s over the Teams not read for longest; rings itself when some are left."""
    now = timezone.now()
    with leases.slot(leases.LONG_JOBS, ttl=SLICE + timedelta(minutes=2)) as taken:
        if not taken:
            return 0
        team_ids = stale_team_ids(now=now)
        done = invites.following.sync.sync(team_ids=team_ids, until=now + SLICE)
    if done < len(team_ids) and timezone.now() >= now + SLICE:
        bells.sync()
    return done


def check_stock() -> None:
    """Every minute, and rung by everything that changes the stock."""
    stock_alert.check(timezone.now(), waiting=Redemption.objects.waiting().count())


def carry_out(departure_id: int) -> None:
    invites.departures.carry_out.carry_out(departure_id=departure_id)

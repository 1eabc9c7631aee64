"""The low-stock alert: one for each time the stock falls to the line, however many nodes look and seats move.

* It is told when the free seats (`stock`) come down to the threshold or below, and again every six hours while they
  stay there. A pool without any Team is not looked at, nor one whose Teams wait for their first look after an upgrade.
* It is armed again as soon as the stock is above the line by a Team imported since, or because the threshold was
  lowered; seats that merely became free must have stayed above it for five minutes. A stock that goes to and fro
  around the line therefore makes one alert, not a storm.
* Whatever moves the stock rings for a look (`ring`): at most one waits at a time. The minute's job finds what nobody
  rang for: a cool-down that ended, a subscription that lapsed, a lost bell. Taking a seat does not ring, since
  redeeming must stay fast: the drain that invites the person does.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from base.actors import job
from notifications.audit import events
from notifications.settings.declared import LOW_STOCK_THRESHOLD
from teampool import bells
from teampool.models import StockAlert, Team
from teampool.models.stock import ONLY
from teampool.pool import stock

ACTOR = job("stock")
REMIND_AFTER = timedelta(hours=6)
ABOVE_FOR = timedelta(minutes=5)
# Many seats move in the same moment: one look sees them all.
SOON = timedelta(seconds=1)
LOST_AFTER = timedelta(minutes=1)


def ring() -> None:
    """Queue a look at the stock after the commit. Never fails the caller, whose work is committed by then."""
    transaction.on_commit(_ring_once, robust=True)


def _ring_once() -> None:
    now = timezone.now()
    if _row().filter(rung_at__gt=now - LOST_AFTER).exists():
        return
    StockAlert.objects.bulk_create([StockAlert(pk=ONLY)], ignore_conflicts=True)
    # 0 rows: somebody else rang meanwhile.
    if _row().filter(Q(rung_at=None) | Q(rung_at__lte=now - LOST_AFTER)).update(rung_at=now):
        bells.check_stock(at=now + SOON)


def check(now: datetime, *, waiting: int) -> None:
    """Look at the stock and tell operators and the webhook what the rules above call for."""
    # First, so that a change of the stock from here on rings again: this look may not see it.
    _row().filter(rung_at__isnull=False).update(rung_at=None)
    alert = _row().first()
    if alert is None:
        StockAlert.objects.bulk_create([StockAlert(pk=ONLY)], ignore_conflicts=True)
        alert = _row().get()
    pool, threshold = stock.summary(now, waiting=waiting), LOW_STOCK_THRESHOLD.get()
    if pool.is_low(threshold):
        _low(alert, pool.free, threshold, now)
    elif pool.teams and alert.is_low and not pool.unlooked:
        _recovered(alert, threshold, now)


def _row() -> QuerySet[StockAlert]:
    return StockAlert.objects.filter(pk=ONLY)


def _unchanged(alert: StockAlert) -> QuerySet[StockAlert]:
    """The row, if no other node has told or armed the alert since it was read."""
    return _row().filter(is_low=alert.is_low, told_at=alert.told_at)


def _low(alert: StockAlert, free: int, threshold: int, now: datetime) -> None:
    if alert.is_low and alert.told_at is not None and now < alert.told_at + REMIND_AFTER:
        if alert.above_since is not None:
            _unchanged(alert).update(above_since=None)
        return
    with transaction.atomic():
        changes = {"is_low": True, "told_at": now, "told_threshold": threshold, "above_since": None}
        if _unchanged(alert).update(**changes) == 1:  # 0 rows: another node was faster
            events.low_stock(free=free, threshold=threshold, actor=ACTOR)


def _recovered(alert: StockAlert, threshold: int, now: datetime) -> None:
    if _is_restocked(alert, threshold) or (alert.above_since and now >= alert.above_since + ABOVE_FOR):
        _unchanged(alert).update(is_low=False, above_since=None)
    elif alert.above_since is None:
        _unchanged(alert).update(above_since=now)


def _is_restocked(alert: StockAlert, threshold: int) -> bool:
    new = Team.objects.filter(archived_at=None, created_at__gte=alert.told_at)
    return threshold < alert.told_threshold or new.exists()

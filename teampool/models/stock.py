"""Where the low-stock alert stands."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

ONLY = 1


class StockAlert(models.Model):
    """The alert's one row; every change is a counted update, so that two nodes make one alert (`stock_alert`)."""

    is_low = models.BooleanField(default=False)
    told_at = models.DateTimeField(null=True, blank=True)
    told_threshold = models.PositiveIntegerField(default=0)
    # Since when the stock is above the threshold again; after five minutes the alert is armed again.
    above_since = models.DateTimeField(null=True, blank=True)
    # When a look at the stock was queued that has not begun; until it has, nobody queues another.
    rung_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=ONLY), name="teampool_stockalert_one")]

    def __str__(self) -> str:
        return "low" if self.is_low else "enough"

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
    # Low, and back above the line since then: not yet for long enough to be told anew.
    above_since = models.DateTimeField(null=True, blank=True)
    # A look at the stock was rung for and has not begun: nobody rings again.
    rung_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=ONLY), name="teampool_stockalert_one")]

    def __str__(self) -> str:
        return "low" if self.is_low else "enough"

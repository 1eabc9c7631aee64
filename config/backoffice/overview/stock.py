"""Too few free seats, before redeemers notice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _

from config.backoffice.overview.line import Line
from invites.models import Redemption
from notifications.settings.declared import LOW_STOCK_THRESHOLD
from notifications.texts import notices
from teampool.pool import stock


def low_stock(now: datetime) -> Iterable[Line]:
    """The numbers of the low-stock alert as they are now; red once nobody can be given a seat."""
    pool, threshold = stock.summary(now, waiting=Redemption.objects.waiting().count()), LOW_STOCK_THRESHOLD.get()
    if pool.is_low(threshold):
        text = notices.line("low_stock", {"current_seats": pool.free, "threshold": threshold})
        link = reverse("admin:import_teams")
        yield Line("low_stock", text, is_red=not pool.soon, link=link, button=_("Import Teams"))

"""Limits how often an address, and an e-mail, may try to redeem. Counted in the database, so over all processes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet

from base import clock_repair
from base.addresses import network
from invites.models import RedeemAttempt
from invites.redeeming.errors import TooMany

_WINDOWS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `tries` within `window`."""

    tries: int
    window: timedelta


@lru_cache
def read_limit(text: str) -> Limit | None:
    """Read REDEEM_THROTTLE: `10/m` (s, m, h or d); None for `off`. Raises ImproperlyConfigured for anything else."""
    if text.strip().lower() == "off":
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,5})/([smhd])", text.strip().lower())
    if found is None:
        raise ImproperlyConfigured(f"REDEEM_THROTTLE: write a number per s, m, h or d like 10/m, or off; not {text!r}.")
    return Limit(int(found[1]), _WINDOWS[found[2]])


def check_setting(**_: Any) -> list[checks.CheckMessage]:
    """Refuse to start with a bad REDEEM_THROTTLE; else the first redeemer would meet the error."""
    try:
        read_limit(settings.REDEEM_THROTTLE)
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="invites.E001")]
    return []


def check(*, ip: str, email: str, now: datetime) -> None:
    """Count a try; or raise TooMany and count nothing. `email` "" counts for the address only.

    Call it outside any transaction: a try with a wrong code must stay counted.
    """
    limit = read_limit(settings.REDEEM_THROTTLE)
    if limit is None:
        return
    # Write first, then count the earlier rows: of many tries at once, each sees those before it. Tries more than a
    # window ahead were written by a wrong clock; counting them would block everybody until that time.
    mine = RedeemAttempt.objects.create(at=now, ip=network(ip), email=email)
    earlier = RedeemAttempt.objects.filter(pk__lt=mine.pk, at__gt=now - limit.window, at__lte=now + limit.window)
    free_at = [
        newest[-1] + limit.window
        for newest in (
            _newest(earlier.filter(ip=mine.ip), limit),
            _newest(earlier.filter(email=email), limit) if email else [],
        )
        if len(newest) == limit.tries
    ]
    if free_at:
        mine.delete()
        raise TooMany(max(1, ceil((max(free_at) - now) / timedelta(minutes=1))))


def _newest(attempts: QuerySet[RedeemAttempt], limit: Limit) -> list[datetime]:
    return list(attempts.order_by("-pk").values_list("at", flat=True)[: limit.tries])


def forget_ahead(*, now: datetime) -> None:
    """Delete tries that a clock which ran ahead wrote; they would count when their time comes."""
    RedeemAttempt.objects.filter(at__gt=now + clock_repair.SKEW).delete()

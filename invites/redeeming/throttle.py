"""How often one address, and one e-mail, may try to redeem: counted in the database, so over all processes."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.db.models import QuerySet

from base import clock_repair
from invites.models import RedeemAttempt
from invites.redeeming.emails import read_email
from invites.redeeming.errors import EmailInvalid, TooMany
from invites.redeeming.limits import Limit, read_limit

LONGEST_KEY = 64


def check(*, ip: str, email: str, now: datetime) -> None:
    """Count one try, or raise TooMany, which counts nothing. `email` is as typed: no address counts for none.

    Call it outside any transaction: a try whose code turns out wrong must stay counted.
    """
    limit = read_limit(settings.REDEEM_THROTTLE)
    if limit is None:
        return
    try:
        email = read_email(email)
    except EmailInvalid:
        email = ""
    # Written first, then ranked: of many at once, each sees those before it. None further ahead than a window: they
    # are of a clock that was wrong, and would shut the door until that time comes.
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


def network(ip: str) -> str:
    """The address a person counts under: of IPv6 the first 64 bits, as everyone at home has so many of the rest."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ip[:LONGEST_KEY]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address), 64), strict=False))


def forget_ahead(*, now: datetime) -> None:
    """Delete the tries a clock that ran ahead wrote: when their time comes they would count."""
    RedeemAttempt.objects.filter(at__gt=now + clock_repair.SKEW).delete()


def prune(*, now: datetime) -> int:
    """Delete the tries that count no more; returns how many."""
    limit = read_limit(settings.REDEEM_THROTTLE)
    kept = limit.window if limit is not None else timedelta(0)
    deleted, _ = RedeemAttempt.objects.filter(at__lt=now - kept).delete()
    return deleted

"""Locked log-ins: the page that says when to try again, and the notice to operators."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from base.actors import client_ip
from base.addresses import network
from base.times import clock
from notifications.audit import events


def counted_ip(request: HttpRequest) -> str:
    """The address wrong tries are counted by: of IPv6 the first one of the client's /64, as axes stores addresses."""
    return network(client_ip(request)).partition("/")[0]


def unlocks_at(*, username: str, ip: str, now: datetime) -> datetime:
    """When the log-in opens: the counted wrong tries fall below the limit. One cool-off from now if none is stored.

    axes keeps one row per browser; a row counts for one cool-off after its last try.
    """
    cool_off = settings.AXES_COOLOFF_TIME
    rows = AccessAttempt.objects.filter(username=username, ip_address=ip, attempt_time__gt=now - cool_off)
    counted = 0
    for at, failures in rows.order_by("-attempt_time").values_list("attempt_time", "failures_since_start"):
        counted += failures
        if counted >= settings.AXES_FAILURE_LIMIT:
            until: datetime = at + cool_off
            return until
    return now + cool_off


def locked_out(
    request: HttpRequest, original_response: HttpResponse | None = None, credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """429 with the time when log-in works again. The same for unknown accounts, so the page gives no account away."""
    username = (credentials or {}).get("username") or request.POST.get("username", "")
    now = timezone.now()
    until = unlocks_at(username=username, ip=counted_ip(request), now=now)
    context = admin.site.each_context(request) | {"until": clock(until, now)}
    return render(request, "admin/locked_out.html", context, status=429)


def report(sender: object, *, request: HttpRequest, username: str | None, ip_address: str, **kwargs: object) -> None:
    """Record a lockout. axes sends its signal again for every try during the lockout; only the first is recorded."""
    if getattr(request, "axes_failures_since_start", None):
        is_operator = User.objects.filter(username=username or "", is_staff=True, is_active=True).exists()
        events.operator_locked_out(username=username or "", ip=ip_address, is_operator=is_operator)

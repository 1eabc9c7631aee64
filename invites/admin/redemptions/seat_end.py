"""An operator changes when a seat ends: later, at a given time, or never."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from base.actors import operator
from base.times import full
from invites.actions import seat
from invites.actions.seat import Refused
from invites.admin.redemptions.actions import problem_words
from invites.codes.batches import LONGEST_SEAT
from invites.models import Redemption
from invites.states import RedemptionState

STEPS = (1, 7, 30)
LATEST = LONGEST_SEAT * 10
_FIELD = "%Y-%m-%dT%H:%M"


class _Unreadable(Exception):
    """The time cannot be read; the text says what to write."""


@dataclass(frozen=True, slots=True)
class EndForm:
    """What the page offers: a time in the operator's zone, steps of days, and no end."""

    action: str
    suggested: str
    steps: list[tuple[int, str]]
    is_temporary: bool


def form_for(redemption: Redemption) -> EndForm | None:
    """None when the redemption is over."""
    if redemption.state != RedemptionState.OPEN:
        return None
    ends_at = redemption.ends_at
    return EndForm(
        action=reverse("admin:redemption_end", args=[redemption.pk]),
        suggested=timezone.localtime(ends_at).strftime(_FIELD) if ends_at is not None else "",
        steps=[(days, ngettext("+%(n)s day", "+%(n)s days", days) % {"n": days}) for days in STEPS],
        is_temporary=ends_at is not None or redemption.seat_time is not None,
    )


def change(request: HttpRequest, redemption: Redemption) -> None:
    now = timezone.now()
    try:
        ends_at = _wanted(request, redemption, now)
        seat.set_end(redemption_id=redemption.pk, ends_at=ends_at, actor=operator(request))
    except _Unreadable as error:
        messages.error(request, str(error))
    except Refused as refused:
        words = problem_words(refused.code)
        messages.warning(request, _("%(email)s: %(what)s") % {"email": redemption.email, "what": words})
    else:
        text = _("%(email)s may stay without an end.") if ends_at is None else _("%(email)s may stay until %(time)s.")
        messages.success(request, text % {"email": redemption.email, "time": full(ends_at) if ends_at else ""})


def _wanted(request: HttpRequest, redemption: Redemption, now: datetime) -> datetime | None:
    if "permanent" in request.POST:
        return None
    days = request.POST.get("days", "")
    if days:
        if days not in map(str, STEPS):
            raise _Unreadable(_("Write a time to come, at most ten years ahead."))
        return max(now, redemption.ends_at or now) + timedelta(days=int(days))
    try:
        typed = parse_datetime(request.POST.get("ends_at", ""))
    except ValueError:
        typed = None
    if typed is not None and timezone.is_naive(typed):
        typed = timezone.make_aware(typed)
    if typed is None or not now < typed <= now + LATEST:
        raise _Unreadable(_("Write a time to come, at most ten years ahead."))
    return typed

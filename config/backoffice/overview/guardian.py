"""What the guardian leaves to a person: too many at once, strangers, people past their time, seats nobody sits in."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from base.times import clock
from config.backoffice.overview.line import Line
from guardian import settings
from guardian.admin.strip import paused
from guardian.decisions import overdue
from guardian.models import Finding, Sweep, Watch
from guardian.rules.states import NEEDS_CARE, Kind, State
from notifications.texts import notices

_HELD = Q(kind__in=NEEDS_CARE, state=State.HELD)
_STRANGERS = Q(kind__in=NEEDS_CARE, state__in=(State.OPEN, State.FAILED))
_VANISHED = Q(kind=Kind.VANISHED, grant__isnull=False)


def counts() -> dict[str, Any]:
    """How many findings wait, by what is to be done about them; one query."""
    return Finding.objects.asking().aggregate(
        held=Count("pk", filter=_HELD),
        strangers=Count("pk", filter=_STRANGERS),
        first=Min("first_seen_at", filter=_STRANGERS),
        vanished=Count("pk", filter=_VANISHED),
    )


def removals_paused() -> Iterable[Line]:
    if said := paused():
        yield Line("paused", said, link=reverse("admin:guardian_resume"), button=_("Resume"))


def capped(waiting: dict[str, Any]) -> Iterable[Line]:
    """More at once than allowed: a look at the list first."""
    if held := waiting["held"]:
        policy = settings.current_policy()
        limit = policy.limit_for(held)
        if held > limit:
            text = notices.line("guardian_capped", {"wanted": held, "limit": limit})
        else:  # an operator has decided about some of them
            text = ngettext(
                "{n} person of a sweep that stopped at its limit still waits for you",
                "{n} people of a sweep that stopped at its limit still wait for you",
                held,
            ).format(n=held)
        yield Line("capped", text, link=_list("?state=held"), button=_("See the list"))


def overdue_seats(now: datetime) -> Iterable[Line]:
    """From our own rows alone, so also while the guardian is off."""
    if people := overdue.seats(now).count():
        text = ngettext(
            "{n} person is past their time and still in", "{n} people are past their time and still in", people
        )
        button = _("Remove {n}").format(n=people)
        yield Line(
            "overdue", text.format(n=people), is_red=False, link=reverse("admin:guardian_overdue"), button=button
        )


def strangers(waiting: dict[str, Any], now: datetime) -> Iterable[Line]:
    if people := waiting["strangers"]:
        text = ngettext(
            "{n} person in Teams holds no seat · since {time}",
            "{n} people in Teams hold no seat · earliest {time}",
            people,
        ).format(n=people, time=clock(waiting["first"], now))
        yield Line("strangers", text, is_red=False, link=_list(), button=_("Review"))


def vanished(waiting: dict[str, Any]) -> Iterable[Line]:
    if people := waiting["vanished"]:
        text = ngettext(
            "{n} person left; their seat is still held", "{n} people left; their seats are still held", people
        )
        button = _("Release {n}").format(n=people)
        link = reverse("admin:guardian_vanished")
        yield Line("vanished", text.format(n=people), is_red=False, link=link, button=button)


def too_slow() -> Iterable[Line]:
    """The last sweep took longer than the interval: more Teams than the settings have time for."""
    since = Watch.objects.filter(pk=1).values_list("too_slow_since", flat=True).first()
    if since is None:
        return
    policy = settings.current_policy()
    last = Sweep.objects.filter(is_dry=False).exclude(finished_at=None).order_by("-pk").first()
    if not policy.is_enabled or last is None or last.finished_at is None:
        return
    seconds = int((last.finished_at - last.started_at).total_seconds())
    text = notices.line("sweep_too_slow", {"seconds": seconds, "interval": int(policy.interval[1])})
    link = reverse("admin:settings_section", args=["guardian"])
    yield Line("slow", text, is_red=False, link=link, button=_("Adjust"), since=since)


def _list(query: str = "") -> str:
    return f"{reverse('admin:guardian_finding_changelist')}{query}"

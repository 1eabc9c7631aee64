"""The strip above the guardian's pages: its mode, the button that changes it, and whether removals are paused."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from base.times import clock, tag
from guardian.admin import words
from guardian.admin.access import may_switch
from guardian.decisions import status
from guardian.settings import Policy
from invites.departures import window
from invites.settings import REMOVALS_PAUSED
from invites.words import number
from notifications.models import AuditEvent
from notifications.texts import notices


def context(request: HttpRequest) -> dict[str, Any]:
    """What `admin/guardian/strip.html` needs, in five queries; pages also use `view` and `last_sweep`."""
    now = timezone.now()
    view = status.outlook(now)
    return {
        "view": view,
        "now": now,
        "policy_words": enforcing(view.policy) if view.policy.enforces else "",
        "paused_words": paused(),
        "may_switch": may_switch(request),
        "last_sweep_at": tag(view.last.started_at, clock(view.last.started_at, now)) if view.last is not None else "",
        "last_sweep": words.last_sweep(view, now),
    }


def enforcing(policy: Policy) -> str:
    """Whom enforce mode removes, and how many at most."""
    minutes = int(policy.grace.total_seconds() // 60)
    text = ngettext(
        "The guardian removes strangers and duplicates once seen {n} times over {minutes} minute, "
        "at most {most} a sweep, {each} a Team, and {spent} a Team in {hours} hours.",
        "The guardian removes strangers and duplicates once seen {n} times over {minutes} minutes, "
        "at most {most} a sweep, {each} a Team, and {spent} a Team in {hours} hours.",
        minutes,
    )
    return text.format(
        n=number(policy.sightings),
        minutes=number(minutes),
        most=number(policy.max_per_sweep),
        each=number(policy.max_per_team),
        spent=number(policy.max_per_72h),
        hours=window.HOURS,
    )


def paused() -> str:
    """Why removals are paused; "" when they are not."""
    if not REMOVALS_PAUSED.get():
        return ""
    last = AuditEvent.objects.filter(action="removals_paused").order_by("-pk").first()
    hours = last.details.get("hours") if last is not None else None
    if isinstance(hours, int | float):
        return notices.line("guardian_stopped", {"hours": round(hours)})
    return _("Removals are paused")

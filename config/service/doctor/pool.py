"""Check log-ins, subscriptions and reads of the seats: those that ended or soon will, as on the first screen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.backoffice.overview import dashboard
from config.service.doctor.answer import Answer, ok, warning
from invites.settings import IS_OPEN, REMOVALS_PAUSED
from notifications.settings.runtime import read
from teampool.models import Team

KINDS = {"login", "token", "unpaid", "subscription", "role", "seats_unread"}


def look(now: datetime) -> Iterator[Answer]:
    yield from _paused()
    lines = [line for line in dashboard.attention(now, heartbeat=now) if line.kind in KINDS]
    for line in lines:
        yield warning("teams", line.text, _("In the back office the first screen says what to do: Overview."))
    if not lines:
        n = Team.objects.filter(archived_at=None).count()
        text = ngettext("{n} Team, no log-in about to end", "{n} Teams, no log-in about to end", n)
        yield ok("teams", text.format(n=n))


def _paused() -> Iterator[Answer]:
    """What an operator or a restore switched off, and may have forgotten."""
    values = read(IS_OPEN, REMOVALS_PAUSED)
    if not values[IS_OPEN.key]:
        text = _("Redemptions are paused: nobody can use a code.")
        yield warning("paused", text, f"manage.py config set {IS_OPEN.key}=on")
    if values[REMOVALS_PAUSED.key]:
        text = _("Removals are paused: nobody is taken out of a Team.")
        yield warning("paused", text, f"manage.py config set {REMOVALS_PAUSED.key}=off")

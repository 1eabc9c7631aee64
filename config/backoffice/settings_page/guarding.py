"""The section of the guardian."""

from __future__ import annotations

from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.backoffice.settings_page.fields import Field, Row, Section, one
from guardian.rules import policy

# Below the bound people are shown; below this a sweep would have no time to end.
SHORTEST_INTERVAL = 1
FROM, TO = pgettext_lazy("range", "from"), pgettext_lazy("range", "to")
SECONDS = pgettext_lazy("unit", "s")
SOONER = _("Yes, sweep more often than every 30 s: ChatGPT may answer with blocks.")

GUARDIAN = Section(
    id="guardian",
    title=_("Guardian"),
    help=(
        format_lazy(
            _(
                "The hours may cross midnight; the same at both ends is all day; they are those of {zone}. "
                "When it is first switched on, everyone present is noted as baseline. "
                "The first screen tells when the interval is too short."
            ),
            zone=settings.TIME_ZONE,
        ),
    ),
    above="admin/settings/guardian.html",
    also=(policy.ENABLED, policy.MODE),
    rows=(
        one(Field(policy.THREADS, _("Threads"), "number")),
        Row(
            (
                Field(policy.PAUSE_MIN, FROM, "number", unit=SECONDS),
                Field(policy.PAUSE_MAX, TO, "number", unit=SECONDS),
            ),
            label=_("Pause between Teams"),
        ),
        Row(
            (
                Field(policy.INTERVAL_MIN, FROM, "number", unit=SECONDS, floor=SHORTEST_INTERVAL, floor_words=SOONER),
                Field(policy.INTERVAL_MAX, TO, "number", unit=SECONDS, floor=SHORTEST_INTERVAL, floor_words=SOONER),
            ),
            label=_("Interval between sweeps"),
        ),
        Row(
            (Field(policy.ACTIVE_FROM, FROM, "clock"), Field(policy.ACTIVE_UNTIL, TO, "clock")),
            label=_("Hours"),
        ),
        one(Field(policy.GRACE_MINUTES, _("Grace"), "number", unit=_("minutes"))),
        one(Field(policy.SIGHTINGS, _("Sightings before it acts"), "number")),
        one(Field(policy.MAX_PER_SWEEP, _("Removals per sweep at most"), "number")),
        one(Field(policy.MAX_PER_TEAM, _("Removals per Team at most"), "number")),
    ),
)

"""The five sections in their order, and in the words of the page."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from config.backoffice.settings_page.fields import Field, Section, one
from config.backoffice.settings_page.guarding import GUARDIAN
from config.backoffice.settings_page.notices import BARK, MAIL, STOCK
from teampool.settings import DEFAULT_SEAT_CAP, FAILURES_TO_EXPIRE, WRITES_PER_TEAM

SEATS = Section(
    id="seats",
    title=_("Seats and health"),
    help=(
        _(
            "The owner is not counted. Where the number bought is known, the lower of the two holds. "
            "Member checks are counted apart: more than 3 failures within 10 minutes expire a Team."
        ),
    ),
    rows=(
        one(Field(DEFAULT_SEAT_CAP, _("Default seat cap"), "number")),
        one(Field(FAILURES_TO_EXPIRE, _("Failures in a row that count as expired"), "number")),
        one(Field(WRITES_PER_TEAM, _("Writes at once per Team"), "number")),
    ),
)
SECTIONS = {section.id: section for section in (SEATS, GUARDIAN, STOCK, BARK, MAIL)}
TUNABLES = [tunable for section in SECTIONS.values() for tunable in section.tunables]

"""The seven sections in their order, and in the words of their pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from guardian import settings as guardian
from invites.settings import IS_OPEN, MAX_REMOVALS_PER_72H, RECLAIM_AFTER_DAYS
from notifications import topics
from notifications.channels.registry import CHANNELS
from notifications.settings import declared
from notifications.settings.fields import ADDRESS, SHORT, Field, Group, Row, Words
from notifications.settings.runtime import RuntimeSetting
from notifications.texts.message_words import EVENTS
from teampool.settings import DEFAULT_SEAT_CAP, FAILURES_TO_EXPIRE, WRITES_PER_TEAM

FROM, TO = pgettext_lazy("range", "from"), pgettext_lazy("range", "to")
SECONDS = pgettext_lazy("unit", "s")
SOONER = _("Yes, sweep more often than every 30 s: ChatGPT may answer with blocks.")
LANGUAGES = {"zh-hans": "中文", "en": "English"}
CLOCK = forms.TextInput({"class": SHORT})
LONG = forms.Textarea({"rows": "9", "spellcheck": "true"})


@dataclass(frozen=True, slots=True)
class Section:
    """One page with one form: the channels whose page it is, then `rows` without a title, then groups of its own.

    `also`: settings that its templates show but that are changed elsewhere.
    """

    id: str
    title: Words
    rows: tuple[Row | Field, ...] = ()
    own: tuple[Group, ...] = ()
    help: tuple[Words, ...] = ()
    above: str = ""
    below: str = ""
    also: tuple[RuntimeSetting[Any], ...] = ()

    @property
    def groups(self) -> tuple[Group, ...]:
        untitled = (Group(rows=self.rows),) if self.rows else ()
        return (*(one.group for one in CHANNELS.values() if one.page == self.id), *untitled, *self.own)

    @property
    def fields(self) -> dict[str, Field]:
        return {one.key: one for group in self.groups for one in group.fields}

    @property
    def settings(self) -> list[RuntimeSetting[Any]]:
        return [*(one.setting for one in self.fields.values()), *self.also]


PUBLIC = Section(
    id="public",
    title=pgettext_lazy("settings", "Public"),
    rows=(
        Field(
            declared.PUBLIC_URL,
            _("Public address of this site"),
            widget=ADDRESS,
            help=_("Links in mails begin with it, for example https://seats.example.com."),
        ),
        Row(
            (
                Field(declared.MAIL_SUCCESS, _("Success: the invitation is confirmed")),
                Field(declared.MAIL_REMINDER, _("Reminder: the time is nearly over")),
                Field(declared.MAIL_MOVED, _("Moved: a seat in another Team")),
            ),
            label=_("Mails to redeemers"),
        ),
    ),
    own=(
        Group(
            title=_("Text of the success mail"),
            rows=(
                Field(declared.MAIL_SUCCESS_SUBJECT_ZH, _("Chinese: subject")),
                Field(declared.MAIL_SUCCESS_BODY_ZH, _("Chinese: text"), widget=LONG),
                Field(declared.MAIL_SUCCESS_SUBJECT_EN, _("English: subject")),
                Field(declared.MAIL_SUCCESS_BODY_EN, _("English: text"), widget=LONG),
            ),
            below="admin/settings/preview.html",
            is_folded=True,
        ),
    ),
)

SEATS = Section(
    id="seats",
    title=_("Seats"),
    help=(
        _(
            "The owner is not counted. Where the number bought is known, the lower of the two holds. "
            "Member checks are counted apart: more than 3 failures within 10 minutes expire a Team."
        ),
    ),
    rows=(
        Field(DEFAULT_SEAT_CAP, _("Default seat cap")),
        Field(FAILURES_TO_EXPIRE, _("Failures in a row that count as expired")),
        Field(WRITES_PER_TEAM, _("Writes at once per Team")),
    ),
)

REDEEMING = Section(
    id="redeeming",
    title=pgettext_lazy("settings", "Redeeming"),
    help=(
        _(
            "While redeeming is off, the public form says so; seats and invitations go on as they are. "
            "The code of a withdrawn invitation can be used again."
        ),
        _("Tries are not limited: the environment variable REDEEM_THROTTLE says so.")
        if settings.REDEEM_THROTTLE == "off"
        else format_lazy(
            _("The limit of tries, {limit}, is set by the environment variable REDEEM_THROTTLE."),
            limit=settings.REDEEM_THROTTLE,
        ),
    ),
    rows=(
        Field(IS_OPEN, _("Accept redemptions")),
        Field(RECLAIM_AFTER_DAYS, _("Reclaim unaccepted invitations"), unit=pgettext_lazy("unit", "days; 0 is never")),
    ),
)

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
    also=(guardian.ENABLED, guardian.MODE),
    rows=(
        Field(guardian.THREADS, _("Threads")),
        Row(
            (Field(guardian.PAUSE_MIN, FROM, unit=SECONDS), Field(guardian.PAUSE_MAX, TO, unit=SECONDS)),
            label=_("Pause between Teams"),
        ),
        Row(
            (
                Field(guardian.INTERVAL_MIN, FROM, unit=SECONDS, insist=SOONER),
                Field(guardian.INTERVAL_MAX, TO, unit=SECONDS, insist=SOONER),
            ),
            label=_("Interval between sweeps"),
        ),
        Row(
            (Field(guardian.ACTIVE_FROM, FROM, widget=CLOCK), Field(guardian.ACTIVE_UNTIL, TO, widget=CLOCK)),
            label=_("Hours"),
        ),
        Field(guardian.GRACE_MINUTES, _("Grace"), unit=_("minutes")),
        Field(guardian.SIGHTINGS, _("Sightings before it acts")),
        Field(guardian.MAX_PER_SWEEP, _("Removals per sweep at most")),
        Field(guardian.MAX_PER_TEAM, _("Removals per Team at most")),
        Field(
            MAX_REMOVALS_PER_72H,
            _("Removals per Team and 72 hours at most"),
            help=_("Removing and inviting again within a short time costs money, and may get a Team suspended."),
        ),
    ),
)

NOTICES = Section(
    id="notices",
    title=_("Notices"),
    own=(
        Group(
            title=_("What you are told of"),
            help=(_("By each channel above that is set up; e-mail needs an address for notices."),),
            rows=(
                Row(
                    tuple(Field(declared.TELL[topic], EVENTS[topic]) for topic in topics.TOPICS),
                    label=_("Events"),
                ),
                Field(declared.OPERATOR_LANGUAGE, _("Language of notices"), words=LANGUAGES),
            ),
        ),
    ),
)

API = Section(
    id="api",
    title=pgettext_lazy("settings", "API"),
    help=(
        _("One notice when free seats fall to the threshold or below; armed again when they recover."),
        _("The API key can only import and is shown this once; when replaced, the old one stops at once."),
    ),
    below="admin/settings/key.html",
)

SECURITY = Section(
    id="security",
    title=pgettext_lazy("settings", "Security"),
    help=(
        format_lazy(
            _("{n} wrong passwords lock for {minutes} minutes."),
            n=settings.AXES_FAILURE_LIMIT,
            minutes=settings.AXES_COOLOFF_TIME.seconds // 60,
        ),
    ),
    below="admin/settings/security.html",
)

SECTIONS = {one.id: one for one in (PUBLIC, SEATS, REDEEMING, GUARDIAN, NOTICES, API, SECURITY)}

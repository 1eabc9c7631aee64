"""The seven sections in their order, and in the words of their pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from config.backoffice.settings_page.fields import SHORT, Field, Group, Row, Section
from guardian.rules import policy
from invites.settings import IS_OPEN, RECLAIM_AFTER_DAYS
from notifications import topics
from notifications.channels.bark import Bark
from notifications.channels.email import Email
from notifications.channels.webhook import Webhook
from notifications.settings import declared
from notifications.texts.message_words import EVENTS
from teampool.settings import DEFAULT_SEAT_CAP, FAILURES_TO_EXPIRE, WRITES_PER_TEAM

FROM, TO = pgettext_lazy("range", "from"), pgettext_lazy("range", "to")
SECONDS = pgettext_lazy("unit", "s")
SOONER = _("Yes, sweep more often than every 30 s: ChatGPT may answer with blocks.")
LANGUAGES = {"zh-hans": "中文", "en": "English"}
ADDRESS = forms.URLInput({"inputmode": "url"})
CLOCK = forms.TextInput({"class": SHORT})
LONG = forms.Textarea({"rows": "9", "spellcheck": "true"})
PASSWORD = forms.PasswordInput({"autocomplete": "new-password"})

PUBLIC = Section(
    id="public",
    title=pgettext_lazy("settings", "Public"),
    groups=(
        Group(
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
        ),
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
    groups=(
        Group(
            rows=(
                Field(DEFAULT_SEAT_CAP, _("Default seat cap")),
                Field(FAILURES_TO_EXPIRE, _("Failures in a row that count as expired")),
                Field(WRITES_PER_TEAM, _("Writes at once per Team")),
            ),
        ),
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
    groups=(
        Group(
            rows=(
                Field(IS_OPEN, _("Accept redemptions")),
                Field(
                    RECLAIM_AFTER_DAYS,
                    _("Reclaim unaccepted invitations"),
                    unit=pgettext_lazy("unit", "days; 0 is never"),
                ),
            ),
        ),
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
    also=(policy.ENABLED, policy.MODE),
    groups=(
        Group(
            rows=(
                Field(policy.THREADS, _("Threads")),
                Row(
                    (Field(policy.PAUSE_MIN, FROM, unit=SECONDS), Field(policy.PAUSE_MAX, TO, unit=SECONDS)),
                    label=_("Pause between Teams"),
                ),
                Row(
                    (
                        Field(policy.INTERVAL_MIN, FROM, unit=SECONDS, insist=SOONER),
                        Field(policy.INTERVAL_MAX, TO, unit=SECONDS, insist=SOONER),
                    ),
                    label=_("Interval between sweeps"),
                ),
                Row(
                    (Field(policy.ACTIVE_FROM, FROM, widget=CLOCK), Field(policy.ACTIVE_UNTIL, TO, widget=CLOCK)),
                    label=_("Hours"),
                ),
                Field(policy.GRACE_MINUTES, _("Grace"), unit=_("minutes")),
                Field(policy.SIGHTINGS, _("Sightings before it acts")),
                Field(policy.MAX_PER_SWEEP, _("Removals per sweep at most")),
                Field(policy.MAX_PER_TEAM, _("Removals per Team at most")),
            ),
        ),
    ),
)


def _password_for_another(changes: Mapping[str, Any], stored: Mapping[str, Any]) -> tuple[str, str] | None:
    """A stored password goes to no server, and under no name, that it was not typed for; the shell is trusted."""
    key = declared.SMTP_PASSWORD.key
    is_moved = changes.get(declared.SMTP_HOST.key) or changes.get(declared.SMTP_USER.key)
    if not is_moved or key in changes or not stored[key]:
        return None
    return key, gettext("Type the password again: the stored one was meant for another server or user name.")


NOTICES = Section(
    id="notices",
    title=_("Notices"),
    rule=_password_for_another,
    groups=(
        Group(
            title="Bark",
            help=(
                _(
                    "Pushed: token expired, Team suspended, low stock, guardian stopped, invitation unconfirmed, "
                    "log-in locked. The words are those of the line on the first screen."
                ),
            ),
            rows=(
                Field(
                    declared.BARK_URL,
                    "URL",
                    help=_("As the app shows it: https://api.day.app/key. Who knows it can push to your phone."),
                ),
                Field(
                    declared.BARK_LEVEL,
                    _("Level"),
                    words={
                        "active": pgettext_lazy("notice", "normal"),
                        "timeSensitive": _("time-sensitive: through a focus mode"),
                        "passive": _("passive: no sound"),
                        "critical": _("critical: sounds in silent mode too"),
                    },
                ),
                Field(declared.BARK_SOUND, _("Sound"), help=_("Empty: the app's own.")),
            ),
            channel=Bark.name,
        ),
        Group(
            title=_("What you are told of"),
            help=(_("By Bark, and by e-mail if an address for notices is set below."),),
            rows=(
                Row(
                    tuple(Field(declared.TELL[topic], EVENTS[topic]) for topic in topics.TOPICS),
                    label=_("Events"),
                ),
                Field(declared.OPERATOR_LANGUAGE, _("Language of notices"), words=LANGUAGES),
            ),
        ),
        Group(
            title=pgettext_lazy("settings", "E-mail"),
            help=(
                _("QQ Mail: smtp.qq.com, 465, SSL; the password is the authorisation code."),
                _("Gmail: smtp.gmail.com, 587, STARTTLS; an app password."),
            ),
            above="admin/settings/presets.html",
            rows=(
                Field(declared.SMTP_HOST, pgettext_lazy("e-mail", "Server")),
                Field(declared.SMTP_PORT, _("Port")),
                Field(declared.SMTP_SECURITY, _("Encryption"), words={"ssl": "SSL", "starttls": "STARTTLS"}),
                Field(declared.SMTP_USER, _("User name")),
                Field(declared.SMTP_PASSWORD, _("Password"), widget=PASSWORD),
                Field(declared.SMTP_SENDER, _("Sender"), help=_("Empty: the user name.")),
                Field(
                    declared.OPERATOR_EMAIL,
                    _("Notices to operators go to"),
                    widget=forms.EmailInput(),
                    help=_("Empty: no notices by e-mail. The test goes here, or else to the sender."),
                ),
            ),
            channel=Email.name,
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
    groups=(
        Group(
            rows=(
                Field(declared.LOW_STOCK_THRESHOLD, _("Threshold"), unit=pgettext_lazy("unit", "free seats")),
                Field(declared.WEBHOOK_URL, _("Webhook URL"), widget=ADDRESS),
                Field(
                    declared.WEBHOOK_SECRET,
                    _("Secret"),
                    help=_("Signs each notice as Standard Webhooks says; the receiver checks it with the same secret."),
                    can_make=True,
                ),
                Field(declared.WEBHOOK_ALLOW_PRIVATE, _("Allow private addresses")),
            ),
            channel=Webhook.name,
        ),
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

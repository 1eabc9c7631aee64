"""The sections of the notices: stock alert and import API, Bark, e-mail."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from config.backoffice.settings_page.fields import Field, Row, Section, one
from notifications import topics
from notifications.channels.bark import Bark
from notifications.channels.email import Email
from notifications.channels.webhook import Webhook
from notifications.settings import declared
from notifications.texts.message_words import EVENTS

LANGUAGES = {"zh-hans": "中文", "en": "English"}
STOCK = Section(
    id="stock",
    title=_("Stock alert and import API"),
    help=(
        _("One notice when free seats fall to the threshold or below; armed again when they recover."),
        _("The API key can only import and is shown this once; when replaced, the old one stops at once."),
    ),
    rows=(
        one(Field(declared.WEBHOOK_URL, _("Webhook URL"), "address")),
        one(
            Field(
                declared.WEBHOOK_SECRET,
                _("Secret"),
                "secret",
                help=_("Signs each notice as Standard Webhooks says; the receiver checks it with the same secret."),
                can_make=True,
            )
        ),
        one(Field(declared.WEBHOOK_ALLOW_PRIVATE, _("Allow private addresses"), "switch")),
        one(Field(declared.LOW_STOCK_THRESHOLD, _("Threshold"), "number", unit=pgettext_lazy("unit", "free seats"))),
    ),
    below="admin/settings/key.html",
    channel=Webhook.name,
)

BARK = Section(
    id="bark",
    title="Bark",
    help=(
        _(
            "Pushed: token expired, Team suspended, low stock, guardian stopped, invitation unconfirmed, "
            "log-in locked. The words are those of the line on the first screen."
        ),
    ),
    rows=(
        one(
            Field(
                declared.BARK_URL,
                "URL",
                "secret",
                help=_("As the app shows it: https://api.day.app/key. Who knows it can push to your phone."),
            )
        ),
        one(
            Field(
                declared.BARK_LEVEL,
                _("Level"),
                "choice",
                words={
                    "active": pgettext_lazy("notice", "normal"),
                    "timeSensitive": _("time-sensitive: through a focus mode"),
                    "passive": _("passive: no sound"),
                    "critical": _("critical: sounds in silent mode too"),
                },
            )
        ),
        one(Field(declared.BARK_SOUND, _("Sound"), "text", help=_("Empty: the app's own."))),
        Row(
            tuple(Field(declared.TELL[topic], EVENTS[topic], "switch") for topic in topics.TOPICS),
            label=_("What you are told of"),
            help=_("By Bark, and by e-mail if an address for notices is set below."),
        ),
    ),
    channel=Bark.name,
)

MAIL = Section(
    id="mail",
    title=pgettext_lazy("settings", "E-mail"),
    help=(
        _("QQ Mail: smtp.qq.com, 465, SSL; the password is the authorisation code."),
        _("Gmail: smtp.gmail.com, 587, STARTTLS; an app password."),
    ),
    above="admin/settings/presets.html",
    rows=(
        one(Field(declared.SMTP_HOST, pgettext_lazy("e-mail", "Server"), "text")),
        one(Field(declared.SMTP_PORT, _("Port"), "number")),
        one(Field(declared.SMTP_SECURITY, _("Encryption"), "choice", words={"ssl": "SSL", "starttls": "STARTTLS"})),
        one(Field(declared.SMTP_USER, _("User name"), "text")),
        one(Field(declared.SMTP_PASSWORD, _("Password"), "password")),
        one(Field(declared.SMTP_SENDER, _("Sender"), "text", help=_("Empty: the user name."))),
        one(
            Field(
                declared.OPERATOR_EMAIL,
                _("Notices to operators go to"),
                "email",
                help=_("Empty: no notices by e-mail. The test goes here, or else to the sender."),
            )
        ),
        one(Field(declared.OPERATOR_LANGUAGE, _("Language of notices"), "choice", words=LANGUAGES)),
        one(
            Field(
                declared.PUBLIC_URL,
                _("Public address of this site"),
                "address",
                help=_("Links in mails begin with it, for example https://seats.example.com."),
            )
        ),
        Row(
            (
                Field(declared.MAIL_SUCCESS, _("Success: the invitation is confirmed"), "switch"),
                Field(declared.MAIL_REMINDER, _("Reminder: the time is nearly over"), "switch"),
                Field(declared.MAIL_MOVED, _("Moved: a seat in another Team"), "switch"),
            ),
            label=_("Mails to redeemers"),
        ),
    ),
    folded_title=_("Text of the success mail"),
    folded=(
        one(Field(declared.MAIL_SUCCESS_SUBJECT_ZH, _("Chinese: subject"), "text")),
        one(Field(declared.MAIL_SUCCESS_BODY_ZH, _("Chinese: text"), "long")),
        one(Field(declared.MAIL_SUCCESS_SUBJECT_EN, _("English: subject"), "text")),
        one(Field(declared.MAIL_SUCCESS_BODY_EN, _("English: text"), "long")),
    ),
    channel=Email.name,
)

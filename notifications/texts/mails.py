"""Mails in the recipient's language: subject, text, and HTML made from the text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.translation import override

from notifications.models import Message
from notifications.settings import declared, placeholders
from notifications.texts import notices

# The settings a mail's text needs, read together with the mail server's settings.
WANTED = (
    declared.PUBLIC_URL,
    declared.MAIL_SUCCESS_SUBJECT_ZH,
    declared.MAIL_SUCCESS_SUBJECT_EN,
    declared.MAIL_SUCCESS_BODY_ZH,
    declared.MAIL_SUCCESS_BODY_EN,
)
_LINK = re.compile(r"https?://[^\s<>\"'，。；、）】》]+[^\s<>\"'，。；、）】》.,;:!?)]")
_GAP = re.compile(r"\n{3,}")
_HTML = (
    '<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{subject}</title></head>'
    "<body style=\"margin:0;padding:24px;font:16px/1.6 system-ui,-apple-system,'PingFang SC','Microsoft YaHei',"
    'sans-serif;color:#16211d"><div style="max-width:480px;margin:0 auto">{body}</div></body></html>'
)


@dataclass(frozen=True, slots=True)
class Letter:
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The operator's texts of the success mail by language, and this site's address."""

    subjects: Mapping[str, str]
    bodies: Mapping[str, str]
    public_url: str

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        return cls(
            subjects={
                "zh-hans": values[declared.MAIL_SUCCESS_SUBJECT_ZH.key],
                "en": values[declared.MAIL_SUCCESS_SUBJECT_EN.key],
            },
            bodies={
                "zh-hans": values[declared.MAIL_SUCCESS_BODY_ZH.key],
                "en": values[declared.MAIL_SUCCESS_BODY_EN.key],
            },
            public_url=notices.public_url(values),
        )


def letter(message: Message, texts: Texts) -> Letter:
    """The mail of a message: a mail to a redeemer, or the notice to operators."""
    with override(message.language):
        template = _template(message, texts)
        if template is None:
            return _notice(message, texts.public_url)
        values = _values(message.context, texts.public_url)
        subject = " ".join(_filled(template[0], values).split())
        text = _filled(template[1], values)
        return Letter(subject, text, _html(subject, _linked(text), message.language))


def _template(message: Message, texts: Texts) -> tuple[str, str] | None:
    """Subject and text of a mail to a redeemer, with placeholders; None for a notice to operators."""
    language = message.language if message.language in texts.bodies else "zh-hans"
    if message.event == "mail_success":
        return texts.subjects[language], texts.bodies[language]
    if message.event == "mail_reminder":
        return _("Your ChatGPT Team seat ends soon"), _(
            "The seat of {email} ends on {ends_at}.\n\n"
            "If you need it longer, ask the person who gave you the code.\n\nStatus: {status_url}"
        )
    if message.event == "mail_moved":
        return _("Your seat moved to another Team"), _(
            "Your seat moved to another Team. Please accept the new invitation mail.\n\n"
            "1. Open the new invitation from OpenAI to {email} and accept;\n2. sign in with the same e-mail;\n"
            "3. switch to the Team.\n\nProgress: {status_url}"
        )
    return None


def _notice(message: Message, public_url: str) -> Letter:
    """A notice to operators. Nothing in it becomes a link: a stranger at the log-in may have written part of it."""
    line = notices.line(message.event, message.context)
    subject = _("Seatkeeper: {line}").format(line=line)
    if not public_url:
        return Letter(subject, line, _html(subject, escape(line), message.language))
    address = notices.admin_address(public_url)
    paragraphs = f"{escape(line)}</p><p>{_linked(address)}"
    return Letter(subject, f"{line}\n\n{address}", _html(subject, paragraphs, message.language))


def _values(context: Mapping[str, Any], public_url: str) -> dict[str, str]:
    path = context.get("status_path", "")
    return {
        "email": context.get("email", ""),
        "ends_at": context.get("ends_at", ""),
        "status_url": public_url + path if public_url and path else "",
    }


def _filled(text: str, values: Mapping[str, str]) -> str:
    """Fill in the placeholders; drop a line whose value is missing, as `{ends_at}` of a seat without an end."""
    kept = [row for row in text.split("\n") if all(values[name] for name in placeholders.used(row))]
    return _GAP.sub("\n\n", placeholders.fill("\n".join(kept), values)).strip()


def _html(subject: str, paragraphs: str, language: str) -> str:
    return _HTML.format(language=escape(language), subject=escape(subject), body=f"<p>{paragraphs}</p>")


def _linked(text: str) -> str:
    """The text as HTML: escaped, in paragraphs, addresses as links."""
    parts, end = [], 0
    for found in _LINK.finditer(text):
        address = escape(found[0])
        parts += [escape(text[end : found.start()]), f'<a href="{address}">{address}</a>']
        end = found.end()
    return "".join([*parts, escape(text[end:])]).replace("\n\n", "</p><p>").replace("\n", "<br>")

"""Mails from the pages of settings: services whose server is known, and the success mail as it is typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from config.backoffice.settings_page.forms import SectionForm
from invites.times import public_time
from notifications.channels import email
from notifications.settings import declared, placeholders, runtime
from notifications.settings.fields import Words

_EXAMPLE_PERSON, _EXAMPLE_SITE, _EXAMPLE_PAGE = "name@example.com", "https://seats.example.com", "Q4RT6HZN"
_MAILS = (
    ("zh-hans", declared.MAIL_SUCCESS_SUBJECT_ZH, declared.MAIL_SUCCESS_BODY_ZH),
    ("en", declared.MAIL_SUCCESS_SUBJECT_EN, declared.MAIL_SUCCESS_BODY_EN),
)


@dataclass(frozen=True, slots=True)
class Preset:
    """A mail service. Nothing is saved by choosing one."""

    name: Words
    values: dict[str, str] = field(default_factory=dict)

    @property
    def json(self) -> str:
        """The values by field id, for the page's script."""
        return json.dumps({key.replace(".", "-"): value for key, value in self.values.items()})


def _preset(name: Words, host: str, port: int, security: str) -> Preset:
    values = {email.HOST.key: host, email.PORT.key: str(port), email.SECURITY.key: security}
    return Preset(name, values)


PRESETS = {
    "qq": _preset(_("QQ Mail"), "smtp.qq.com", 465, "ssl"),
    "gmail": _preset("Gmail", "smtp.gmail.com", 587, "starttls"),
}


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it would look, or the reason why it cannot be."""

    language: str
    subject: str = ""
    body: str = ""
    problem: str = ""


def preview(form: SectionForm) -> list[Mail]:
    """Both languages, filled in with an example; a text that could not be saved comes with the reason instead."""
    texts = {key: form.control(key).typed or "" for key in form.fields}
    return [_mail(language, subject, body, texts) for language, subject, body in _MAILS]


def _mail(
    language: str, subject: runtime.RuntimeSetting[str], body: runtime.RuntimeSetting[str], texts: Mapping[str, str]
) -> Mail:
    with translation.override(language):
        ends_at = public_time(timezone.now() + timedelta(hours=24))
    site = texts[declared.PUBLIC_URL.key] or _EXAMPLE_SITE
    example = {
        "email": _EXAMPLE_PERSON,
        "status_url": site + reverse("status", args=[_EXAMPLE_PAGE]),
        "ends_at": ends_at,
    }
    try:
        parts = [str(one.parse(texts[one.key])) for one in (subject, body)]
    except runtime.BadSetting as error:
        return Mail(language, problem=error.reason)
    return Mail(language, *(placeholders.fill(part, example) for part in parts))

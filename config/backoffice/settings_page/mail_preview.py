"""The success mail as it is typed, filled in with an example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone, translation

from config.backoffice.settings_page.notices import MAIL
from config.backoffice.settings_page.saving import sentence, typed
from invites.times import public_time
from notifications.settings import declared, placeholders, runtime

_EXAMPLE_PERSON, _EXAMPLE_SITE, _EXAMPLE_PAGE = "name@example.com", "https://seats.example.com", "Q4RT6HZN"
_MAILS = (
    ("zh-hans", declared.MAIL_SUCCESS_SUBJECT_ZH, declared.MAIL_SUCCESS_BODY_ZH),
    ("en", declared.MAIL_SUCCESS_SUBJECT_EN, declared.MAIL_SUCCESS_BODY_EN),
)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it would look, or the reason why it cannot be."""

    language: str
    subject: str = ""
    body: str = ""
    problem: str = ""


def mails(posted: Mapping[str, str]) -> list[Mail]:
    """Both languages; a text that could not be saved comes with the reason instead."""
    texts = typed(MAIL, posted)
    site = texts.get(declared.PUBLIC_URL.key) or _EXAMPLE_SITE
    return [_mail(language, site, subject, body, texts) for language, subject, body in _MAILS]


def _mail(
    language: str, site: str, subject: runtime.Tunable[str], body: runtime.Tunable[str], texts: Mapping[str, str]
) -> Mail:
    with translation.override(language):
        ends_at = public_time(timezone.now() + timedelta(hours=24))
    example = {
        "email": _EXAMPLE_PERSON,
        "status_url": site + reverse("status", args=[_EXAMPLE_PAGE]),
        "ends_at": ends_at,
    }
    try:
        parts = [str(one.parse(texts.get(one.key, ""))) for one in (subject, body)]
    except runtime.BadSetting as error:
        return Mail(language, problem=sentence(error.reason))
    return Mail(language, *(placeholders.fill(part, example) for part in parts))

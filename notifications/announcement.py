"""The announcement above the redeem form: one text in two languages, shown or not."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.safestring import SafeString

from base.actors import Actor
from notifications.audit import events
from notifications.markdown import as_html
from notifications.models import Announcement

LONGEST = 4_000
_VERSION = re.compile(r"[0-9a-f]{16}")
_EXCERPT = 80


@dataclass(frozen=True, slots=True)
class Shown:
    """The announcement in a reader's language. `version` changes when either language's text changes."""

    html: SafeString
    version: str


def current(language: str) -> Shown | None:
    """The announcement to show, in this language or else in the other; None when there is none. One query."""
    row = Announcement.objects.filter(pk=1, is_shown=True).first()
    text = in_language(row.zh, row.en, language) if row is not None else ""
    return Shown(as_html(text), version_of(row.zh, row.en)) if row is not None and text else None


def in_language(zh: str, en: str, language: str) -> str:
    first, second = (en, zh) if language.startswith("en") else (zh, en)
    return first if first.strip() else second.strip()


def version_of(zh: str, en: str) -> str:
    return hashlib.sha256(f"{zh}\0{en}".encode()).hexdigest()[:16]


def is_version(text: str) -> bool:
    return _VERSION.fullmatch(text) is not None


def stored() -> Announcement:
    return Announcement.objects.filter(pk=1).first() or Announcement(pk=1, updated_at=timezone.now())


def change(*, zh: str, en: str, is_shown: bool, actor: Actor) -> bool:
    """Save the announcement; False when nothing changed. The audit keeps the beginning of each text."""
    after: dict[str, Any] = {"zh": zh, "en": en, "is_shown": is_shown}
    with transaction.atomic():
        row = Announcement.objects.select_for_update().filter(pk=1).first() or Announcement(pk=1)
        before = {name: getattr(row, name) for name in after}
        changed = [name for name in after if before[name] != after[name]]
        if not changed:
            return False
        Announcement.objects.update_or_create(pk=1, defaults=after | {"updated_at": timezone.now()})
        events.announcement_changed(
            before={name: _excerpt(before[name]) for name in changed},
            after={name: _excerpt(after[name]) for name in changed},
            actor=actor,
        )
    return True


def _excerpt(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    line = " ".join(value.split())
    return line if len(line) <= _EXCERPT else f"{line[:_EXCERPT]}…"

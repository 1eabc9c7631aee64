"""The audit as a CSV file."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import translation
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from base.csv_files import download
from notifications.audit import words
from notifications.models import AuditEvent

AT_ONCE = 1_000


def as_csv(records: QuerySet[AuditEvent]) -> StreamingHttpResponse:
    """These records, newest first, in the active language, streamed.

    Each query reads a thousand: memory stays small, and no long query keeps the database from cleaning up old rows.
    """
    at = _("Time ({zone})").format(zone=settings.TIME_ZONE)
    header = [at, _("Who"), _("Kind"), _("What"), _("On whom"), _("From where")]
    rows = _rows(records.order_by("-pk"), translation.get_language() or settings.LANGUAGE_CODE)
    return download(f"audit-{localtime():%Y-%m-%d}.csv", header, rows)


def _rows(records: QuerySet[AuditEvent], language: str) -> Iterator[list[str]]:
    piece = list(records[:AT_ONCE])
    while piece:
        with translation.override(language):
            rows = [_row(event) for event in piece]
        yield from rows
        piece = list(records.filter(pk__lt=piece[-1].pk)[:AT_ONCE])


def _row(event: AuditEvent) -> list[str]:
    kind = str(words.ACTORS.get(event.actor_kind, event.actor_kind))
    at = localtime(event.at).strftime("%Y-%m-%d %H:%M:%S")
    return [at, event.actor, kind, words.what(event), words.on_what(event), event.ip]

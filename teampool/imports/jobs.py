"""Imports as rows: accept, retry, progress. `worker.py` does the work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from base.actors import Actor
from notifications.audit import events
from teampool import bells
from teampool.imports.bring_in import holds, login_email, pack
from teampool.imports.reading.record import Record
from teampool.imports.reading.text import parse
from teampool.imports.reasons import RETRYABLE, reason_text, state_of
from teampool.imports.worker import work
from teampool.models import ImportJob, ImportLine

__all__ = [
    "MOST_BYTES",
    "MOST_LINES",
    "NothingToImport",
    "TooManyLines",
    "accept",
    "accept_records",
    "forget",
    "progress",
    "read_text",
    "reason_text",
    "retriable",
    "retry_failed",
    "work",
]

KEPT_FOR = timedelta(hours=24)
MOST_BYTES = 5 * 1024 * 1024
MOST_LINES = 20_000
_ROWS_AT_ONCE = 500
_KEPT_FOR_RETRY = ("file", "number", "part", "place", "email", "meant_for", "holds", "unused", "payload")

State = ImportLine.State
GOOD = (State.CREATED, State.UPDATED, State.DUPLICATE)
BAD = (State.INVALID, State.FAILED)


class NothingToImport(ValueError):
    """The text has no line that could be an account, or no failed line is left to retry."""


class TooManyLines(ValueError):
    """An import may have `MOST_LINES` lines."""


def read_text(data: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 or GB 18030; unreadable bytes become U+FFFD."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def accept(*, text: str, actor: Actor, format: str = "auto", is_rung: bool = True) -> ImportJob:
    """Accept every line of `text` and ring for the work. Raises NothingToImport and TooManyLines.

    With `is_rung` False the caller works on it at once; if the caller dies, the sweep finds the job.
    """
    return accept_records(parse(text, format=format), actor=actor, is_rung=is_rung)


def accept_records(records: Iterable[Record], *, actor: Actor, is_rung: bool = True) -> ImportJob:
    records = list(records)
    if not records:
        raise NothingToImport
    if len(records) > MOST_LINES:
        raise TooManyLines
    return _open_job(list(_lines(records, timezone.now())), actor, is_rung=is_rung)


def retriable(job_id: int) -> QuerySet[ImportLine]:
    """The failed lines that may succeed later and whose secrets are still stored."""
    lines = ImportLine.objects.filter(job_id=job_id, state=State.FAILED, reason__in=RETRYABLE)
    return lines.exclude(payload="")


def retry_failed(*, job_id: int, actor: Actor, is_rung: bool = True) -> ImportJob:
    """A new import of the `retriable` lines. Raises NothingToImport.

    The secrets move to the new import, so that two clicks start one retry.
    """
    with transaction.atomic():
        old = list(retriable(job_id).select_for_update())
        if not old:
            raise NothingToImport
        ImportLine.objects.filter(pk__in=[line.pk for line in old]).update(payload="")
        again = [ImportLine(**{field: getattr(line, field) for field in _KEPT_FOR_RETRY}) for line in old]
        return _open_job(again, actor, is_rung=is_rung, retry_of_id=job_id)


def progress(job: ImportJob) -> dict[str, int]:
    """How far the import is, in one query. A duplicate counts as a success: the other line brings its account in."""
    counts = ImportLine.objects.filter(job=job).aggregate(
        good=Count("pk", filter=Q(state__in=GOOD)), bad=Count("pk", filter=Q(state__in=BAD))
    )
    good, bad = counts["good"], counts["bad"]
    return {"current": good + bad, "total": job.total, "success_count": good, "failed_count": bad}


def forget(*, now: datetime) -> int:
    """Delete the secrets of lines that failed more than 24 hours ago; return how many."""
    old = ImportLine.objects.filter(state=State.FAILED, finished_at__lt=now - KEPT_FOR).exclude(payload="")
    return old.update(payload="")


def _open_job(lines: list[ImportLine], actor: Actor, *, is_rung: bool, retry_of_id: int | None = None) -> ImportJob:
    with transaction.atomic():
        job = ImportJob.objects.create(
            actor_kind=actor.kind,
            actor=actor.name[:254],
            ip=actor.ip,
            total=len(lines),
            retry_of_id=retry_of_id,
        )
        for line in lines:
            line.job = job
        ImportLine.objects.bulk_create([one for one in lines if one.duplicate_of is None], batch_size=_ROWS_AT_ONCE)
        duplicates = [one for one in lines if one.duplicate_of is not None]
        for line in duplicates:
            line.duplicate_of = line.duplicate_of  # set again, because the line has its primary key only now
        ImportLine.objects.bulk_create(duplicates, batch_size=_ROWS_AT_ONCE)
        events.import_accepted(subject=job.subject, lines=len(lines), actor=actor)
        if is_rung:
            bells.run_import(job.pk)
    return job


def shortened(file: str) -> str:
    """The name of a file as it is kept; of a long one the end, which tells files apart."""
    longest = 200
    return file if len(file) <= longest else f"…{file[1 - longest :]}"


def _lines(records: list[Record], now: datetime) -> Iterator[ImportLine]:
    """A row for each record. An unreadable record is finished at once; a duplicate waits for the first like it."""
    seen: dict[tuple[str, ...], ImportLine] = {}
    parts: Counter[tuple[str, int]] = Counter()
    for record in records:
        file = shortened(record.file)
        parts[file, record.line] += 1
        line = ImportLine(
            file=file,
            number=record.line,
            part=parts[file, record.line],
            place=record.place[:80],
            email=login_email(record)[:254],
            meant_for=record.meant_for,
            holds=holds(record),
            unused=list(record.unused),
        )
        same = (line.email, record.access_token, record.refresh_token, record.session_token, record.account_id)
        if record.problem:
            line.state, line.reason, line.finished_at = state_of(record.problem), record.problem, now
            line.detail = record.detail[:80]
        elif same in seen:
            line.duplicate_of = seen[same]
        else:
            seen[same] = line
            line.payload = pack(record)
        yield line

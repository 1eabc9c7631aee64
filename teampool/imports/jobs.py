"""Imports as rows: accept, retry, progress. `worker.py` does the work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from base.actors import Actor
from notifications.audit import events
from teampool import bells
from teampool.imports.bring_in import holds, login_email, pack
from teampool.imports.reading.files import EMPTY, MOST_BYTES, MOST_FILES, TooManyFiles, TooMuch
from teampool.imports.reading.files import read_files as unpack_files
from teampool.imports.reading.record import Record
from teampool.imports.reading.text import parse
from teampool.imports.reasons import RETRYABLE, reason_text, state_of
from teampool.imports.worker import work
from teampool.models import ImportJob, ImportLine

__all__ = [
    "MOST_BYTES",
    "MOST_LINES",
    "TOO_LARGE_IN_ALL",
    "NothingToImport",
    "TooManyLines",
    "accept",
    "accept_records",
    "bound_text",
    "bounded",
    "forget",
    "progress",
    "read",
    "read_files",
    "reason_text",
    "retriable",
    "retry_failed",
    "work",
]

KEPT_FOR = timedelta(hours=24)
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


TOO_LARGE_IN_ALL = (TooManyLines, TooManyFiles, TooMuch)


def read(text: str, *, format: str = "auto") -> list[Record]:
    """The records of a text. Raises TooManyLines."""
    return bounded(parse(text, format=format, most=MOST_LINES))


def read_files(files: Iterable[tuple[str, bytes]], *, format: str = "auto") -> list[Record]:
    """The records of these files, and of those inside ZIPs, each with the name of its file.

    A file that cannot be read is one record with the reason. Raises TooManyLines, TooManyFiles and TooMuch.
    """
    records: list[Record] = []
    for one in unpack_files(files):
        found = [] if one.problem else parse(one.text, format=format, most=MOST_LINES)
        records += [replace(record, file=one.name) for record in found]
        if not found:
            records.append(Record(0, problem=one.problem or EMPTY, file=one.name))
        bounded(records)
    return records


def bound_text(error: Exception) -> str:
    """Which of the bounds `TOO_LARGE_IN_ALL` the import passes, in words."""
    if isinstance(error, TooMuch):
        return _("More than 20 MB in all, unpacked. Import it in parts.")
    if isinstance(error, TooManyFiles):
        return _("More than {n} files. Import them in parts.").format(n=f"{MOST_FILES:,}")
    return _("More than {n} lines. Import them in parts.").format(n=f"{MOST_LINES:,}")


def bounded(records: list[Record]) -> list[Record]:
    """The same records. Raises TooManyLines."""
    if len(records) > MOST_LINES:
        raise TooManyLines
    return records


def accept(*, text: str, actor: Actor, format: str = "auto", is_rung: bool = True) -> ImportJob:
    """Accept every line of `text` and ring for the work. Raises NothingToImport and TooManyLines.

    With `is_rung` False the caller works on it at once; if the caller dies, the sweep finds the job.
    """
    return accept_records(read(text, format=format), actor=actor, is_rung=is_rung)


def accept_records(records: Iterable[Record], *, actor: Actor, is_rung: bool = True) -> ImportJob:
    records = list(records)
    if not records:
        raise NothingToImport
    return _open_job(list(_lines(bounded(records), timezone.now())), actor, is_rung=is_rung)


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

"""What the tests of the import share: records out of the sandbox, and imports run to their end."""

from __future__ import annotations

from typing import Any

from base import actors
from teampool.imports import jobs
from teampool.imports.worker import work
from teampool.models import ImportJob, ImportLine

ACTOR = actors.command("tests")
State = ImportLine.State
FIELDS = ("email", "access_token", "refresh_token", "session_token", "client_id")


def csv_line(credentials: dict[str, Any], *wanted: str, separator: str = ",") -> str:
    """The documented columns, `email,AT,RT,ST,client id`, those not wanted left empty."""
    return separator.join((credentials.get(field) or "") if field in wanted else "" for field in FIELDS)


def bring(text: str, **options: Any) -> list[ImportLine]:
    """Accept one import and finish it in this thread; its lines."""
    return finish(jobs.accept(text=text, actor=ACTOR, is_rung=False, **options))


def finish(job: ImportJob) -> list[ImportLine]:
    while work(job.pk):
        pass
    job.refresh_from_db()
    assert job.finished_at is not None
    return list(job.lines.all())


def bring_one(text: str) -> ImportLine:
    lines = bring(text)
    assert len(lines) == 1
    return lines[0]

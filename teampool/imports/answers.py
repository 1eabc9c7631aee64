"""JSON answers of the import address: for one account, or for a batch as a stream or one document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from teampool.imports import words
from teampool.imports.jobs import GOOD
from teampool.models import ImportJob, ImportLine


def refusal(error_code: str, error: str) -> dict[str, Any]:
    return {"success": False, "error": error, "error_code": error_code}


def single(line: ImportLine | None) -> dict[str, Any]:
    """The answer for one account; `line` is None while it is accepted but not finished."""
    if line is None:
        text = _("Still at work. See the import page, or send it again in a minute.")
        return refusal("in_progress", text) | {"team_id": None, "email": None, "message": None, "teams": []}
    first = line.teams[0] if line.teams else {}
    is_good = line.state in GOOD
    return {
        "success": is_good,
        "team_id": first.get("id"),
        "account_id": first.get("account_id"),
        "email": line.email or None,
        "message": _message(line) if is_good else None,
        "error": None if is_good else words.explanation(line),
        "error_code": None if is_good else line.reason,
        "action": str(line.state) if is_good else None,
        "renews_itself": line.renews_itself,
        "expires_at": line.access_until.isoformat() if line.access_until else None,
        "teams": line.teams,
        "unused": line.unused,
    }


def result(line: ImportLine) -> dict[str, Any]:
    is_good = line.state in GOOD
    answer: dict[str, Any] = {"line": line.number, "success": is_good, "email": line.email or None}
    answer["unused"] = line.unused
    if line.place:
        answer["place"] = line.place
    if is_good:
        return answer | {"action": str(line.state), "message": _message(line), "teams": line.teams}
    return answer | {"error": words.explanation(line), "error_code": line.reason, "teams": line.teams}


class Count:
    """Counts finished lines of a batch."""

    def __init__(self, job: ImportJob) -> None:
        self.total, self.good, self.bad = job.total, 0, 0

    def add(self, line: ImportLine) -> None:
        if line.state in GOOD:
            self.good += 1
        else:
            self.bad += 1

    def as_dict(self) -> dict[str, int]:
        current = self.good + self.bad
        return {"current": current, "total": self.total, "success_count": self.good, "failed_count": self.bad}


def stream(job: ImportJob, lines: Iterable[ImportLine], language: str) -> Iterator[bytes]:
    """NDJSON: `start`, a `progress` for each line, `finish`."""
    count = Count(job)
    yield _row({"type": "start", "total": job.total, "job_id": job.pk})
    for line in lines:
        count.add(line)
        with translation.override(language):
            last = result(line)
        yield _row({"type": "progress"} | count.as_dict() | {"last_result": last})
    yield _row({"type": "finish"} | count.as_dict() | _ending(count))


def document(job: ImportJob, lines: Iterable[ImportLine], language: str) -> Iterator[bytes]:
    """One JSON object with every line's result, sent as it grows, so that a proxy sees the connection live."""
    count = Count(job)
    yield f'{{"job_id": {job.pk}, "total": {job.total}, "results": ['.encode()
    for line in lines:
        separator = b",\n" if count.good or count.bad else b"\n"
        count.add(line)
        with translation.override(language):
            yield separator + json.dumps(result(line), ensure_ascii=False).encode()
    ending = count.as_dict() | _ending(count)
    yield b"\n], " + json.dumps(ending).encode()[1:]


def _ending(count: Count) -> dict[str, Any]:
    is_over = count.good + count.bad >= count.total
    return {"success": is_over and not count.bad} | ({} if is_over else {"error_code": "in_progress"})


def _message(line: ImportLine) -> str:
    word = words.badge(line.state)["text"]
    explanation = words.explanation(line)
    return _("{result}: {explanation}").format(result=word, explanation=explanation) if explanation else word


def _row(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"

"""`import_teams [FILE…|-] [--dry-run] [--format …]`: progress on stderr, one line per result on stdout."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from base import actors
from teampool.imports import answers, jobs, words
from teampool.imports.bring_in import holds, login_email
from teampool.imports.follow import follow
from teampool.imports.reading.files import EMPTY, MOST_BYTES
from teampool.imports.reading.record import Record
from teampool.imports.reading.text import FORMATS
from teampool.imports.reasons import reason_text
from teampool.models import ImportLine
from teampool.models.imports import where


class Command(BaseCommand):
    help = "Imports accounts from a file or standard input, here and now; exit status 1 if any line failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = "text, CSV, JSON or a ZIP of them; -, or none: standard input"
        parser.add_argument("files", nargs="*", metavar="FILE", help=what)
        parser.add_argument("--dry-run", action="store_true", help="only read the lines; nothing is stored or asked")
        parser.add_argument("--format", choices=FORMATS, default="auto")

    def handle(self, *, files: list[str], dry_run: bool, format: str, **options: Any) -> None:
        records = _records(files or ["-"], format)
        failed = self._show(records) if dry_run else self._import(records)
        if failed:
            raise SystemExit(1)

    def _show(self, records: list[Record]) -> int:
        """Print how each line is read; return how many cannot be used."""
        for record in records:
            found = f"{login_email(record) or '-'} {holds(record)}"
            if record.problem:
                found = reason_text(record.problem, record.detail)
            found = " · ".join(part for part in (found, words.unused(record.unused)) if part)
            self.stdout.write(f"{where(record.file, record.line, record.place)}: {found}")
        return sum(1 for record in records if record.problem)

    def _import(self, records: list[Record]) -> int:
        job = jobs.accept_records(records, actor=actors.command("import_teams"), is_rung=False)
        done = 0
        with tqdm(total=job.total, unit=" lines", file=sys.stderr, disable=None) as bar:
            # This process works on the import itself; if it dies, a worker continues.
            for line in follow(job.pk, patience=0, needs_place=False):
                with bar.external_write_mode():
                    self.stdout.write(_result(line))
                bar.update()
                done += 1
        counts = jobs.progress(job)
        self.stderr.write(f"{counts['success_count']} imported, {counts['failed_count']} failed, of {job.total}")
        return counts["failed_count"] + job.total - done


def _records(files: list[str], format: str) -> list[Record]:
    """The records of these files, each with the name of its file."""
    try:
        named = (("" if file == "-" else Path(file).name, _read(file)) for file in files)
        records = jobs.read_files(named, format=format)
    except jobs.TOO_LARGE_IN_ALL as error:
        raise CommandError(jobs.bound_text(error)) from None
    if all(record.problem == EMPTY for record in records):
        raise CommandError("There is no line in it that could be an account.")
    return records


def _read(file: str) -> bytes:
    """The content of a file, or as much as shows that it is too large."""
    try:
        if file == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with Path(file).open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None


def _result(line: ImportLine) -> str:
    answer = answers.result(line)
    teams = ", ".join(team["account_id"] for team in line.teams)
    parts = (str(line.state), line.email, teams, answer.get("message") or answer.get("error") or "")
    return f"{line.where}: " + "  ".join(part for part in parts if part)

"""`import_teams [FILE|-] [--dry-run] [--format …]`: progress on stderr, one line per result on stdout."""

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
from teampool.imports.reading.text import FORMATS, parse
from teampool.imports.reasons import reason_text
from teampool.models import ImportLine


class Command(BaseCommand):
    help = "Imports accounts from a file or standard input, here and now; exit status 1 if any line failed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", default="-", help="a file, or - for standard input")
        parser.add_argument("--dry-run", action="store_true", help="only read the lines; nothing is stored or asked")
        parser.add_argument("--format", choices=FORMATS, default="auto")

    def handle(self, *, file: str, dry_run: bool, format: str, **options: Any) -> None:
        text = jobs.read_text(_read(file))
        failed = self._show(text, format) if dry_run else self._import(text, format)
        if failed:
            raise SystemExit(1)

    def _show(self, text: str, format: str) -> int:
        """Print how each line is read; return how many cannot be used."""
        records = parse(text, format=format)
        for record in records:
            found = f"{login_email(record) or '-'} {holds(record)}"
            if record.problem:
                found = reason_text(record.problem, record.detail)
            parts = (found, words.unused(record.unused))
            self.stdout.write(f"{record.line}: " + " · ".join(part for part in parts if part))
        return sum(1 for record in records if record.problem)

    def _import(self, text: str, format: str) -> int:
        try:
            job = jobs.accept(text=text, format=format, actor=actors.command("import_teams"), is_rung=False)
        except jobs.NothingToImport:
            raise CommandError("There is no line in it that could be an account.") from None
        except jobs.TooManyLines:
            raise CommandError(f"More than {jobs.MOST_LINES:,} lines. Import them in parts.") from None
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


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None


def _result(line: ImportLine) -> str:
    answer = answers.result(line)
    teams = ", ".join(team["account_id"] for team in line.teams)
    parts = (str(line.state), line.email, teams, answer.get("message") or answer.get("error") or "")
    return f"{line.where}: " + "  ".join(part for part in parts if part)

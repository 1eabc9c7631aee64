"""`backup FILE`: write the whole database to one file while the product runs."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.service.backup.backup import BackupFailed, back_up


class Command(BaseCommand):
    help = "Writes a consistent copy of the database to one new file. The secrets in it need ENCRYPTION_KEYS."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="where to write it; must not exist yet")

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            size = back_up(file.absolute())
        except BackupFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{file}: {size:,} bytes")
        self.stderr.write("Keep ENCRYPTION_KEYS apart from it, and safe: without them the credentials in it are lost.")

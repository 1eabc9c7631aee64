"""`restore FILE`: replace the database by a backup, while nothing runs."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from base import actors
from config.service.backup import restore
from config.service.backup.backup import BackupFailed
from config.service.startup import IsRunning, take_lock_at_once

NEXT = """\
Restored. Redemptions and removals are paused, and no Team takes people before a new look at it.
Next:
  manage.py sync_teams --all                         who is really there
  manage.py up                                       or start the service
  manage.py config set invites.is_open=on            when what you see is right
  manage.py config set invites.removals_paused=off   when those who are to go are the right ones"""


class Command(BaseCommand):
    help = "Replaces the database by a backup. Refuses while `up` runs, and over existing data unless --force."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="a file made by `backup`")
        parser.add_argument(
            "--force", action="store_true", help="also over existing data, of which a copy is kept in DATA_DIR"
        )

    def handle(self, *, file: Path, force: bool, **options: Any) -> None:
        try:
            lock = take_lock_at_once(settings.DATA_DIR)
        except IsRunning as other:
            raise CommandError(f"Seatkeeper is running (process {other}). Stop it first, on every node.") from other
        try:
            unreadable = self.restore(file.absolute(), force=force)
        except BackupFailed as error:
            raise CommandError(str(error)) from error
        finally:
            os.close(lock)
        self.stdout.write(NEXT)
        if unreadable:
            raise CommandError(
                f"No key in ENCRYPTION_KEYS opens {len(unreadable)} of the stored credentials, e.g. {unreadable[0]}. "
                "Add the key that was in use when the backup was made; `doctor` checks again."
            )

    def restore(self, file: Path, *, force: bool) -> list[str]:
        restore.check(file)
        if others := restore.others_connected():
            raise BackupFailed(f"{others} other connections use this database. Stop every node first.")
        if not force and not restore.is_empty():
            raise BackupFailed("The database is not empty. --force replaces it, and keeps a copy of what is there.")
        return restore.restore(file, say=self.stdout.write, actor=actors.command("restore"))

"""`rotate_keys`: re-encrypts every secret under the first of ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from base import actors
from base.rekeying import encrypted_columns, rekey
from notifications.audit import events


class Command(BaseCommand):
    help = "Re-encrypts all secrets under the newest key. Safe to stop and repeat; drop the old keys afterwards."

    def handle(self, **options: Any) -> None:
        unreadable: list[str] = []
        changed = 0
        for column in encrypted_columns():
            result = rekey(column)
            self.stdout.write(f"{column}: {result.changed} re-encrypted, {result.current} were up to date")
            changed += result.changed
            unreadable += [f"{column} {key}" for key in result.unreadable]
        if changed:
            events.secrets_rekeyed(count=changed, actor=actors.command("rotate_keys"))
        if unreadable:
            raise CommandError("No key in ENCRYPTION_KEYS opens: " + ", ".join(unreadable))

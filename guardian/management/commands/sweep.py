"""`sweep [--dry-run]`: one sweep now, at any hour; prints what it found and did."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from guardian import settings
from guardian.models import Finding, Sweep
from guardian.sweeping import sweep
from invites.following.sync import SyncResult
from invites.settings import REMOVALS_PAUSED
from teampool.models import Team

COLUMNS = ("kind", "e-mail", "Team", "seen", "state")


class Command(BaseCommand):
    help = "Looks at every Team, lists who should not be there, and removes whom the settings allow."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="look and list only; nobody is removed")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        with tqdm(
            total=Team.objects.filter(archived_at=None).count(), unit="Team", file=self.stderr, disable=None
        ) as bar:

            def on_result(result: SyncResult) -> None:
                bar.update()

            done = sweep.run_now(is_dry=dry_run, on_result=on_result)
        if done is None:
            raise CommandError("Another sweep is at work; try again in a minute.")
        done.refresh_from_db()
        self._list()
        for why, teams in sorted(done.skipped.items()):
            self.stdout.write(f"skipped, {why}: {', '.join(teams)}")
        self.stdout.write(self._summary(done, dry_run=dry_run))

    def _list(self) -> None:
        rows = [COLUMNS]
        for one in Finding.objects.standing().select_related("team").order_by("kind", "email"):
            rows.append((one.kind, one.email, str(one.team), f"{one.sightings}×", one.state))
        if len(rows) == 1:
            return
        widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS))]
        for row in rows:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())

    def _summary(self, done: Sweep, *, dry_run: bool) -> str:
        found = ", ".join(f"{count} {kind}" for kind, count in done.found.items()) or "no findings"
        text = f"{done.complete} of {done.teams} Teams complete; {found}; {done.removals} removed, {done.held} held"
        if dry_run:
            return f"{text}; dry run: nobody was removed"
        policy = settings.current_policy()
        if not policy.is_enabled:
            return f"{text}; the guardian is off: nobody was removed"
        if REMOVALS_PAUSED.get():
            return f"{text}; removals are paused: nobody was removed"
        return text if policy.enforces else f"{text}; report only: strangers and duplicates stay"

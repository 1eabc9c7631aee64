"""`sync_teams [--all] [ACCOUNT_ID…]`: read Teams now and update seats."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from invites.following import sync
from teampool.models import Team


class Command(BaseCommand):
    help = "Reads members, invitations and seats of the Teams that are due; of all, or of those named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="every Team, due or not")
        parser.add_argument("account_ids", nargs="*", metavar="ACCOUNT_ID")

    def handle(self, *, account_ids: list[str], **options: Any) -> None:
        team_ids = named(account_ids) if account_ids else wanted(every=options["all"])
        problems: list[str] = []
        with tqdm(total=len(team_ids), unit="Team", file=self.stderr, disable=None) as bar:

            def on_result(result: sync.SyncResult) -> None:
                bar.update()
                if result.problem:
                    problems.append(f"{result.label}: {result.problem}")

            done = sync.sync(team_ids=team_ids, on_result=on_result)
        for problem in problems:
            self.stdout.write(problem)
        busy = len(team_ids) - done
        self.stdout.write(f"{done - len(problems)} synced, {len(problems)} failed, {busy} being synced by the worker")
        if problems:
            raise CommandError("Teams that failed keep the data they had.")


def named(account_ids: list[str]) -> list[int]:
    found = dict(Team.objects.filter(account_id__in=account_ids).values_list("account_id", "pk"))
    if missing := [account_id for account_id in account_ids if account_id not in found]:
        raise CommandError(f"no such Team: {', '.join(missing)}")
    return [found[account_id] for account_id in account_ids]


def wanted(*, every: bool) -> list[int]:
    if every:
        return list(Team.objects.filter(archived_at=None).values_list("pk", flat=True))
    return sync.stale_team_ids(now=timezone.now())

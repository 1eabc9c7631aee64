"""`list_teams [--format table|json]`: every Team with its log-in, badge, seats and last sync."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.db.models import Count, Q
from django.utils import timezone

from teampool.known import Known
from teampool.models import Member, Team
from teampool.teams.badges import badge_for

COLUMNS = ("account_id", "owner", "health", "held", "cap", "pending", "last_sync", "seats_known", "seats_read")


class Command(BaseCommand):
    help = (
        "Lists the Teams. `pending` are the invitations of the last snapshot that nobody accepted yet; `cap` are the "
        "places, `seats_known` says how their number is known, `seats_read` since when."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--format", choices=("table", "json"), default="table")

    def handle(self, *, format: str, **options: Any) -> None:
        rows = teams()
        if format == "json":
            self.stdout.write(json.dumps(rows, ensure_ascii=False, indent=2))
            return
        lines = [COLUMNS, *(tuple("-" if row[key] is None else str(row[key]) for key in COLUMNS) for row in rows)]
        widths = [max(len(line[place]) for line in lines) for place in range(len(COLUMNS))]
        for line in lines:
            self.stdout.write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def teams() -> list[dict[str, Any]]:
    """One row per Team, in two queries."""
    now = timezone.now()
    invited = Count("members", filter=Q(members__kind=Member.Kind.INVITE))
    pending = dict(Team.objects.annotate(invited=invited).values_list("pk", "invited"))
    found = Team.objects.select_related("owner").defer("access_token", "owner__session_token", "owner__refresh_token")
    return [
        {
            "account_id": team.account_id,
            "owner": team.owner.email,
            "health": badge_for(team, now).key,
            "held": team.seats_held,
            "cap": 0 if team.is_seats_unread(now) else team.seat_total,
            "pending": pending.get(team.pk, 0),
            "last_sync": _iso(team.snapshot_started_at),
            "seats_known": (Known.STALE if team.is_seats_stale(now) else Known(team.seats_known)).value,
            "seats_read": _iso(team.seats_read_at),
        }
        for team in found
    ]


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None

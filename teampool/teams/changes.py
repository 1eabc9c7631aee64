"""What an operator changes about a Team: its name, whether it takes people, its seat cap; and asking for a sync."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from base.actors import Actor
from notifications.audit import events
from teampool import bells
from teampool.counting import count_again
from teampool.models import SyncRun, Team
from teampool.pool import seats, stock_alert

MOST_SEATS = 1000


def change_team(*, team_id: int, changes: dict[str, Any], actor: Actor) -> bool:
    """Write `name`, `is_enabled`, `operator_cap` (None: no cap of ours); False when nothing differs.

    Raises ValueError for any other field, and for a cap outside 1–1,000. A cap below the held seats removes nobody.
    The cap a Team has already is set anew: it then stands in for a number that was read too long ago.
    """
    if unknown := set(changes) - {"name", "is_enabled", "operator_cap"}:
        raise ValueError(f"not for operators: {', '.join(sorted(unknown))}")
    cap = changes.get("operator_cap")
    if cap is not None and not 1 <= cap <= MOST_SEATS:
        raise ValueError(f"a seat cap is 1 to {MOST_SEATS}, not {cap}")
    with transaction.atomic():
        team = Team.objects.select_for_update(of=("self",), no_key=True).select_related("owner").get(pk=team_id)
        before = {
            key: getattr(team, key)
            for key, value in changes.items()
            if getattr(team, key) != value or (key == "operator_cap" and cap is not None)
        }
        if not before:
            return False
        now = timezone.now()
        if "operator_cap" in before:
            team.cap_set_at = now if cap is not None else None
        for key in before:
            setattr(team, key, changes[key])
        team.save(update_fields=[*before, "cap_set_at"])
        if "operator_cap" in before:
            seats.set_places(team_id=team.pk, capacity=count_again(team, now=now))
        stock_alert.ring()
        events.team_changed(
            subject=team.subject,
            before=before,
            after={key: changes[key] for key in before},
            actor=actor,
            cause="operator",
        )
    return True


def change_teams(*, team_ids: Iterable[int], changes: dict[str, Any], actor: Actor) -> int:
    """`change_team` for each Team, in a transaction of its own; how many changed."""
    return sum(change_team(team_id=team_id, changes=changes, actor=actor) for team_id in sorted(team_ids))


def want_sync(*, team_ids: Iterable[int]) -> SyncRun:
    """Sync these Teams as soon as a worker is free. The SyncRun shows the progress."""
    with transaction.atomic():
        asked = Team.objects.filter(pk__in=list(team_ids), archived_at=None).order_by("pk")
        run = _remember(asked)
        for team_id in run.team_ids:
            bells.sync_team(team_id)
    return run


def want_sync_of_all() -> SyncRun:
    """Make every Team due for the next pass, and ring it: a single task, so that redemptions find free workers."""
    with transaction.atomic():
        there = Team.objects.filter(archived_at=None).order_by("pk")
        run = _remember(there)
        there.update(sync_tried_at=None)
        bells.sync()
    return run


def _remember(teams: QuerySet[Team]) -> SyncRun:
    """Store which Teams a sync was asked for; delete SyncRuns older than a day."""
    SyncRun.objects.filter(started_at__lt=timezone.now() - timedelta(days=1)).delete()
    return SyncRun.objects.create(team_ids=list(teams.values_list("pk", flat=True)))

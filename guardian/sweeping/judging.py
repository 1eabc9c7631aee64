"""Judges the lists a sweep has read, and opens the departures of people it removes, before ChatGPT is told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone

from guardian.mode import ACTOR
from guardian.models import Finding, Sweep
from guardian.rules import rules, still_possible
from guardian.rules.states import SweepState
from guardian.settings import Policy
from guardian.sweeping import evidence, findings
from guardian.sweeping.reading import IN_ORDER
from guardian.sweeping.removal import remove
from invites.departures import window
from invites.settings import REMOVALS_PAUSED
from notifications.audit import events
from teampool.models import Team


def judge(sweep: Sweep, policy: Policy, *, until: datetime | None = None) -> None:
    """Note what the fresh lists show and write down who is to leave. Repeating it after a crash changes nothing.

    `until`: the end of the active hours; departures opened here are dropped after it.
    """
    now = timezone.now()
    fresh = {
        team_id: at
        for team_id, at in Team.objects.filter(
            archived_at=None,
            snapshot_started_at__gte=sweep.started_at,
            snapshot_started_at__gt=F("opened_at"),
            snapshot_has_self=True,
        ).values_list("pk", "snapshot_started_at")
        if at is not None
    }
    skipped = _skipped(sweep, set(fresh))
    judged: dict[int, datetime] = {}
    for some in _chunks(sorted(fresh)):
        twins = evidence.twins(some)
        views, pool = evidence.gather(some)
        found: list[rules.Found] = []
        looked_at = {}
        people = {}
        for view in views:
            why = "other_workspace" if view.id in twins else rules.why_not_judged(view, now)
            if why:
                skipped[why].append(view.id)
                continue
            looked_at[view.id] = fresh[view.id]
            people[view.id] = still_possible.read(view, now)
            found += rules.judge(view, pool, now)
        sweep.new += findings.note(found=found, looked_at=looked_at, shown=people, now=now)
        judged |= looked_at
    findings.forget_archived(now)
    _choose(sweep, policy, sorted(judged), now, until)
    standing = Finding.objects.asking().values_list("kind").annotate(n=Count("pk")).order_by("kind")
    sweep.complete = len(judged)
    sweep.skipped = _labelled(skipped)
    sweep.teams = sweep.complete + sum(len(ids) for ids in skipped.values())
    sweep.found = dict(standing)
    sweep.state = SweepState.ACTING
    sweep.judged_at = now
    counts = ["teams", "complete", "skipped", "found", "new", "removals", "held", "spent"]
    sweep.save(update_fields=["state", "judged_at", *counts])


def _chunks(team_ids: Sequence[int]) -> list[Sequence[int]]:
    return [team_ids[i : i + evidence.TEAMS_AT_ONCE] for i in range(0, len(team_ids), evidence.TEAMS_AT_ONCE)]


def _skipped(sweep: Sweep, fresh: set[int]) -> dict[str, list[int]]:
    """Teams of which this sweep has no complete list, by reason."""
    now = timezone.now()
    skipped: dict[str, list[int]] = defaultdict(list)
    rows = Team.objects.filter(archived_at=None, opened_at__isnull=False, created_at__lte=sweep.started_at)
    for team in rows.exclude(pk__in=fresh).defer("access_token").order_by("pk"):
        if team.token_state != Team.Token.HEALTHY or team.workspace_state not in IN_ORDER:
            skipped["out_of_order"].append(team.pk)
        elif team.cooldown_until is not None and team.cooldown_until > now:
            skipped["cooling"].append(team.pk)
        else:
            skipped["incomplete"].append(team.pk)
    return skipped


def _labelled(skipped: dict[str, list[int]]) -> dict[str, list[str]]:
    ids = [team_id for some in skipped.values() for team_id in some]
    labels = {team.pk: str(team) for team in Team.objects.filter(pk__in=ids).only("name", "account_id")}
    return {why: [labels[team_id] for team_id in some if team_id in labels] for why, some in skipped.items() if some}


def _choose(sweep: Sweep, policy: Policy, team_ids: list[int], now: datetime, until: datetime | None) -> None:
    """Open the departures of the people this sweep removes; findings beyond the limits wait for an operator."""
    if sweep.is_dry or not policy.is_enabled or REMOVALS_PAUSED.get():
        return
    some = [one for ids in _chunks(team_ids) for one in findings.candidates(ids)]
    already = Counter(Finding.objects.filter(sweep=sweep).values_list("team_id", flat=True))
    choice = rules.choose(some, policy, now, waiting=findings.waiting(), already=already, lately=window.by_team(now))
    if choice.held:
        _hold(sweep, choice, limit=policy.limit_for(choice.ready))
    if choice.spent:
        _note_spent(sweep, choice.spent, limit=policy.max_per_72h)
    for finding in Finding.objects.filter(pk__in=choice.go).order_by("first_seen_at", "pk"):
        remove(finding, sweep_id=sweep.pk, now=now, until=until)
    sweep.removals = Finding.objects.filter(sweep=sweep).count()


def _hold(sweep: Sweep, choice: rules.Choice, *, limit: int) -> None:
    with transaction.atomic(durable=True):
        sweep.held = findings.hold(choice.held)
        if sweep.held:
            events.guardian_capped(sweep_id=sweep.pk, wanted=choice.ready, limit=limit, actor=ACTOR)


def _note_spent(sweep: Sweep, finding_ids: Sequence[int], *, limit: int) -> None:
    sweep.spent = len(finding_ids)
    with transaction.atomic(durable=True):
        if new := findings.note_spent(finding_ids):
            events.guardian_capped(sweep_id=sweep.pk, wanted=new, limit=limit, hours=window.HOURS, actor=ACTOR)

"""Signs of life, the jobs that ring themselves, sweeps and what they found."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from base.times import full
from guardian.rules.policy import ENFORCE
from guardian.rules.states import ASKS_FOR_SOMEONE, STANDING, Kind, State, SweepState
from invites.models import Departure, SeatGrant
from teampool.models import Team


class Heartbeat(models.Model):
    """When a node's worker last ran a task: written by a task, because only that proves the queue moves."""

    node = models.CharField(max_length=120, primary_key=True)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.node} {self.at}"


class Beat(models.Model):
    """A job that queues its own next run. Only the queue row that carries `number` counts."""

    name = models.CharField(max_length=40, primary_key=True)
    number = models.PositiveBigIntegerField(default=0)
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} #{self.number}"


class Watch(models.Model):
    """What the guardian remembers between sweeps; one row."""

    # When it was switched on with its baseline; empty: nobody is watched for yet.
    armed_at = models.DateTimeField(null=True, blank=True)
    # Since when a sweep takes longer than the interval; told once.
    too_slow_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="guardian_watch_one")]

    def __str__(self) -> str:
        return f"{self.armed_at}"


class Sweep(models.Model):
    """One pass over the pool: looks at every Team, judges, then removes. A killed one is taken up again."""

    started_at = models.DateTimeField(_("started"), default=timezone.now)
    judged_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=9, choices=SweepState.choices, default=SweepState.LOOKING)
    mode = models.CharField(_("mode"), max_length=8)
    is_dry = models.BooleanField(_("look only"), default=False)
    teams = models.PositiveIntegerField(_("Teams"), default=0)
    complete = models.PositiveIntegerField(_("complete"), default=0)
    # Why Teams were left out, with the labels of those: {"cooling": ["Team 3 ab12cd34"], …}
    skipped = models.JSONField(default=dict)
    # Findings that stand after this sweep, by kind.
    found = models.JSONField(default=dict)
    new = models.PositiveIntegerField(default=0)
    removals = models.PositiveIntegerField(_("removals"), default=0)
    held = models.PositiveIntegerField(default=0)
    limit = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("sweep")
        verbose_name_plural = _("sweeps")
        ordering = ["-id"]

    def __str__(self) -> str:
        return full(self.started_at)

    @property
    def enforces(self) -> bool:
        return self.mode == ENFORCE


class FindingQuerySet(models.QuerySet["Finding"]):
    def standing(self) -> Self:
        return self.filter(state__in=STANDING)

    def asking(self) -> Self:
        """Those somebody might want to look at; an archived Team is nobody's worry."""
        return self.filter(state__in=ASKS_FOR_SOMEONE, team__archived_at=None)


class Finding(models.Model):
    """One person in one Team who should not be there, or one seat whose person is not; with the evidence."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+", verbose_name=_("Team"))
    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices)
    email = models.CharField(_("e-mail"), max_length=254, db_index=True)
    upstream_id = models.CharField(max_length=80, blank=True)
    is_invite = models.BooleanField(default=False)
    grant = models.ForeignKey(SeatGrant, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.OPEN)
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))  # when the list that shows it was begun
    sightings = models.PositiveIntegerField(_("sightings"), default=1)
    evidence = models.JSONField(default=dict)
    departure = models.ForeignKey(Departure, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    # The sweep that removed it.
    sweep = models.ForeignKey(Sweep, null=True, blank=True, on_delete=models.SET_NULL, related_name="removed")
    problem = models.CharField(max_length=200, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = FindingQuerySet.as_manager()

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "kind", "email"], condition=Q(state__in=STANDING), name="guardian_finding_one_standing"
            ),
        ]
        indexes = [models.Index(fields=["state", "kind"], name="guardian_finding_state")]

    def __str__(self) -> str:
        return f"{self.email} @ {self.team_id}"

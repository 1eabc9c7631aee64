"""Heartbeats, self-timed jobs, sweeps and findings."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from base.times import full
from guardian.rules.states import ASKS_FOR_SOMEONE, STANDING, Kind, State, SweepState
from guardian.settings import ENFORCE
from invites.models import Departure, SeatGrant
from notifications.audit.events import Subject
from teampool.models import Team


class Heartbeat(models.Model):
    """When a node's worker last ran a job. A job writes it, because only that proves that the queue moves."""

    node = models.CharField(max_length=120, primary_key=True)
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.node} {self.at}"


class Beat(models.Model):
    """A job that queues its own next run. Only the queued run with this `number` counts."""

    name = models.CharField(max_length=40, primary_key=True)
    number = models.PositiveBigIntegerField(default=0)
    due_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} #{self.number}"


class Watch(models.Model):
    """What the guardian remembers between sweeps; one row."""

    # When it was switched on and took its baseline; NULL while it is off.
    armed_at = models.DateTimeField(null=True, blank=True)
    # Since when sweeps take longer than the interval; operators are told once.
    too_slow_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="guardian_watch_one")]

    def __str__(self) -> str:
        return f"{self.armed_at}"


class Sweep(models.Model):
    """A pass over the pool: read every Team, judge, remove. After a kill, any worker continues it."""

    started_at = models.DateTimeField(_("started"), default=timezone.now)
    judged_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=9, choices=SweepState.choices, default=SweepState.LOOKING)
    mode = models.CharField(_("mode"), max_length=8)
    is_dry = models.BooleanField(_("look only"), default=False)
    teams = models.PositiveIntegerField(_("Teams"), default=0)
    complete = models.PositiveIntegerField(_("complete"), default=0)
    # Teams left out, by reason: {"cooling": ["Team 3 ab12cd34"], …}
    skipped = models.JSONField(default=dict)
    # Standing findings after this sweep, by kind.
    found = models.JSONField(default=dict)
    new = models.PositiveIntegerField(default=0)
    removals = models.PositiveIntegerField(_("removals"), default=0)
    held = models.PositiveIntegerField(default=0)
    # Members it left in because their Team has had its removals of 72 hours.
    spent = models.PositiveIntegerField(default=0)
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
        """Findings an operator may want to look at; not those in archived Teams."""
        return self.filter(state__in=ASKS_FOR_SOMEONE, team__archived_at=None)


class Finding(models.Model):
    """A person who should not be in a Team, or a seat whose person is missing; with the evidence."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+", verbose_name=_("Team"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
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
    # The sweep that removed the person.
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

    @property
    def subject(self) -> Subject:
        return Subject("finding", str(self.pk), self.email)

"""Codes, claims made with them (Redemption), their seats (SeatGrant), and people who must leave (Departure)."""

from __future__ import annotations

import uuid
from dataclasses import fields
from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from base.work import Row, WorkQuerySet
from invites.states import (
    HOLDS_CODE,
    HOLDS_SEAT,
    DepartureReason,
    DepartureState,
    GrantState,
    RedemptionState,
    Refusal,
)
from notifications.audit.events import Subject
from teampool.models import Team
from teampool.upstream.types import RemovalNotice


class CodeBatch(models.Model):
    """Codes made together, all alike."""

    label = models.CharField(_("label"), max_length=60, blank=True)
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.PROTECT, verbose_name=_("Team"), related_name="+"
    )
    seat_time = models.DurationField(_("seat time"), null=True, blank=True)
    redeem_until = models.DateTimeField(_("redeem until"), null=True, blank=True)
    max_uses = models.PositiveIntegerField(_("uses per code"), default=1)
    size = models.PositiveIntegerField(_("codes"))
    created_by = models.CharField(_("made by"), max_length=254, blank=True)
    created_at = models.DateTimeField(_("time"), default=timezone.now)

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.label or f"#{self.pk}"

    @property
    def subject(self) -> Subject:
        return Subject("batch", str(self.pk), str(self))


class RedeemCodeQuerySet(models.QuerySet["RedeemCode"]):
    def unused(self, now: datetime) -> Self:
        return self.redeemable(now).filter(uses_held=0)

    def redeemable(self, now: datetime) -> Self:
        """Codes that can be redeemed now: valid, with a use left."""
        return self.filter(Q(redeem_until=None) | Q(redeem_until__gt=now), voided_at=None, uses_held__lt=F("max_uses"))


class RedeemCode(models.Model):
    """A code. `uses_held` counts its open and ended Redemptions; only `uses.py` writes it."""

    code = models.CharField(_("code"), max_length=32, unique=True)  # normalised: capitals, no dashes
    batch = models.ForeignKey(CodeBatch, on_delete=models.PROTECT, related_name="codes", verbose_name=_("batch"))
    team = models.ForeignKey(
        Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+", verbose_name=_("Team")
    )
    seat_time = models.DurationField(_("seat time"), null=True, blank=True)
    redeem_until = models.DateTimeField(_("redeem until"), null=True, blank=True)
    max_uses = models.PositiveIntegerField(_("uses"), default=1)
    uses_held = models.PositiveIntegerField(_("used"), default=0)
    voided_at = models.DateTimeField(_("voided"), null=True, blank=True)
    created_at = models.DateTimeField(_("time"), default=timezone.now)

    objects = RedeemCodeQuerySet.as_manager()

    class Meta:
        verbose_name = _("code")
        verbose_name_plural = _("codes")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(uses_held__gte=0), name="invites_redeemcode_uses_natural"),
            models.CheckConstraint(
                condition=Q(uses_held__lte=F("max_uses")), name="invites_redeemcode_uses_within_max"
            ),
        ]

    def __str__(self) -> str:
        return self.dashed

    @property
    def dashed(self) -> str:
        return "-".join(self.code[i : i + 4] for i in range(0, len(self.code), 4))


class RedemptionQuerySet(models.QuerySet["Redemption"]):
    def waiting(self) -> Self:
        """Open claims without a live seat: they wait for a free one, or for a departure, and go before new claims."""
        return self.filter(is_waiting=True)


class Redemption(models.Model):
    """One e-mail's claim to one seat. It keeps its code when it moves to another Team."""

    public_id = models.CharField(_("reference"), max_length=32, unique=True)
    email = models.CharField(_("e-mail"), max_length=254, db_index=True)
    code = models.ForeignKey(
        RedeemCode, null=True, blank=True, on_delete=models.PROTECT, related_name="redemptions", verbose_name=_("code")
    )
    state = models.CharField(_("state"), max_length=8, choices=RedemptionState.choices, default=RedemptionState.OPEN)
    refusal = models.CharField(_("refused because"), max_length=16, choices=Refusal.choices, blank=True)
    # The claim whose seat an `already` redemption shows; NULL when the person is baseline or allowed.
    seated_by = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # The only Team it may be in: the code's, or the Team an operator added the person to.
    bound_team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    seat_time = models.DurationField(_("seat time"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    try_number = models.PositiveSmallIntegerField(default=1)
    # True while it is open without a seat. A column, so that a new claim finds these few by an index of their own.
    is_waiting = models.BooleanField(default=False)
    language = models.CharField(max_length=8, default="zh-hans")
    ip = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(_("time"), default=timezone.now, db_index=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    resends = models.PositiveSmallIntegerField(default=0)
    resend_wanted_at = models.DateTimeField(null=True, blank=True)
    resent_at = models.DateTimeField(null=True, blank=True)
    resend_failed_at = models.DateTimeField(null=True, blank=True)
    alerted_at = models.DateTimeField(null=True, blank=True)

    objects = RedemptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["email"], condition=Q(state="open"), name="invites_redemption_one_open"),
            models.UniqueConstraint(
                fields=["code", "email"], condition=Q(state__in=HOLDS_CODE), name="invites_redemption_one_per_code"
            ),
            models.CheckConstraint(
                condition=Q(is_waiting=False) | Q(state="open"), name="invites_redemption_waits_while_open"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "id"], name="invites_redemption_state"),
            models.Index(fields=["id"], condition=Q(is_waiting=True), name="invites_redemption_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.reference} {self.email}"

    @property
    def subject(self) -> Subject:
        return Subject("redemption", str(self.pk), self.email)

    @property
    def reference(self) -> str:
        return f"{self.public_id[:4]}-{self.public_id[4:8]}"


class TeamWorkQuerySet(WorkQuerySet[Row]):
    """Rows that are work at a Team, which may be in a cool-down."""

    def postpone(self, row: Any, until: datetime, **fields: Any) -> datetime | None:
        """Release the row until then, or until its Team's cool-down ends. Returns when it is due; None: too late."""
        cooldown = Team.objects.values_list("cooldown_until", flat=True).get(pk=row.team_id)
        due_at = max(until, cooldown or until)
        return due_at if self.let_go(row, due_at=due_at, **fields) else None


class SeatGrantQuerySet(TeamWorkQuerySet["SeatGrant"]):
    def live(self) -> Self:
        return self.filter(state__in=HOLDS_SEAT)

    def due(self, now: datetime) -> Self:
        """Live grants with something to do now, that no worker holds, in Teams without a cool-down."""
        return super().due(now).live().filter(Q(team__cooldown_until=None) | Q(team__cooldown_until__lte=now))


class SeatGrant(models.Model):
    """A Redemption's try at one Team: the seat it holds there, and how far it got.

    `attempts` is the fence: a claim raises it, and each later write of that claim filters by it.
    """

    redemption = models.ForeignKey(Redemption, on_delete=models.PROTECT, related_name="grants")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="grants", verbose_name=_("Team"))
    email = models.CharField(max_length=254)
    state = models.CharField(_("state"), max_length=9, choices=GrantState.choices, default=GrantState.RESERVED)
    try_number = models.PositiveSmallIntegerField(default=1)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)  # NULL: nothing to do until the next snapshot
    # True: ChatGPT may know this person here already, so look before sending.
    ask_first = models.BooleanField(default=False)
    submission_id = models.UUIDField(default=uuid.uuid4)
    # Sends that may have worked: while there are any, only a revoke and 15 minutes of absence let this grant leave.
    sends = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)  # the last send; committed before it
    leaving_since = models.DateTimeField(null=True, blank=True)
    leave_as = models.CharField(max_length=24, blank=True)
    unreadable_since = models.DateTimeField(null=True, blank=True)
    looks = models.PositiveIntegerField(default=0)
    upstream_user_id = models.CharField(max_length=80, blank=True)
    absent_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    invited_at = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    joined_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=40, blank=True)  # why it was cancelled or ended

    objects = SeatGrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("seat")
        verbose_name_plural = _("seats")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["redemption"], condition=Q(state__in=HOLDS_SEAT), name="invites_seatgrant_one_live"
            ),
            models.UniqueConstraint(
                fields=["team", "email"], condition=Q(state__in=HOLDS_SEAT), name="invites_seatgrant_one_per_person"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state__in=HOLDS_SEAT), name="invites_seatgrant_due"),
            models.Index(fields=["email"], name="invites_seatgrant_email"),
        ]

    def __str__(self) -> str:
        return f"{self.email} @ {self.team_id}"

    @property
    def subject(self) -> Subject:
        """The redemption: the audit of a seat is found there."""
        return Subject("redemption", str(self.redemption_id), self.email)


class DepartureQuerySet(TeamWorkQuerySet["Departure"]):
    def due(self, now: datetime) -> Self:
        return super().due(now).filter(state=DepartureState.OPEN)


class Departure(models.Model):
    """A person who must leave a Team: written before ChatGPT is told, done when a later list shows it."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="departures")
    email = models.CharField(max_length=254, blank=True)
    upstream_user_id = models.CharField(max_length=80, blank=True)
    grant = models.ForeignKey(SeatGrant, null=True, blank=True, on_delete=models.PROTECT, related_name="departures")
    reason = models.CharField(max_length=12, choices=DepartureReason.choices)
    state = models.CharField(max_length=8, choices=DepartureState.choices, default=DepartureState.OPEN)
    attempts = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    told_at = models.DateTimeField(null=True, blank=True)  # ChatGPT answered 2xx or 404
    closed_at = models.DateTimeField(null=True, blank=True)
    last_problem = models.CharField(max_length=200, blank=True)
    evidence = models.JSONField(default=dict)
    # Opened by the guardian, not an operator: any right to stay that appears before the call drops it.
    is_automatic = models.BooleanField(default=False)
    # When ChatGPT was last told to remove this member. Written before the call; a certain no takes it back.
    removed_at = models.DateTimeField(null=True, blank=True)
    # What the answer said of the cost: the fields of `RemovalNotice`.
    vacancy_ordinal = models.PositiveIntegerField(null=True, blank=True)
    free_below = models.PositiveIntegerField(null=True, blank=True)
    seats_billed = models.PositiveIntegerField(null=True, blank=True)
    needs_replacement = models.BooleanField(null=True, blank=True)
    billed_from = models.DateTimeField(null=True, blank=True)
    billed_until = models.DateTimeField(null=True, blank=True)
    billing_text = models.CharField(max_length=200, blank=True)

    objects = DepartureQuerySet.as_manager()

    class Meta:
        verbose_name = _("departure")
        verbose_name_plural = _("departures")
        constraints = [
            models.UniqueConstraint(
                fields=["team", "email"], condition=Q(state="open"), name="invites_departure_one_open"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="invites_departure_due"),
            models.Index(fields=["team", "removed_at"], name="invites_departure_removed"),
        ]

    def __str__(self) -> str:
        return f"{self.email} ← {self.team_id}"

    @property
    def subject(self) -> Subject:
        return Subject("departure", str(self.pk), self.email or self.upstream_user_id)

    @property
    def notice(self) -> RemovalNotice:
        return RemovalNotice(**{field.name: getattr(self, field.name) for field in fields(RemovalNotice)})


class RedeemAttempt(models.Model):
    """A try at the public form, for the throttle; pruned daily."""

    at = models.DateTimeField(default=timezone.now)
    ip = models.CharField(max_length=64)
    email = models.CharField(max_length=254, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["ip", "at"], name="invites_redeemattempt_ip"),
            models.Index(fields=["email", "at"], name="invites_redeemattempt_email"),
        ]

    def __str__(self) -> str:
        return f"{self.ip} {self.at}"

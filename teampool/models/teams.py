"""Workspaces: their seats, their tokens, their health, and who may take people."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from base.encryption import EncryptedTextField
from notifications.audit.events import Subject
from teampool.known import GOOD_FOR, Known, is_stale
from teampool.models.owners import Owner


def without_number(now: datetime) -> Q:
    """Teams whose seats were not read yet, or too long ago: the same rule as `Team.is_seats_unread`."""
    is_newer = Q(cap_set_at__isnull=False, cap_set_at__gt=F("seats_read_at"))
    is_stale = Q(seats_read_at__isnull=False, seats_read_at__lt=now - GOOD_FOR) & ~is_newer
    return Q(seats_known__in=(Known.UNREAD, Known.STALE)) | is_stale


def placing(now: datetime) -> Q:
    """Teams whose number of places may be relied on: read, not too long ago, and of a workspace with standard seats."""
    return Q(~without_number(now), Q(is_codex_only=None) | Q(is_codex_only=False))


def sound(now: datetime) -> Q:
    """Healthy with seats that were read, but perhaps cooling down, which passes by itself within minutes."""
    return Q(
        Q(subscription_until=None) | Q(subscription_until__gt=now),
        placing(now),
        is_enabled=True,
        archived_at=None,
        token_state=Team.Token.HEALTHY,
        workspace_state=Team.Workspace.ACTIVE,
        upstream_full_at=None,
        opened_at__isnull=False,
        snapshot_started_at__gte=F("opened_at"),
        snapshot_has_self=True,
    )


def living(team: str = "") -> Q:
    """Teams that still seat people, for the database: those that are not `Team.is_lost`.

    `team` is the way to the Team from the rows that are asked for, such as "team__".
    """
    return Q(**{f"{team}archived_at": None}) & ~Q(**{f"{team}workspace_state__in": Team.LOST})


class TeamQuerySet(models.QuerySet["Team"]):
    def healthy(self, now: datetime) -> Self:
        """Teams that could take people if they had seats: design §3, 'allocatable'."""
        return self.filter(Q(cooldown_until=None) | Q(cooldown_until__lte=now), sound(now))

    def allocatable(self, now: datetime, *, kept: Combinable | int = 0) -> Self:
        """Healthy Teams with a free seat besides the `kept` ones, which are for people who have waited longer."""
        return self.healthy(now).filter(seat_total__gt=SEATS_USED + kept)

    def in_order_of_choice(self) -> Self:
        """Most recent successful invite first (never-invited last), then fewest free seats, then id."""
        return self.order_by(F("last_invite_at").desc(nulls_last=True), F("seat_total") - SEATS_USED, "id")


class Team(models.Model):
    """One workspace: its seats, its access token and its health. Seat columns: only `seats.py` writes them."""

    class Token(models.TextChoices):
        HEALTHY = "healthy", _("healthy")
        EXPIRED = "expired", _("expired")
        DISABLED = "disabled", _("disabled")

    class Workspace(models.TextChoices):
        ACTIVE = "active", _("active")
        SUSPENDED = "suspended", _("suspended")
        DELINQUENT = "delinquent", _("unpaid")
        ACCESS_LOST = "access_lost", _("no access")
        INSUFFICIENT_ROLE = "insufficient_role", _("role too low")
        RESTRICTED = "restricted", _("restricted")

    class SeatsKnown(models.TextChoices):
        """How the number of places is known; the same words as `Known`."""

        POOLS = Known.POOLS.value, _("read")
        ENTITLED = Known.ENTITLED.value, _("read, one kind of seat")
        CAP = Known.CAP.value, _("your cap")
        ASSUMED = Known.ASSUMED.value, _("assumed")
        UNREAD = Known.UNREAD.value, _("not read yet")
        STALE = Known.STALE.value, _("read too long ago")

    LOST = (Workspace.SUSPENDED, Workspace.ACCESS_LOST)

    owner = models.ForeignKey(Owner, on_delete=models.PROTECT, related_name="teams", verbose_name=_("owner"))
    account_id = models.CharField(_("account id"), max_length=64, unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    plan = models.CharField(_("plan"), max_length=48, blank=True)
    organization_id = models.CharField(max_length=64, blank=True)
    access_token = EncryptedTextField(blank=True, default="")
    access_expires_at = models.DateTimeField(null=True, blank=True)
    # Not asked for a new one ahead of time before this: the last time there was none.
    renewal_due_at = models.DateTimeField(null=True, blank=True)

    is_enabled = models.BooleanField(_("takes people"), default=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    token_state = models.CharField(_("token"), max_length=8, choices=Token.choices, default=Token.HEALTHY)
    workspace_state = models.CharField(
        _("workspace"), max_length=20, choices=Workspace.choices, default=Workspace.ACTIVE
    )
    state_reason = models.CharField(max_length=200, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    # The member check counts apart: failures since then, forgotten after ten minutes.
    look_failures = models.PositiveSmallIntegerField(default=0)
    look_failures_since = models.DateTimeField(null=True, blank=True)
    # Invitations in a row that upstream took and never listed; enough of them restrict the Team.
    ghosts = models.PositiveSmallIntegerField(default=0)
    restricted_at = models.DateTimeField(null=True, blank=True)
    cooldown_until = models.DateTimeField(null=True, blank=True)
    # Upstream said "no seats" although we counted some: no new people until the next look at its seats.
    upstream_full_at = models.DateTimeField(null=True, blank=True)
    subscription_until = models.DateTimeField(null=True, blank=True)
    will_renew = models.BooleanField(null=True, blank=True)
    # The end of the subscription operators were told of last.
    subscription_warned_for = models.DateTimeField(null=True, blank=True)

    # `teams/changes.py` writes both; the time is empty without a cap, and for a cap older than 0.3.
    operator_cap = models.PositiveIntegerField(_("seat cap"), null=True, blank=True)
    cap_set_at = models.DateTimeField(null=True, blank=True)
    seat_total = models.PositiveIntegerField(default=0)
    outsiders = models.PositiveIntegerField(default=0)
    seats_held = models.PositiveIntegerField(default=0)
    # Of those held: people who sit in a seat of another kind (Premium, Codex) and need no standard one.
    seats_elsewhere = models.PositiveIntegerField(default=0)
    seat_cap = models.PositiveIntegerField(default=0)
    # How `seat_total` is known, and since when; bought without the own seat; rows of the last lists that take a place.
    seats_known = models.CharField(max_length=8, choices=SeatsKnown.choices, default=SeatsKnown.UNREAD)
    seats_read_at = models.DateTimeField(null=True, blank=True)
    seats_bought = models.IntegerField(null=True, blank=True)
    seats_taken = models.PositiveIntegerField(default=0)
    # The last read whose age operators were told of.
    seats_warned_for = models.DateTimeField(null=True, blank=True)

    # What the last reads of the subscription and of the account check said (`pool/stored.py`).
    reading = models.JSONField(null=True, blank=True)
    pools = models.JSONField(default=list, blank=True)
    seats_refused_at = models.DateTimeField(null=True, blank=True)
    seats_refused_again_at = models.DateTimeField(null=True, blank=True)
    seats_refused_status = models.PositiveSmallIntegerField(null=True, blank=True)
    is_codex_only = models.BooleanField(null=True, blank=True)
    features_read_at = models.DateTimeField(null=True, blank=True)
    # Who else lets people in (`teams/entrance.py`); None where ChatGPT does not say.
    members_may_invite = models.BooleanField(null=True, blank=True)
    accepts_requests = models.BooleanField(null=True, blank=True)
    entrance_read_at = models.DateTimeField(null=True, blank=True)
    cancellation_outcome = models.CharField(max_length=32, blank=True)

    # Import or revival; only a complete snapshot started after it makes the Team allocatable.
    opened_at = models.DateTimeField(null=True, blank=True)
    snapshot_started_at = models.DateTimeField(_("last sync"), null=True, blank=True)
    snapshot_has_self = models.BooleanField(default=False)
    sync_tried_at = models.DateTimeField(null=True, blank=True)
    sync_problem = models.CharField(max_length=200, blank=True)
    sync_lease_until = models.DateTimeField(null=True, blank=True)
    # While it is out of order (`teams/look_again.py`): the looks since then that found it so, and the next one.
    looks_again = models.PositiveSmallIntegerField(default=0)
    look_again_at = models.DateTimeField(null=True, blank=True)
    last_invite_at = models.DateTimeField(_("last invitation"), null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = TeamQuerySet.as_manager()

    class Meta:
        verbose_name = _("Team")
        verbose_name_plural = _("Teams")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(seats_held__lte=F("seat_cap")), name="teampool_team_seats_within_cap"),
            models.CheckConstraint(condition=Q(seats_held__gte=0), name="teampool_team_seats_held_natural"),
            models.CheckConstraint(condition=Q(outsiders__gte=0), name="teampool_team_outsiders_natural"),
        ]
        indexes = [models.Index(fields=["sync_tried_at"], name="teampool_team_stalest")]

    def __str__(self) -> str:
        return f"{self.name or 'Team'} {self.account_id[:8]}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """An existing row needs `update_fields`: a whole-row save would undo a concurrent hold."""
        if not self._state.adding and kwargs.get("update_fields") is None:
            raise ValueError("Team.save() on an existing row needs update_fields")
        super().save(*args, **kwargs)

    @property
    def subject(self) -> Subject:
        return Subject("team", str(self.pk), str(self))

    @property
    def is_lost(self) -> bool:
        """It seats nobody any more, archived or out of reach: its people are seated elsewhere."""
        return self.archived_at is not None or self.workspace_state in self.LOST

    @property
    def seats_used(self) -> int:
        return self.seats_held + self.outsiders - self.seats_elsewhere

    @property
    def seats_free(self) -> int:
        return max(0, self.seat_total - self.seats_used)

    @property
    def is_over_full(self) -> bool:
        """More people than were bought. Fewer places than people because seats are held or not read is not."""
        return self.seats_bought is not None and self.seats_taken > self.seats_bought

    def is_seats_unread(self, now: datetime) -> bool:
        """True when nobody is placed because the seats were not read, or too long ago; `without_number` in SQL."""
        return self.seats_known in (Known.UNREAD, Known.STALE) or self.is_seats_stale(now)

    def is_seats_stale(self, now: datetime) -> bool:
        """True when nobody is placed because the seats were read more than 24 h ago."""
        if self.seats_read_at is None:
            return False
        return is_stale(read_at=self.seats_read_at, cap_set_at=self.cap_set_at, now=now)


SEATS_USED = F("seats_held") + F("outsiders") - F("seats_elsewhere")
OVER_FULL = Q(seats_taken__gt=F("seats_bought"))
FREE_SEATS = Greatest(F("seat_total") - SEATS_USED, 0)

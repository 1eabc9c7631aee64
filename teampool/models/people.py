"""Who was seen in a Team, and who may be there without a grant."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.audit.events import Subject
from teampool.models.teams import Team, living
from teampool.upstream.types import OTHER_SEATS


class MemberQuerySet(models.QuerySet["Member"]):
    def shown_now(self, email: str) -> Self:
        """Rows of the last lists of living Teams that show this e-mail, the log-in's own rows among them."""
        return self.filter(living("team__"), email=email, deactivated_at=None)

    def in_other_seats(self) -> Self:
        """Rows in a Premium, Codex or automation seat, as `rows.is_standard` says of one."""
        return self.filter(deactivated_at=None, seat_type__in=OTHER_SEATS)

    def not_own(self) -> Self:
        """Without the rows of the Team's own log-in: its user id or its e-mail, as `snapshot.is_own_row` finds it."""
        own_id = Q(upstream_id=F("team__owner__upstream_user_id")) & ~Q(upstream_id="")
        return self.exclude(own_id).exclude(Q(email=F("team__owner__email")) & ~Q(email=""))

    def taking_places(self) -> Self:
        """Rows in a standard seat, or in one of a type nobody has heard of, as `rows.takes_place` says of one."""
        return self.filter(deactivated_at=None).exclude(seat_type__in=OTHER_SEATS)


class Member(models.Model):
    """One row of the last complete snapshot: a member or a pending invite."""

    class Kind(models.TextChoices):
        MEMBER = "member", _("member")
        INVITE = "invite", _("pending invite")

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="members")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    upstream_id = models.CharField(max_length=80)
    email = models.CharField(max_length=254, blank=True, db_index=True)  # normalised; empty when hidden
    name = models.CharField(max_length=200, blank=True)
    role = models.CharField(max_length=32, blank=True)
    seat_type = models.CharField(max_length=32, blank=True)
    joined_at = models.DateTimeField(null=True, blank=True)
    deactivated_at = models.DateTimeField(null=True, blank=True)

    objects = MemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [
            models.UniqueConstraint(fields=["team", "kind", "upstream_id"], name="teampool_member_once"),
        ]

    def __str__(self) -> str:
        return self.email or self.upstream_id


class VacancyQuerySet(models.QuerySet["Vacancy"]):
    def waiting(self) -> Self:
        """Places that no read of the seats has given back yet."""
        return self.filter(place_back_at=None)


class Vacancy(models.Model):
    """A place of this Team that emptied: given out again only after a later read of its seats (design §3)."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="vacancies")
    kind = models.CharField(max_length=8, choices=Member.Kind.choices)
    upstream_id = models.CharField(max_length=80)
    email = models.CharField(max_length=254, blank=True, db_index=True)
    gone_by = models.DateTimeField()  # they left at this moment or before it
    place_back_at = models.DateTimeField(null=True, blank=True)

    objects = VacancyQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["team"], condition=Q(place_back_at=None), name="teampool_vacancy_waiting"),
        ]

    def __str__(self) -> str:
        return self.email or self.upstream_id


class AllowedMember(models.Model):
    """Someone who may be in a Team without a grant: there at import, or allowed by an operator."""

    class Origin(models.TextChoices):
        BASELINE = "baseline", _("baseline")
        OPERATOR = "operator", _("allowed")

    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="allowed")
    email = models.CharField(_("e-mail"), max_length=254, blank=True, db_index=True)
    upstream_user_id = models.CharField(max_length=80, blank=True)
    origin = models.CharField(max_length=8, choices=Origin.choices)
    note = models.CharField(max_length=200, blank=True)
    added_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("allowed person")
        verbose_name_plural = _("allowed people")
        constraints = [
            models.CheckConstraint(
                condition=~Q(email="") | ~Q(upstream_user_id=""), name="teampool_allowedmember_is_someone"
            ),
            models.UniqueConstraint(fields=["team", "email", "upstream_user_id"], name="teampool_allowedmember_once"),
        ]

    def __str__(self) -> str:
        return self.email or self.upstream_user_id

    @property
    def subject(self) -> Subject:
        return Subject("person", str(self.pk), str(self))

"""Which log-ins administer a Team: the one in use (`Team.owner`), and others that can take over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from base.encryption import EncryptedTextField
from teampool.models.owners import Owner, renewing
from teampool.models.teams import Team

EXCHANGE_AGAIN = timedelta(hours=1)


class TeamLoginQuerySet(models.QuerySet["TeamLogin"]):
    def spare(self) -> Self:
        """Without the one in use."""
        return self.exclude(owner=F("team__owner"))

    def able(self, now: datetime) -> Self:
        """Those that may take over: not refused by this Team, and they renew themselves or have a token that runs."""
        has_token = ~Q(access_token="") & (Q(access_expires_at=None) | Q(access_expires_at__gt=now))
        works = Q(has_token, owner__login=Owner.Login.OK)
        # ChatGPT may give no token once and give one later, unlike a lost access: it is asked again.
        hour_ago = now - EXCHANGE_AGAIN
        waited = Q(tried_at__lte=hour_ago) | Q(tried_at=None, problem_since__lte=hour_ago)
        may_again = Q(waited, renewing("owner__"), problem=TeamLogin.Problem.EXCHANGE_REFUSED)
        return self.filter(Q(works | renewing("owner__"), problem=TeamLogin.Problem.NONE) | may_again)

    def in_order_of_choice(self) -> Self:
        """Who renews itself first, then whose token lasts longest, then the oldest."""
        renews = Case(When(renewing("owner__"), then=Value(0)), default=Value(1))
        return self.order_by(renews, F("access_expires_at").desc(nulls_last=True), "pk")


class TeamLogin(models.Model):
    """A log-in that administers a Team, and what this Team refused it.

    Its token for this Team stands here only while another log-in is in use; the token in use is `Team.access_token`.
    """

    class Problem(models.TextChoices):
        NONE = "", _("none")
        ACCESS_LOST = "access_lost", _("no access")
        ROLE_TOO_LOW = "insufficient_role", _("role too low")
        EXCHANGE_REFUSED = "exchange_refused", _("no token for this Team")
        TOKEN_REFUSED = "token_refused", _("token refused")

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="logins")
    owner = models.ForeignKey(Owner, on_delete=models.CASCADE, related_name="team_logins", verbose_name=_("owner"))
    access_token = EncryptedTextField(blank=True, default="")
    access_expires_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=20, choices=Problem.choices, blank=True, default=Problem.NONE)
    problem_since = models.DateTimeField(null=True, blank=True)
    # The last time it was asked for although it does not lead.
    tried_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects = TeamLoginQuerySet.as_manager()

    class Meta:
        verbose_name = _("log-in of a Team")
        verbose_name_plural = _("log-ins of Teams")
        constraints = [models.UniqueConstraint(fields=["team", "owner"], name="teampool_teamlogin_once")]

    def __str__(self) -> str:
        return f"{self.team_id}:{self.owner_id}"

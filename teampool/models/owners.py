"""Log-ins that own workspaces, and which of their refresh tokens were sent."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from base.encryption import EncryptedTextField
from notifications.audit.events import Subject


def renewing(owner: str = "") -> Q:
    """Log-ins that renew themselves, for the database: the same rule as `Owner.is_renewing`.

    `owner` is the way to the Owner from the rows that are asked for, such as "owner__".
    """
    refresh = _has_refresh_token(owner) & _knows_its_client(owner)
    return Q(_has_session(owner) | refresh, **{f"{owner}login": Owner.Login.OK})


def proven(owner: str = "") -> Q:
    """Log-ins that renew themselves by a session or a refresh token that was refreshed before: `Owner.is_proven`."""
    refresh = _has_refresh_token(owner) & _knows_its_client(owner)
    refresh &= Q(**{f"{owner}client_state": Owner.Client.PROVEN})
    return Q(_has_session(owner) | refresh, **{f"{owner}login": Owner.Login.OK})


def lacking_client(owner: str = "") -> Q:
    """Log-ins whose only means is a refresh token that cannot be used for want of its client id."""
    return _has_refresh_token(owner) & ~_has_session(owner) & ~_knows_its_client(owner)


def _has_session(owner: str) -> Q:
    return ~Q(**{f"{owner}session_token": ""})


def _has_refresh_token(owner: str) -> Q:
    return ~Q(**{f"{owner}refresh_token": ""})


def _knows_its_client(owner: str) -> Q:
    return ~Q(**{f"{owner}client_id": ""}) & ~Q(**{f"{owner}client_state": Owner.Client.WRONG})


class Owner(models.Model):
    """The login that owns workspaces. Every write of a token raises `credential_version`."""

    class Login(models.TextChoices):
        OK = "ok", _("working")
        EXPIRED = "expired", _("needs log-in")
        DISABLED = "disabled", _("disabled")
        MISMATCH = "mismatch", _("belongs to someone else")

    class Client(models.TextChoices):
        """How the client id of the stored refresh token is known; without one the id is empty."""

        GIVEN = "given", _("given with the token")
        # The access token of the same token response names it.
        NAMED = "named", _("named by its access token")
        # A refresh succeeded with it.
        PROVEN = "proven", _("proven")
        # Upstream refused it: the token is kept, and not sent under this id again.
        WRONG = "wrong", _("wrong")

    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    upstream_user_id = models.CharField(max_length=64, blank=True)
    session_token = EncryptedTextField(blank=True, default="")
    refresh_token = EncryptedTextField(blank=True, default="")
    client_id = models.CharField(max_length=64, blank=True)
    client_state = models.CharField(max_length=8, choices=Client.choices, default=Client.GIVEN)
    device_id = models.UUIDField()
    credential_version = models.PositiveIntegerField(default=1)
    login = models.CharField(_("log-in"), max_length=8, choices=Login.choices, default=Login.OK)
    login_problem = models.CharField(max_length=200, blank=True)
    login_ended_at = models.DateTimeField(null=True, blank=True)
    # One refresh at a time: whoever moved this into the future holds the lease.
    refresh_lease_until = models.DateTimeField(null=True, blank=True)
    # Committed before a refresh token is sent; emptied with the answer. Left behind: the outcome is unknown.
    refresh_sent_at = models.DateTimeField(null=True, blank=True)
    # Since when the web session gives no token; empty again with the first good answer (`login/doubt.py`).
    doubted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("owner")
        verbose_name_plural = _("owners")
        ordering = ["email"]

    def __str__(self) -> str:
        return self.email

    @property
    def subject(self) -> Subject:
        return Subject("owner", str(self.pk), self.email)

    @property
    def can_refresh(self) -> bool:
        """It has a refresh token with a client id that was not found wrong, proven or not."""
        return bool(self.refresh_token and self.client_id and self.client_state != self.Client.WRONG)

    @property
    def can_renew(self) -> bool:
        """It has the means: a session token, or a refresh token with its client id."""
        return bool(self.session_token or self.can_refresh)

    @property
    def is_proven(self) -> bool:
        """It renews itself, and not only by a refresh token that was never tried."""
        is_refreshed = self.can_refresh and self.client_state == self.Client.PROVEN
        return self.login == self.Login.OK and bool(self.session_token or is_refreshed)

    @property
    def is_renewing(self) -> bool:
        """It works and has the means, so its access tokens are renewed, or this is tried in time."""
        return self.login == self.Login.OK and self.can_renew


class SentToken(models.Model):
    """A refresh token that was sent, by its digest: nobody else may send it, and what it was exchanged for.

    The row is there before the token leaves; the successor is committed before it is used for anything. `client_id`:
    under which it was sent last; with a successor, the one that bought it. It is never sent under one of `refused_ids`.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    sent_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    successor = EncryptedTextField(blank=True, default="")
    client_id = models.CharField(max_length=64, blank=True, default="")
    refused_ids = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.digest[:8]

"""Keys for programs, and places among the long jobs."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.audit.events import Subject


class ApiKey(models.Model):
    """A program's key: stored hashed, shown once."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    scope = models.CharField(_("scope"), max_length=16, default="import")
    prefix = models.CharField(_("key"), max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return self.name

    @property
    def subject(self) -> Subject:
        return Subject("api_key", str(self.pk), self.name)


class SyncRun(models.Model):
    """An operator asked for a sync of these Teams; its progress is read from the Teams' own columns."""

    started_at = models.DateTimeField(default=timezone.now)
    team_ids = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.pk}"


class JobLease(models.Model):
    """A place among the long jobs; the worker that moved `until` into the future holds it."""

    name = models.CharField(max_length=40, primary_key=True)
    until = models.DateTimeField()
    holder = models.CharField(max_length=80, blank=True)

    def __str__(self) -> str:
        return self.name

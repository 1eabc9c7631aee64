"""What was imported, line by line."""

from __future__ import annotations

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from base.encryption import EncryptedTextField
from notifications.audit.events import Subject


def where(file: str, line: int, place: str) -> str:
    """`accounts.json:3`, `3` of pasted text, `accounts.xlsx` for a whole file; then which of several on a line."""
    return " ".join(part for part in (":".join(part for part in (file, str(line or "")) if part), place) if part)


class ImportJob(models.Model):
    """One import: once accepted it is finished, even if the client that posted it goes away."""

    created_at = models.DateTimeField(_("time"), default=timezone.now)
    actor_kind = models.CharField(max_length=16)
    actor = models.CharField(_("who"), max_length=254, blank=True)
    ip = models.CharField(max_length=64, blank=True)
    total = models.PositiveIntegerField(_("lines"), default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    # Free seats of the Teams it brought, as counted when it ended.
    free_seats = models.PositiveIntegerField(null=True, blank=True)
    retry_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.pk}"

    @property
    def subject(self) -> Subject:
        return Subject("import", str(self.pk), str(self))


class ImportLine(models.Model):
    """One line of an import and what became of it; its secrets are wiped with success or after 24 hours."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        WORKING = "working", _("working")
        CREATED = "created", _("created")
        UPDATED = "updated", _("updated")
        DUPLICATE = "duplicate", _("duplicate")
        INVALID = "invalid", _("invalid")
        FAILED = "failed", _("failed")

    job = models.ForeignKey(ImportJob, on_delete=models.CASCADE, related_name="lines")
    file = models.CharField(max_length=200, blank=True)  # the file's name; "" for pasted text
    number = models.PositiveIntegerField(_("line"))  # 0: the file as a whole
    place = models.CharField(max_length=80, blank=True)  # `accounts[3]`, where several accounts begin on one line
    part = models.PositiveIntegerField(default=1)  # one line may hold several JSON documents
    # The line that brings the same account: this one ends as that one does.
    duplicate_of = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL)
    state = models.CharField(_("result"), max_length=9, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=40, blank=True)  # what a good line says of its refresh token, as a reason
    detail = models.CharField(max_length=80, blank=True)  # what the words of the reason name; never a secret
    # The owner this log-in is to renew: another person's is refused.
    meant_for = models.CharField(max_length=254, blank=True, default="")
    email = models.CharField(_("owner"), max_length=254, blank=True)
    holds = models.CharField(max_length=16, blank=True)  # what the line had: "AT RT ST", never the value
    # The kinds of its columns that were ignored: ["password", "2fa"], one for each, never a value.
    unused = models.JSONField(default=list)
    payload = EncryptedTextField(blank=True, default="")
    attempts = models.PositiveSmallIntegerField(default=0)
    teams = models.JSONField(default=list)  # [{"id", "account_id", "name", "action", "baseline"}]
    renews_itself = models.BooleanField(default=False)
    access_until = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("import line")
        verbose_name_plural = _("import lines")
        ordering = ["job", "file", "number", "part"]
        constraints = [
            models.UniqueConstraint(fields=["job", "file", "number", "part"], name="teampool_importline_once")
        ]
        indexes = [models.Index(fields=["state"], name="teampool_importline_state")]

    def __str__(self) -> str:
        return f"{self.job_id}:{self.where}"

    @property
    def where(self) -> str:
        return where(self.file, self.number, self.place)

"""The audit (AuditEvent), the outbox (Message), run-time settings, and the announcement."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, NoReturn, Self

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from base.encryption import EncryptedTextField
from base.work import WorkQuerySet


class AppendOnly(TypeError):
    """Raised on an attempt to change or delete a record of the audit."""


class AuditEvents(models.QuerySet["AuditEvent"]):
    """A QuerySet that raises AppendOnly on every update and delete."""

    def update(self, **fields: Any) -> NoReturn:
        raise AppendOnly

    def delete(self) -> NoReturn:
        raise AppendOnly

    def bulk_update(self, *args: Any, **options: Any) -> NoReturn:
        raise AppendOnly

    def bulk_create(self, objs: Any, *args: Any, update_conflicts: bool = False, **options: Any) -> Any:
        if update_conflicts:
            raise AppendOnly
        return super().bulk_create(objs, *args, **options)


class AuditEvent(models.Model):
    """Append-only: who did what to whom, from where. Written in the transaction of the change itself."""

    at = models.DateTimeField(_("time"), db_index=True)
    actor_kind = models.CharField(_("kind"), max_length=16)
    actor = models.CharField(_("who"), max_length=254, blank=True)
    ip = models.CharField(_("from"), max_length=64, blank=True)
    action = models.CharField(_("what"), max_length=48)
    object_kind = models.CharField(_("on"), max_length=24)
    object_id = models.CharField(max_length=64)
    object_label = models.CharField(_("on whom"), max_length=254, blank=True)
    details = models.JSONField(_("details"), default=dict)

    objects = AuditEvents.as_manager()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["object_kind", "object_id", "-id"], name="notifications_audit_object"),
            # Finds rare actions among many records, newest first.
            models.Index(fields=["action", "-id"], name="notifications_audit_action"),
            models.Index(fields=["actor_kind", "-id"], name="notifications_audit_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.object_label or self.object_id}"

    def save(self, *args: Any, **options: Any) -> None:
        if not self._state.adding:
            raise AppendOnly
        super().save(*args, **options | {"force_insert": True})

    def delete(self, *args: Any, **options: Any) -> NoReturn:
        raise AppendOnly


class MessageQuerySet(WorkQuerySet["Message"]):
    def due(self, now: datetime) -> Self:
        return super().due(now).filter(state=Message.State.WAITING)


class Message(models.Model):
    """A notification to send over one channel; the row is the outbox."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        FAILED = "failed", _("failed")

    created_at = models.DateTimeField(_("time"))
    event = models.CharField(_("event"), max_length=48)
    channel = models.CharField(_("channel"), max_length=16)
    recipient = models.CharField(_("recipient"), max_length=254, blank=True)
    language = models.CharField(max_length=8, default="zh-hans")
    context = models.JSONField(default=dict)
    dedupe_key = models.CharField(max_length=160, unique=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("tries"), default=0)
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(_("error"), max_length=300, blank=True)
    # The lease of the worker that is sending; `attempts` is the fence. The receiver sees the same `uid` at every try.
    lease_until = models.DateTimeField(null=True, blank=True)
    uid = models.UUIDField(default=uuid.uuid4, editable=False)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = pgettext_lazy("menu", "Messages")
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "due_at"], name="notifications_message_due")]

    def __str__(self) -> str:
        return f"{self.event} → {self.channel}"


class Setting(models.Model):
    """A run-time setting that differs from its default; each is declared in its room's settings module."""

    key = models.CharField(max_length=64, primary_key=True)
    value = models.JSONField(default=str)
    secret = EncryptedTextField(blank=True, default="")  # used instead of `value` when the setting is a secret
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("setting")
        verbose_name_plural = _("settings")

    def __str__(self) -> str:
        return self.key


class Announcement(models.Model):
    """The text above the redeem form, in Markdown; at most one row."""

    zh = models.TextField("中文", max_length=4000, blank=True)
    en = models.TextField("English", max_length=4000, blank=True)
    is_shown = models.BooleanField(_("shown"), default=False)
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcement")
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="notifications_announcement_one")]

    def __str__(self) -> str:
        return self.zh[:40]

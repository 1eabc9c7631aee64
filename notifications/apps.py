"""What happened, what was sent, and the run-time settings."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Notices")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from notifications.settings import declared  # noqa: F401, PLC0415 - `config list` knows them from the start

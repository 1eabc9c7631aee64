"""What happened, what was sent, and the run-time settings."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Notices")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The channels and the settings are known from the start.
        from notifications.channels import registry  # noqa: F401, PLC0415

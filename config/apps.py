"""The app of config. Its `ready` registers the admin tables and listens for lockouts."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _

from config.checks import check_hosts


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = _("System")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from axes.signals import user_locked_out  # noqa: PLC0415 - its models are there only now

        from config.backoffice import admin  # noqa: F401, PLC0415
        from config.backoffice.lockout import report  # noqa: PLC0415

        checks.register(check_hosts)
        user_locked_out.connect(report, dispatch_uid="seatkeeper")

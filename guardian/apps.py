"""Keeps watch over the pool."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GuardianConfig(AppConfig):
    name = "guardian"
    verbose_name = _("Guardian")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from guardian.rules import policy  # noqa: F401, PLC0415 - `config list` knows its settings from the start

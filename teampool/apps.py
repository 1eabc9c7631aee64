"""Owners, Teams, and everything said to ChatGPT."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TeampoolConfig(AppConfig):
    name = "teampool"
    verbose_name = _("Seats")
    default_auto_field = "django.db.models.BigAutoField"

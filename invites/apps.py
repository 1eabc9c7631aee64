"""Codes, redemptions and the seats they hold."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _

from invites.redeeming.limits import check_setting


class InvitesConfig(AppConfig):
    name = "invites"
    verbose_name = _("Invites")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(check_setting)

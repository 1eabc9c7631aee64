"""Finds people who have no right to be in a Team, and removes them."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class GuardianConfig(AppConfig):
    name = "guardian"
    verbose_name = _("Guardian")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Imported here, because these need the models.
        from guardian import settings  # noqa: F401, PLC0415 - `config list` knows its settings from the start
        from guardian.admin.team_filter import TeamsWithFindings  # noqa: PLC0415
        from teampool.admin.teams import TeamPages  # noqa: PLC0415

        TeamPages.list_filter = (*TeamPages.list_filter, TeamsWithFindings)

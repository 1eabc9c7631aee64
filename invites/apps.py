"""Codes, redemptions and the seats they hold."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext_lazy as _


class InvitesConfig(AppConfig):
    name = "invites"
    verbose_name = _("Invites")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Imported here, because these need the models.
        from invites.admin.reasons import in_the_way  # noqa: PLC0415
        from invites.redeeming.throttle import check_setting  # noqa: PLC0415
        from notifications.audit.words import explain  # noqa: PLC0415
        from notifications.texts.notices import removal_cost  # noqa: PLC0415

        checks.register(check_setting)
        explain("departure_dropped", in_the_way)
        explain("departure_told", removal_cost)

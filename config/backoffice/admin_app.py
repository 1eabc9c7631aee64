"""Makes Django's admin use our `OperatorSite`."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class OperatorAdminConfig(AdminConfig):
    default_site = "config.backoffice.site.OperatorSite"

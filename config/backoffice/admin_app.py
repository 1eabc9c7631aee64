"""Names the site the operator's pages hang on; the rest of Django's admin is as it comes."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class OperatorAdminConfig(AdminConfig):
    default_site = "config.backoffice.site.OperatorSite"

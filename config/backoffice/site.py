"""The operator's site: Django's admin with the theme, and the pages that belong to no table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, URLResolver, include, path

from base.actors import operator
from config.backoffice import operators
from teampool.imports.pages import import_job, import_teams, retry_failed
from teampool.imports.sign_in_pages import begin_sign_in, sign_in

if TYPE_CHECKING:
    from django.contrib.admin import AdminSite
else:
    from unfold.sites import UnfoldAdminSite as AdminSite


class OperatorSite(AdminSite):
    """Adds pages beside the tables; hides Django's lists of apps and histories."""

    enable_nav_sidebar = True
    final_catch_all_view = True

    def get_urls(self) -> list[URLResolver | URLPattern]:
        return [
            path("import/", self.admin_view(import_teams), name="import_teams"),
            path("import/<int:job_id>/", self.admin_view(import_job), name="import_job"),
            path("sign-in/", self.admin_view(begin_sign_in), name="begin_sign_in"),
            path("sign-in/owner/<int:owner_id>/", self.admin_view(begin_sign_in), name="begin_sign_in_of"),
            path("sign-in/<int:pk>/", self.admin_view(sign_in), name="sign_in"),
            path("import/<int:job_id>/retry/", self.admin_view(retry_failed), name="import_retry"),
            path("doctor/", include("config.service.doctor.urls")),
            path("find/", include("invites.admin.find.urls")),
            path("settings/", include("config.backoffice.settings_page.urls")),
            # Before the tables: the admin's own addresses would read these as ids of rows.
            path("teampool/team/", include("invites.admin.teams.urls")),
            *super().get_urls(),
        ]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Record each log-in. Wrong tries are only counted; `lockout.report` records a lockout."""
        response = super().login(request, extra_context)
        if request.method == "POST" and response.status_code == 302 and request.user.is_authenticated:
            operators.note_log_in(actor=operator(request))
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Django's page for one's own password; records the change."""
        with transaction.atomic():
            response = super().password_change(request, extra_context)
            if request.method == "POST" and response.status_code == 302:
                operators.note_new_password(actor=operator(request))
        return response

    def app_index(self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("admin:index")

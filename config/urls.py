"""Every address of the product."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path

from config.health import healthz, readyz
from config.icon import favicon
from config.no_such_address import no_such_address
from config.openapi import openapi
from teampool.imports.door import import_endpoint

urlpatterns = [
    path("favicon.ico", favicon),
    path("healthz", healthz),
    path("readyz", readyz),
    path("openapi.json", openapi),
    # A slash at the end changes nothing for programs, and whatever else they ask is answered in JSON.
    re_path(r"^admin/teams/import/?\Z", import_endpoint),
    re_path(r"^admin/teams/import/[\s\S]*\Z", no_such_address, {"is_import": True}),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("invites.public.urls")),
    re_path(r"^api(?:/[\s\S]*)?\Z", no_such_address, {"is_import": False}),
]

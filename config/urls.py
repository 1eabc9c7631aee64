"""Every address of the product."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from config.health import healthz, readyz
from config.icon import favicon
from config.openapi import openapi
from teampool.imports.door import import_endpoint

urlpatterns = [
    path("favicon.ico", favicon),
    path("healthz", healthz),
    path("readyz", readyz),
    path("openapi.json", openapi),
    path("admin/teams/import", import_endpoint),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include("invites.public.urls")),
]

"""Addresses of "find a person". `OperatorSite` includes them late, when all tables are registered."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from invites.admin.find.page import allow_person, find_person, sync_now

_inside = admin.site.admin_view
urlpatterns = [
    path("", _inside(find_person), name="find"),
    path("allow/<int:member_id>/", _inside(allow_person), name="find_allow"),
    path("sync/", _inside(sync_now), name="find_sync"),
]

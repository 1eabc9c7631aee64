"""The public addresses: pages and API."""

from __future__ import annotations

from django.urls import path

from invites.public import api, views

urlpatterns = [
    path("", views.form, name="form"),
    path("notice", views.notice_read, name="notice_read"),
    path("r/<slug:public_id>/", views.status, name="status"),
    path("r/<slug:public_id>/live", views.live, name="live"),
    path("r/<slug:public_id>/resend", views.resend, name="resend"),
    path("api/redemptions", api.redemptions, name="api_redemptions"),
    path("api/redemptions/<slug:public_id>", api.redemption, name="api_redemption"),
]

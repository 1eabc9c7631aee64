"""The public addresses: pages and API."""

from __future__ import annotations

from django.urls import path, re_path

from invites.public import api, views

urlpatterns = [
    path("", views.form, name="form"),
    path("notice", views.notice_read, name="notice_read"),
    path("r/<slug:public_id>/", views.status, name="status"),
    path("r/<slug:public_id>/live", views.live, name="live"),
    path("r/<slug:public_id>/resend", views.resend, name="resend"),
    # With a slash at the end or without.
    re_path(r"^api/redemptions/?\Z", api.redemptions, name="api_redemptions"),
    re_path(r"^api/redemptions/(?P<public_id>[-a-zA-Z0-9_]+)/?\Z", api.redemption, name="api_redemption"),
]

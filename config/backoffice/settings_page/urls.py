"""Addresses of the settings page; included where the site puts its own together, when every table is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django_htmx.http import HttpResponseClientRedirect

from config.backoffice.settings_page import deeds, pages

View = Callable[..., HttpResponse]


def _inside(view: View) -> View:
    """As every page of the site; who was logged out meanwhile gets the log-in page itself, not one inside a section."""
    guarded: View = admin.site.admin_view(view)

    @wraps(view)
    def answer(request: HttpRequest, **named: Any) -> HttpResponse:
        if pages.is_htmx(request) and not admin.site.has_permission(request):
            to = redirect_to_login(reverse("admin:settings"), settings.LOGIN_URL)
            return HttpResponseClientRedirect(to["Location"])
        return guarded(request, **named)

    return answer


urlpatterns = [
    path("", _inside(pages.settings_page), name="settings"),
    path("<slug:section_id>/", _inside(pages.save_section), name="settings_save"),
    path("<slug:section_id>/test/", _inside(deeds.send_test), name="settings_test"),
    path("<slug:section_id>/secret/", _inside(deeds.change_secret), name="settings_secret"),
    path("<slug:section_id>/key/", _inside(deeds.change_key), name="settings_key"),
    path("<slug:section_id>/preview/", _inside(deeds.preview), name="settings_preview"),
]

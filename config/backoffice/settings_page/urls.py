"""Addresses of the settings; included where the site puts its own together, when every table is known."""

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

from config.backoffice.settings_page import actions, pages

View = Callable[..., HttpResponse]


def _inside(view: View) -> View:
    """A view of the site. When an htmx request comes from somebody logged out meanwhile, the whole page is replaced.

    Otherwise htmx would draw the log-in page inside a section.
    """
    guarded: View = admin.site.admin_view(view)

    @wraps(view)
    def answer(request: HttpRequest, **named: Any) -> HttpResponse:
        if pages.is_htmx(request) and not admin.site.has_permission(request):
            page = reverse("admin:settings_section", kwargs=named) if named else reverse("admin:settings")
            return HttpResponseClientRedirect(redirect_to_login(page, settings.LOGIN_URL)["Location"])
        return guarded(request, **named)

    return answer


urlpatterns = [
    path("", _inside(pages.first_page), name="settings"),
    path("<slug:section_id>/", _inside(pages.section_page), name="settings_section"),
    path("<slug:section_id>/test/", _inside(actions.send_test), name="settings_test"),
    path("<slug:section_id>/secret/", _inside(actions.change_secret), name="settings_secret"),
    path("<slug:section_id>/key/", _inside(actions.change_key), name="settings_key"),
    path("<slug:section_id>/preview/", _inside(actions.preview), name="settings_preview"),
]

"""Settings of the admin theme: how the operator's pages look."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _


def mark_light(request: HttpRequest) -> str:
    return static("admin/mark-light.svg")


def mark_dark(request: HttpRequest) -> str:
    return static("admin/mark-dark.svg")


def favicon(request: HttpRequest) -> str:
    return static("mark.svg")


def stylesheet(request: HttpRequest) -> str:
    return static("admin.css")


def pages(request: HttpRequest) -> str:
    return static("admin/pages.css")


def script(request: HttpRequest) -> str:
    return static("admin.js")


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Seatkeeper"),
    "SITE_HEADER": _("Seatkeeper"),
    "SITE_URL": "/",
    "SITE_ICON": {"light": mark_light, "dark": mark_dark},
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": favicon}],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "BORDER_RADIUS": "8px",
    "COLORS": {
        "primary": {
            "50": "#EFF8F6",
            "100": "#D8EFEA",
            "200": "#B1DED5",
            "300": "#7FC7B9",
            "400": "#48AB9A",
            "500": "#24A08D",
            "600": "#0F7567",
            "700": "#0F6156",
            "800": "#104E46",
            "900": "#0F413B",
            "950": "#062621",
        }
    },
    "STYLES": [stylesheet, pages],
    "SCRIPTS": [script],
    "DASHBOARD_CALLBACK": "config.backoffice.overview.dashboard.first_screen",
    "SIDEBAR": {"navigation": "config.backoffice.navigation.navigation"},
    "LOGIN": {"form": "config.backoffice.login.OperatorLogin"},
}

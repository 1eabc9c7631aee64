"""Settings of the admin theme: how the operator's pages look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _


def _file(path: str) -> Callable[[HttpRequest], str]:
    """The address of a static file, found when a page is drawn: its name changes with its content."""
    return lambda request: static(path)


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": _("Seatkeeper"),
    "SITE_HEADER": _("Seatkeeper"),
    "SITE_URL": "/",
    "SITE_ICON": {"light": _file("admin/mark-light.svg"), "dark": _file("admin/mark-dark.svg")},
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _file("mark.svg")}],
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
    "STYLES": [_file("admin.css"), _file("admin/pages.css")],
    "SCRIPTS": [_file("admin.js")],
    "DASHBOARD_CALLBACK": "config.backoffice.overview.dashboard.first_screen",
    "SIDEBAR": {"navigation": "config.backoffice.navigation.navigation"},
    "LOGIN": {"form": "config.backoffice.login.OperatorLogin"},
}

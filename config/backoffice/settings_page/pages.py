"""Showing the settings, and saving one section of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from base.actors import operator
from config.backoffice.settings_page import presets, saving
from config.backoffice.settings_page.fields import Section
from config.backoffice.settings_page.sections import SECTIONS, TUNABLES
from config.backoffice.settings_page.showing import Shown, show
from notifications.settings import runtime
from teampool import api_keys

_SAVED = "settings_saved"  # in the session, from the redirect to the page that follows it


@never_cache
@require_safe
def settings_page(request: HttpRequest) -> HttpResponse:
    may_change(request)
    return page(request)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def save_section(request: HttpRequest, section_id: str) -> HttpResponse:
    """All of one section or nothing of it; what is wrong stands at its field with what was typed."""
    may_change(request)
    section = find(section_id)
    if request.method != "POST":
        return redirect(address(section))
    refused = saving.save(section, request.POST, actor=operator(request))
    if refused is not None:
        return answer(request, section, posted=request.POST, refused=refused)
    now = timezone.now()
    if is_htmx(request):
        shown = show(section, runtime.read(*section.tunables))
        shown.saved_at = now
        return part(request, "section", shown)
    request.session[_SAVED] = [section.id, now.isoformat()]
    return redirect(address(section))


def answer(
    request: HttpRequest,
    section: Section,
    *,
    template: str = "section",
    posted: Mapping[str, str],
    refused: saving.Refused | None = None,
    once: Mapping[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
    key: str = "",
) -> HttpResponse:
    """The section as it was typed, with what came of a button: the part `template` in place, else the whole page."""
    stored = runtime.read(*(section.tunables if is_htmx(request) else TUNABLES))
    shown = show(section, stored, posted=posted, refused=refused, once=once)
    shown.more = dict(more or {})
    if is_htmx(request):
        return part(request, template, shown, line=shown.line(key) if key else None)
    return page(request, stored, shown, status=400 if refused else 200)


def page(
    request: HttpRequest, stored: Mapping[str, Any] | None = None, instead: Shown | None = None, *, status: int = 200
) -> HttpResponse:
    """All sections as they are stored, but for `instead`. The number of queries does not depend on anything."""
    stored = stored if stored is not None else runtime.read(*TUNABLES)
    shown = {section.id: show(section, stored) for section in SECTIONS.values()}
    if instead is not None:
        shown[instead.section.id] = instead
    elif (saved := request.session.pop(_SAVED, None)) and saved[0] in shown:
        shown[saved[0]].saved_at = parse_datetime(saved[1])
    if preset := presets.PRESETS.get(request.GET.get("preset", "")):
        presets.fill(shown["mail"], preset)
    context = admin.site.each_context(request) | about(request) | {"title": _("Settings"), "sections": shown.values()}
    return TemplateResponse(request, "admin/settings/page.html", context, status=status)


def part(request: HttpRequest, template: str, shown: Shown, **context: Any) -> HttpResponse:
    context = about(request) | {"shown": shown} | context
    return TemplateResponse(request, f"admin/settings/{template}.html", context)


def about(request: HttpRequest) -> dict[str, Any]:
    """What the parts of single sections show besides settings."""
    may_make = request.user.has_perm("teampool.add_apikey")
    valid = list(api_keys.valid(api_keys.IMPORT)[:2]) if may_make else []
    return {"presets": presets.PRESETS, "may_make_keys": may_make, "keys": valid}


def address(section: Section) -> str:
    return f"{reverse('admin:settings')}#{section.id}"


def find(section_id: str) -> Section:
    if section_id not in SECTIONS:
        raise Http404
    return SECTIONS[section_id]


def is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def may_change(request: HttpRequest) -> None:
    if not request.user.has_perm("notifications.change_setting"):
        raise PermissionDenied

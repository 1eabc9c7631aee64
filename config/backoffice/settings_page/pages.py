"""Showing one section of the settings, and saving it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
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
from base.operator_pages import only_if
from config.backoffice.settings_page.forms import SectionForm
from config.backoffice.settings_page.mail import PRESETS
from config.backoffice.settings_page.sections import API, NOTICES, PUBLIC, SECTIONS, Section
from notifications.settings import runtime
from teampool import api_keys

_SAVED = "settings_saved"  # in the session, from the redirect to the page that follows it
# Sections of older versions: their addresses may be bookmarked.
_WAS = {"stock": API, "bark": NOTICES, "mail": NOTICES}


@never_cache
@require_safe
def first_page(request: HttpRequest) -> HttpResponse:
    may_change(request)
    return redirect(address(PUBLIC))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def section_page(request: HttpRequest, section_id: str) -> HttpResponse:
    """Show a section, or save all of it or nothing; errors stand at their fields, with what was typed."""
    may_change(request)
    if request.method != "POST" and section_id in _WAS:
        return redirect(address(_WAS[section_id]))
    section = find(section_id)
    if request.method != "POST":
        return _as_stored(request, section)
    form = SectionForm(section, stored(section), request.POST)
    if not form.save(actor=operator(request)):
        return answer(request, form, status=400)
    now = timezone.now()
    if is_htmx(request):
        return answer(request, SectionForm(section, stored(section)), saved_at=now)
    request.session[_SAVED] = [section.id, now.isoformat()]
    return redirect(address(section))


def _as_stored(request: HttpRequest, section: Section) -> HttpResponse:
    preset = PRESETS.get(request.GET.get("preset", "")) if section is NOTICES else None
    form = SectionForm(section, stored(section), filled_in=preset.values if preset else None)
    saved_id, saved_at = request.session.pop(_SAVED, ("", ""))
    return answer(request, form, saved_at=parse_datetime(saved_at) if saved_id == section.id else None)


def answer(
    request: HttpRequest, form: SectionForm, *, template: str = "section", status: int = 200, **more: Any
) -> HttpResponse:
    """To htmx only the part `template`, always with status 200; else the whole page."""
    context = {"form": form, "section": form.section, "presets": PRESETS} | more
    if form.section is API:
        may_make = request.user.has_perm("teampool.add_apikey")
        context |= {"may_make_keys": may_make, "keys": list(api_keys.valid(api_keys.IMPORT)[:2]) if may_make else []}
    if is_htmx(request):
        return TemplateResponse(request, f"admin/settings/{template}.html", context)
    context |= admin.site.each_context(request) | {"title": _("Settings"), "sections": SECTIONS.values()}
    return TemplateResponse(request, "admin/settings/page.html", context, status=status)


def stored(section: Section) -> Mapping[str, Any]:
    return runtime.read(*section.settings)


def address(section: Section) -> str:
    return reverse("admin:settings_section", args=[section.id])


def find(section_id: str) -> Section:
    if section_id not in SECTIONS:
        raise Http404
    return SECTIONS[section_id]


def is_htmx(request: HttpRequest) -> bool:
    return bool(getattr(request, "htmx", False))


def may_change(request: HttpRequest) -> None:
    only_if(request.user.has_perm("notifications.change_setting"))

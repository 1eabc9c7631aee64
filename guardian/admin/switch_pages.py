"""Pages that switch the guardian on or off, set its mode and resume removals; each explains first."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from base.actors import operator
from base.operator_pages import badge, only_if
from guardian import mode, settings
from guardian.admin import strip, words
from guardian.admin.access import may_switch
from guardian.admin.decisions import COLUMNS, LIST, frame, where_from
from guardian.decisions import preview
from guardian.decisions.preview import Fate
from guardian.models import Finding
from invites.admin.parts import table
from invites.settings import REMOVALS_PAUSED
from invites.words import number

_FATES = {
    Fate.GOES: (gettext_lazy("Removed by the next sweep"), "danger", "person_remove"),
    Fate.HELD: (gettext_lazy("Too many at once: waits for you"), "warning", "front_hand"),
    Fate.NEXT: (gettext_lazy("Removed by a later sweep"), "warning", "schedule"),
    Fate.NOT_YET: (gettext_lazy("Stays for now"), "default", "visibility"),
    Fate.NEVER: (gettext_lazy("Only reported, never removed"), "default", "event_seat"),
}


def switch(request: HttpRequest) -> HttpResponse:
    """GET explains. POST `to=on` switches on, with the baseline if asked; `to=off` switches off."""
    only_if(may_switch(request))
    if request.method == "POST" and request.POST.get("to") == "off":
        mode.disable(actor=operator(request))
        messages.success(request, _("The guardian is off. Nobody is removed by itself any more."))
        return redirect(where_from(request))
    is_on = settings.current_policy().is_enabled
    if request.method == "POST" and request.POST.get("to") == "on" and not is_on:
        people = mode.enable(actor=operator(request), takes_baseline="baseline" in request.POST)
        text = ngettext(
            "The guardian is on and only reports. %(n)s person who was there is noted as baseline.",
            "The guardian is on and only reports. %(n)s people who were there are noted as baseline.",
            people,
        )
        messages.success(request, text % {"n": number(people)})
        return redirect(LIST)
    if is_on:
        return redirect(LIST)
    present = mode.present_without_a_seat().count()
    return _page(request, "switch.html", {"title": _("Switch the guardian on"), "present": present})


@require_POST
def report(request: HttpRequest) -> HttpResponse:
    only_if(may_switch(request))
    mode.set_mode(mode=settings.REPORT, would_go=0, actor=operator(request))
    messages.success(request, _("Report only: nobody is removed."))
    return redirect(where_from(request))


def enforce(request: HttpRequest) -> HttpResponse:
    """Show everybody enforce mode would remove. POST switches it on if the number shown is still right."""
    only_if(may_switch(request))
    policy = settings.current_policy()
    if not policy.is_enabled:
        return redirect("admin:guardian_switch")
    now = timezone.now()
    found = preview.if_enforced(now)
    if request.method == "POST":
        if request.POST.get("going") == str(found.going) and not policy.enforces:
            mode.set_mode(mode=settings.ENFORCE, would_go=found.going, actor=operator(request))
            messages.success(request, strip.enforcing(policy))
            return redirect(LIST)
        messages.warning(request, _("The list has changed meanwhile; look at it once more."))
        return redirect("admin:guardian_enforce")
    rows = [
        [one.email, one.team, words.kind_badge(one), words.evidence(one, policy, now), _fate(fate)]
        for one, fate in found.fates
    ]
    if found.going:
        text = ngettext("Start removing: %(n)s person now", "Start removing: %(n)s people now", found.going)
        button = text % {"n": number(found.going)}
    else:
        button = _("Start removing")
    context = {
        "title": _("Who would be removed"),
        "going": found.going,
        "button": button,
        "is_enforcing": policy.enforces,
        "policy_words": strip.enforcing(policy),
        "overdue_note": _("Seats whose time is over are taken back in both modes."),
        **table(COLUMNS, rows),
    }
    return _page(request, "enforce.html", context)


def _fate(fate: Fate) -> SafeString:
    word, tone, icon = _FATES[fate]
    return badge(str(word), tone, icon)


def resume(request: HttpRequest) -> HttpResponse:
    """Explain why removals are paused and what to check first. POST resumes them."""
    only_if(may_switch(request))
    if not REMOVALS_PAUSED.get():
        return redirect(LIST)
    if request.method == "POST":
        mode.resume_removals(actor=operator(request))
        messages.success(request, _("Removals go on."))
        return redirect(LIST)
    context = {
        "title": _("Let removals go on"),
        "paused_words": strip.paused(),
        "asking": Finding.objects.asking().count(),
        "list": reverse(LIST),
    }
    return _page(request, "resume.html", context)


def _page(request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
    return TemplateResponse(request, f"admin/guardian/{template}", frame(request) | {"opts": None} | context)

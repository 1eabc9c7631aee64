"""The list of sweeps, and a page for each with its removals: reason, evidence, proof."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from base.operator_pages import OwnRowPages, badge, column, only_if, read_id, row_button, row_link
from base.times import full, tag
from guardian import bells
from guardian.admin import strip, words
from guardian.admin.access import may_decide, may_switch
from guardian.admin.filters import HappenedFilter
from guardian.decisions import status
from guardian.models import Finding, Sweep
from guardian.rules.states import NEEDS_CARE, Kind, State
from guardian.sweeping.removal import REASONS
from invites import matching
from invites.admin.parts import table
from invites.words import number
from teampool.models import AllowedMember

LATELY = timedelta(hours=24)
MOST_LATELY = 50
_REMOVALS = (
    gettext_lazy("E-mail"),
    gettext_lazy("Team"),
    gettext_lazy("Reason"),
    gettext_lazy("Evidence"),
    gettext_lazy("Check"),
    gettext_lazy("Actions"),
)
_SKIPPED = (gettext_lazy("Team"), gettext_lazy("Why"))


@admin.register(Sweep)
class SweepPages(OwnRowPages):
    """Newest first, below the removals of the last day."""

    list_display = (
        column("began", gettext_lazy("Started"), lambda one: row_link("guardian_sweep", one.pk, tag(one.started_at))),
        column("lasted", gettext_lazy("Took"), words.took),
        column("covered", pgettext_lazy("sweep", "Complete/incomplete"), words.coverage),
        column("noted", pgettext_lazy("sweep", "Found"), words.found),
        "removals",
        column("result", gettext_lazy("Result"), words.sweep_badge),
    )
    list_display_links = None
    list_filter = (HappenedFilter,)
    list_before_template = "admin/parts/row_actions.html"
    sortable_by = ()

    class Media:
        css = {"all": ["invites/admin.css", "guardian/admin.css"]}

    def get_urls(self) -> list[URLPattern]:
        return [
            path("look/", self.admin_site.admin_view(look), name="guardian_look"),
            path("progress/", self.admin_site.admin_view(progress), name="guardian_progress"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        since = timezone.now() - LATELY
        lately = Finding.objects.filter(departure__opened_at__gte=since).order_by("-departure__opened_at", "-pk")
        followed = read_id(request.GET.get("follow", ""))
        if "follow" in request.GET:  # `follow` is not a filter of the table
            request.GET = request.GET.copy()  # type: ignore[assignment]
            del request.GET["follow"]  # type: ignore[misc]
        context = strip.context(request) | {
            "lately": table(_REMOVALS, removals(lately[:MOST_LATELY], can_decide=may_decide(request))),
            "following": following(followed) if followed is not None else None,
        }
        return super().changelist_view(request, (extra_context or {}) | context)

    def show(self, request: HttpRequest, sweep: Sweep) -> HttpResponse:
        context = self.frame(request, sweep) | _sheet(request, sweep)
        return TemplateResponse(request, "admin/guardian/sweep/page.html", context)


def removals(rows: QuerySet[Finding], *, can_decide: bool) -> list[list[object]]:
    """Who was removed, why, on what evidence, and the proof; a stranger can still be allowed. One query."""
    allowed = AllowedMember.objects.filter(matching.of_row(), team=OuterRef("team"))
    found: Any = (
        rows.select_related("team", "departure").defer("team__access_token").annotate(is_allowed=Exists(allowed))
    )
    now = timezone.now()
    return [
        [
            one.email,
            one.team,
            REASONS[Kind(one.kind)].label if one.kind in REASONS else "–",
            words.why_removed(one),
            words.check(one.departure, now),
            _allow(one, can_decide=can_decide),
        ]
        for one in found
    ]


def _allow(finding: Any, *, can_decide: bool) -> SafeString | str:
    if finding.kind not in NEEDS_CARE:
        return "–"
    if finding.is_allowed:
        return badge(_("Allowed"), "success", "verified_user")
    if not can_decide or finding.state not in (State.REMOVING, State.REMOVED, State.FAILED):
        return "–"
    return row_button(reverse("admin:finding_allow", args=[finding.pk]), _("Allow"))


def _sheet(request: HttpRequest, sweep: Sweep) -> dict[str, Any]:
    skipped = [[team, why] for key, why in words.SKIPPED.items() for team in sweep.skipped.get(key, [])]
    left = [[team, key] for key, teams in sweep.skipped.items() if key not in words.SKIPPED for team in teams]
    kinds = [(words.kind_word(kind), number(sweep.found[kind])) for kind in Kind if sweep.found.get(kind)]
    text = ngettext("Lists incomplete: {n} Team skipped.", "Lists incomplete: {n} Teams skipped.", len(skipped + left))
    rows = removals(sweep.removed.order_by("pk"), can_decide=may_decide(request))
    return {
        "title": _("Sweep of {time}").format(time=full(sweep.started_at)),
        "sweep": sweep,
        "badge": words.sweep_badge(sweep),
        "took": words.took(sweep),
        "coverage": words.coverage(sweep),
        "mode": words.mode(enforces=sweep.enforces),
        "found": words.found(sweep),
        "kinds": kinds,
        "skipped_words": text.format(n=number(len(skipped + left))) if skipped or left else "",
        "skipped": table(_SKIPPED, skipped + left),
        "removed": table(_REMOVALS, rows),
        "capped_words": _capped(sweep) if sweep.held else "",
        "spent_words": words.spent(sweep) if sweep.spent else "",
    }


def _capped(sweep: Sweep) -> str:
    text = ngettext(
        "{n} person was more than allowed at once: not touched before you looked.",
        "{n} people were more than allowed at once: none of them was touched before you looked.",
        sweep.held,
    )
    return text.format(n=number(sweep.held))


# Looking now


@require_POST
def look(request: HttpRequest) -> HttpResponse:
    """Queue a sweep that removes nobody; the list shows its progress."""
    only_if(may_switch(request))
    newest = Sweep.objects.order_by("-pk").first()
    after = 0 if newest is None else newest.pk if newest.finished_at is not None else newest.pk - 1
    with transaction.atomic():
        bells.look_only()
    messages.success(request, _("Started: every Team is looked at, nobody is removed."))
    return redirect(f"{reverse('admin:guardian_sweep_changelist')}?follow={after}")


@require_safe
def progress(request: HttpRequest) -> HttpResponse:
    """The progress of the sweep after `?after=`, which the page polls."""
    only_if(request.user.has_perm("guardian.view_sweep"))
    after = read_id(request.GET.get("after", ""))
    return TemplateResponse(request, "admin/guardian/sweep/progress.html", {"following": following(after or 0)})


def following(after: int) -> dict[str, Any]:
    """The first sweep after this id: none yet, running, or finished."""
    sweep = Sweep.objects.filter(pk__gt=after).order_by("pk").first()
    done, total = status.progress(sweep) if sweep is not None and sweep.finished_at is None else (0, 0)
    return {"after": after, "sweep": sweep, "done": done, "total": total}

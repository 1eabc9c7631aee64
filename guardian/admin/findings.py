"""The list of findings, with the buttons to decide each."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from base.operator_pages import ReadOnlyPages, column, row_button, row_link
from guardian.admin import decisions, strip, switch_pages, words
from guardian.admin.access import may_decide
from guardian.admin.evidence import evidence, shown
from guardian.admin.filters import KindFilter, StateFilter, TeamFilter
from guardian.decisions.deciding import CAN_BE_REMOVED
from guardian.models import Finding
from guardian.rules.states import OF_A_PERSON, ONLY_REPORTED, STANDING, UNDECIDED, Kind
from invites.actions.bulk import Action
from invites.admin.redemptions.actions import NAMES, joined, view_name


def _link_to_person(finding: Finding) -> SafeString:
    page = f"{reverse('admin:find')}?{urlencode({'q': finding.email})}"
    return format_html('<a href="{}">{}</a>', page, finding.email)


def buttons(finding: Finding) -> SafeString | str:
    """The buttons of a finding, which post the page's hidden form; – when nothing can be decided."""
    if finding.kind == Kind.VANISHED:
        return _of_vanished(finding)
    parts = []
    if finding.state in CAN_BE_REMOVED and finding.kind not in ONLY_REPORTED:
        parts.append(_button("finding_remove", finding, _("Remove")))
    if finding.kind in OF_A_PERSON and finding.state in STANDING:
        parts.append(_button("finding_allow", finding, _("Allow")))
    if finding.state in UNDECIDED:
        parts.append(_button("finding_dismiss", finding, _("Dismiss")))
    return joined(parts)


def _of_vanished(finding: Finding) -> SafeString | str:
    """Nobody is there to remove: take the seat back, or dismiss."""
    parts = []
    if finding.state in STANDING and finding.grant is not None:
        page = reverse(f"admin:{view_name(Action.TAKE_BACK)}", args=[finding.grant.redemption_id])
        parts.append(row_button(page, NAMES[Action.TAKE_BACK]))
    if finding.state in UNDECIDED:
        parts.append(_button("finding_dismiss", finding, _("Dismiss")))
    return joined(parts)


def _button(view: str, finding: Finding, name: str) -> SafeString:
    return row_button(reverse(f"admin:{view}", args=[finding.pk]), name)


@admin.register(Finding)
class FindingPages(ReadOnlyPages):
    """A row has buttons; the same actions work on several rows. Removing always asks first."""

    list_display = (
        column("what", gettext_lazy("Kind"), words.kind_badge),
        column("who", gettext_lazy("E-mail"), _link_to_person),
        column("where", gettext_lazy("Team"), lambda one: row_link("teampool_team", one.team_id, one.team)),
        column("why", gettext_lazy("Evidence"), evidence),
        column("stands", gettext_lazy("State"), words.state_badge),
        column("buttons", gettext_lazy("Actions"), buttons),
    )
    list_display_links = None
    has_row_pages = False
    list_filter = (KindFilter, StateFilter, TeamFilter)
    list_before_template = "admin/parts/row_actions.html"
    search_fields = ("email",)
    search_help_text = gettext_lazy("E-mail")
    sortable_by = ()
    ordering = ("-id",)
    actions = ("remove", "allow", "dismiss")

    class Media:
        css = {"all": ["invites/admin.css", "guardian/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Finding]:
        return shown(Finding.objects.all())

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return list(self.list_display if may_decide(request) else self.list_display[:-1])

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, (extra_context or {}) | strip.context(request))

    def get_urls(self) -> list[URLPattern]:
        page, decide = self.admin_site.admin_view, decisions.decide_page
        one = "<int:finding_id>/"
        return [
            path("switch/", page(switch_pages.switch), name="guardian_switch"),
            path("enforce/", page(switch_pages.enforce), name="guardian_enforce"),
            path("report/", page(switch_pages.report), name="guardian_report"),
            path("resume/", page(switch_pages.resume), name="guardian_resume"),
            path("overdue/", page(decisions.overdue_seats), name="guardian_overdue"),
            path("vanished/", page(decisions.vanished_seats), name="guardian_vanished"),
            path("remove/", page(decisions.remove_page), name="findings_remove"),
            path(f"{one}remove/", page(decisions.remove_page), name="finding_remove"),
            path(f"{one}allow/", page(partial(decide, decide=decisions.allow)), name="finding_allow"),
            path(f"{one}dismiss/", page(partial(decide, decide=decisions.dismiss)), name="finding_dismiss"),
            *super().get_urls(),
        ]

    # Actions for many

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return may_decide(request)

    @admin.action(description=gettext_lazy("Remove"), permissions=["decide"])
    def remove(self, request: HttpRequest, queryset: QuerySet[Finding]) -> HttpResponse:
        return decisions.confirm(request, _ids(queryset), back=request.get_full_path())

    @admin.action(description=gettext_lazy("Allow"), permissions=["decide"])
    def allow(self, request: HttpRequest, queryset: QuerySet[Finding]) -> None:
        decisions.allow(request, _ids(queryset))

    @admin.action(description=gettext_lazy("Dismiss"), permissions=["decide"])
    def dismiss(self, request: HttpRequest, queryset: QuerySet[Finding]) -> None:
        decisions.dismiss(request, _ids(queryset))


def _ids(rows: QuerySet[Finding]) -> list[int]:
    return list(rows.order_by("pk").values_list("pk", flat=True))

"""The audit page: who did what to whom, from where. Read-only."""

from __future__ import annotations

import re
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters, ShowFacets
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import InvalidPage
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy

from base.actors import operator
from base.operator_pages import ReadOnlyPages, column, only_if
from base.redaction import redact
from base.times import tag
from notifications.admin.filters import BeforeFilter, DayFilter, WordFilter
from notifications.audit import events, export, words
from notifications.models import AuditEvent

# Records per list; a link leads to the older records.
MOST = 1_000
_PART_OF_AN_IP = re.compile(r"[\d.]*\.[\d.]*|[\da-fA-F:]*:[\da-fA-F:.]*")


class ActionFilter(WordFilter):
    title = gettext_lazy("What")
    parameter_name = "action"
    words = words.ACTIONS


class ActorFilter(WordFilter):
    title = gettext_lazy("Who")
    parameter_name = "actor_kind"
    words = words.ACTORS


class Newest(ChangeList):
    """The newest `MOST` records that fit the filters. Counting all of them would take too long."""

    has_more = False
    older = newest = ""

    def get_results(self, request: HttpRequest) -> None:
        ids = list(self.queryset.values_list("pk", flat=True)[: MOST + 1])
        self.has_more, ids = len(ids) > MOST, ids[:MOST]
        self.newest = self.get_query_string(remove=[BeforeFilter.parameter_name])
        if self.has_more:
            self.older = self.get_query_string({BeforeFilter.parameter_name: ids[-1]})
        self.paginator = self.model_admin.get_paginator(request, ids, self.list_per_page)  # type: ignore[arg-type]
        try:
            page = self.paginator.page(self.page_num)
        except InvalidPage as error:
            raise IncorrectLookupParameters from error
        self.result_list = AuditEvent.objects.filter(pk__in=page.object_list)
        self.result_count = self.full_result_count = len(ids)
        self.show_full_result_count, self.show_admin_actions = False, False
        self.can_show_all, self.multi_page = False, len(ids) > self.list_per_page


@admin.register(AuditEvent)
class AuditPages(ReadOnlyPages):
    list_display = (
        column("time", gettext_lazy("Time"), lambda event: tag(event.at)),
        column("who", gettext_lazy("Who"), words.who),
        column("what", gettext_lazy("What"), words.what),
        column("on_what", gettext_lazy("On whom"), words.on_what),
        column("origin", gettext_lazy("From where"), lambda event: event.ip or "–"),
    )
    list_display_links = None
    has_row_pages = False
    list_filter = (ActorFilter, DayFilter, ActionFilter, BeforeFilter)
    list_before_template = "admin/notifications/auditevent/above.html"
    list_after_template = "admin/notifications/auditevent/older.html"
    search_fields = ("actor", "object_label", "object_id", "ip")
    search_help_text = gettext_lazy("Person, object or IP")
    sortable_by = ()
    show_facets = ShowFacets.NEVER
    empty_text = gettext_lazy("There is no record yet.")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Newest

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEvent], search_term: str
    ) -> tuple[QuerySet[AuditEvent], bool]:
        """Search only the columns that can contain the term: each `icontains` reads the whole table."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if _PART_OF_AN_IP.fullmatch(term):
            return queryset.filter(ip__startswith=term.lower()), False
        found = Q(actor__icontains=term) | Q(object_label__icontains=term)
        if term.isdecimal():
            found |= Q(object_id=term)
        return queryset.filter(found), False

    def get_urls(self) -> list[URLPattern]:
        return [
            path("export/", self.admin_site.admin_view(self.export_view), name="audit_export"),
            *super().get_urls(),
        ]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Download every record the list's filters match; the export is audited itself."""
        only_if(self.has_view_permission(request))
        if request.method != "POST":
            return redirect("admin:notifications_auditevent_changelist")
        try:
            records = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return redirect("admin:notifications_auditevent_changelist")
        narrowed_to = ", ".join(f"{key}={value}" for key, value in request.GET.items() if value and key != "p")
        events.audit_exported(narrowed_to=redact(narrowed_to)[:500], actor=operator(request))
        return export.as_csv(records)

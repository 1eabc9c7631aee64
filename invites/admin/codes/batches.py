"""The list of batches and the page of a batch: copy, export and void its codes."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse, reverse_lazy
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from base.actors import operator
from base.operator_pages import OwnRowPages, column, only_if
from base.times import tag
from invites.admin.codes import exporting, new_codes, voiding
from invites.admin.parts import bar, row, table, terms
from invites.codes import standing
from invites.codes.standing import CodeState, Counts
from invites.models import CodeBatch, RedeemCode
from notifications.audit import events

MOST_COPIED = 2_000
PER_PAGE = 50
COLUMNS = (pgettext_lazy("of a batch", "Code"), gettext_lazy("State"), gettext_lazy("Used by"), gettext_lazy("Time"))


class _Counted(ChangeList):
    """Counts the codes of a page's batches in one query."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        counts = standing.count_by_batch([batch.pk for batch in self.result_list], timezone.now())
        for batch in self.result_list:
            batch.counts = counts.get(batch.pk, Counts())


@admin.register(CodeBatch)
class CodeBatchPages(OwnRowPages):
    """The list of batches, a page for each, and the page that makes one."""

    list_display = (
        column("name", gettext_lazy("Label"), str),
        column("kind", gettext_lazy("Kind"), terms),
        column("stands", gettext_lazy("Codes"), lambda batch: bar(batch.counts)),
        column("until", gettext_lazy("Redeem until"), lambda batch: tag(batch.redeem_until)),
        column("made", gettext_lazy("Time"), lambda batch: tag(batch.created_at)),
    )
    list_select_related = ("team",)
    search_fields = ("label", "team__name", "team__account_id")
    search_help_text = gettext_lazy("Label or Team")
    list_before_template = "admin/invites/code_tabs.html"
    sortable_by = ()
    empty_text = gettext_lazy("There are no codes yet.")
    empty_link: Any = (reverse_lazy("admin:new_codes"), gettext_lazy("New codes"))

    class Media:
        css = {"all": ["invites/admin.css"]}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return _Counted

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view
        return [
            path("new/", page(self.new_view), name="new_codes"),
            path("new/summary/", page(new_codes.summary), name="new_codes_summary"),
            path("<int:batch_id>/unused/", page(self.unused_view), name="batch_unused"),
            path("<int:batch_id>/export/", page(self.export_view), name="batch_export"),
            path("<int:batch_id>/void/", page(self.void_view), name="batch_void"),
            *super().get_urls(),
        ]

    def new_view(self, request: HttpRequest) -> HttpResponse:
        return new_codes.new_codes(request, self.frame(request) | {"opts": None})

    def show(self, request: HttpRequest, batch: CodeBatch) -> HttpResponse:
        """A batch: its terms, its codes, and what can be done with the unused ones."""
        now = timezone.now()
        counts = standing.count(RedeemCode.objects.filter(batch=batch), now)
        shown = standing.with_users(RedeemCode.objects.filter(batch=batch).order_by("id"))
        state = request.GET.get("state", "")
        if state in CodeState.values:
            shown = shown.filter(standing.codes_in(state, now))
        pages = Paginator(shown, PER_PAGE)
        pages.count = getattr(counts, state) if state in CodeState.values else counts.total  # counted above
        page = pages.get_page(request.GET.get("p"))
        context = {
            "title": str(batch),
            "batch": batch,
            "terms": terms(batch),
            "bar": bar(counts),
            "counts": counts,
            "states": [("", _("All"), counts.total), *((s.value, capfirst(s.label), n) for s, n in counts.each())],
            "state": state,
            **table(COLUMNS, [row(code, now) for code in page.object_list]),
            "page": page,
            "page_range": pages.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
            "can_copy": 0 < counts.unused <= MOST_COPIED,
            "most_copied": MOST_COPIED,
            "can_void": counts.redeemable and voiding.may_void(request),
        }
        return TemplateResponse(request, "admin/invites/codebatch/page.html", self.frame(request, batch) | context)

    def unused_view(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        """The unused codes to copy: in a text box, or as plain text for the script that copies them."""
        batch = self.find(request, batch_id)
        unused = RedeemCode.objects.filter(batch=batch).unused(timezone.now()).order_by("id")
        text = "\n".join(code.dashed for code in unused.only("code")[:MOST_COPIED])
        if request.headers.get("Accept") == "text/plain":
            return HttpResponse(text, content_type="text/plain; charset=utf-8")
        context = {"title": str(batch), "batch": batch, "codes": text}
        return render(request, "admin/invites/codebatch/unused.html", self.frame(request, batch) | context)

    def export_view(self, request: HttpRequest, batch_id: int) -> HttpResponseBase:
        if request.method != "POST":  # an export is audited, so it is a POST
            return redirect("admin:invites_codebatch_change", batch_id)
        batch = self.find(request, batch_id)
        events.codes_exported(subject=batch.subject, count=batch.size, actor=operator(request))
        return exporting.as_csv(batch)

    def void_view(self, request: HttpRequest, batch_id: int) -> HttpResponse:
        batch = self.find(request, batch_id)
        only_if(voiding.may_void(request))
        picked = RedeemCode.objects.filter(batch=batch)
        back = reverse("admin:invites_codebatch_change", args=[batch.pk])
        if request.method == "POST":
            voiding.carry_out(request, picked)
            return redirect(back)
        return voiding.confirm(request, picked, frame=self.frame(request, batch), back=back)

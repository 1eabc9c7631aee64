"""The list of single codes of all batches: search and void."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Max, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from base.list_filters import ChoiceFilter
from base.operator_pages import ReadOnlyPages, column, row_link
from invites.admin.codes import voiding
from invites.admin.parts import code_badge, code_text, used_at, users
from invites.codes import codes, standing
from invites.codes.standing import CodeState, state_of
from invites.models import RedeemCode, RedeemCodeQuerySet


class StateFilter(ChoiceFilter):
    title = _("State")
    parameter_name = "state"
    offers = {state.value: (state.label, partial(standing.codes_in, state)) for state in CodeState}


@admin.register(RedeemCode)
class RedeemCodePages(ReadOnlyPages):
    """The list of single codes; a code's page is the list filtered to it."""

    list_display = (
        column("dashed", _("Code"), code_text),
        column("state", _("State"), lambda code: code_badge(code, state_of(code, timezone.now()))),
        column("used_by", _("Used by"), users),
        column("at", _("Time"), used_at),
        column("in_batch", _("Batch"), lambda code: row_link("invites_codebatch", code.batch_id, code.batch)),
    )
    list_display_links = None
    has_row_pages = False
    list_select_related = ("batch",)
    list_filter = (StateFilter,)
    list_before_template = "admin/invites/code_tabs.html"
    search_fields = ("code",)
    search_help_text = _("Code, whole or a part of it")
    sortable_by = ()
    actions = ("void_codes",)
    empty_text = _("There are no codes yet.")
    empty_link: Any = (reverse_lazy("admin:new_codes"), _("New codes"))

    class Media:
        css = {"all": ["invites/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> RedeemCodeQuerySet:
        return standing.with_users(RedeemCode.objects.all())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RedeemCode], search_term: str
    ) -> tuple[QuerySet[RedeemCode], bool]:
        if not search_term.strip():
            return queryset, False
        letters = codes.letters_typed(search_term)
        return (queryset.filter(code__contains=letters) if letters else queryset.none()), False

    def has_void_permission(self, request: HttpRequest) -> bool:
        return voiding.may_void(request)

    @admin.action(description=_("Void"), permissions=["void"])
    def void_codes(self, request: HttpRequest, picked: RedeemCodeQuerySet) -> HttpResponse | None:
        """First the page that says what will happen; its button comes back here with `confirmed`."""
        back = request.get_full_path()
        # Without the list's order and prefetches, which are of no use here.
        rows = RedeemCode.objects.filter(pk__in=picked.order_by().values("pk"))
        newest = request.POST.get("confirmed", "")
        if newest.isdecimal():
            voiding.carry_out(request, rows.filter(pk__lte=int(newest)))
            return HttpResponseRedirect(back)
        kept = [(name, value) for name in _KEPT for value in request.POST.getlist(name)]
        # Codes made after the page was shown are left out.
        kept.append(("confirmed", str(rows.aggregate(newest=Max("pk"))["newest"] or 0)))
        return voiding.confirm(request, rows, frame=self.frame(request) | {"kept": kept}, back=back)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        code = self.get_object(request, object_id)
        page = reverse("admin:invites_redeemcode_changelist")
        return redirect(f"{page}?q={code.dashed}" if code is not None else page)


# Fields the confirm page sends again to mean the same codes: the ticked rows, or all that the list shows.
_KEPT = (ACTION_CHECKBOX_NAME, "select_across", "action", "index")

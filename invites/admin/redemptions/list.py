"""The list of redemptions: who used which code, how it went, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from base.operator_pages import OwnRowPages, column, only_if, read_id
from base.times import ago, tag
from invites.actions.bulk import Action
from invites.admin.parts import code_text
from invites.admin.redemptions import confirm, seat_end, standing, switches
from invites.admin.redemptions.actions import main_button, view_name
from invites.admin.redemptions.filters import KindFilter, SeatFilter, StateFilter, UnconfirmedFilter
from invites.admin.redemptions.page import ask_again, may_operate, show
from invites.admin.redemptions.parts import reference, state_badge, team_name, until
from invites.codes import codes
from invites.models import Redemption, SeatGrant

SHORTEST_PART = 4  # fewer letters of a code or reference find too many


_WHO = column("who", gettext_lazy("E-mail"), lambda redemption: redemption.email)


@admin.register(Redemption)
class RedemptionPages(OwnRowPages):
    """The list of redemptions and a page for each. The list shows one button per row, the page all."""

    list_display = (
        column("received", gettext_lazy("Time"), lambda one: tag(one.created_at, ago(one.created_at, timezone.now()))),
        _WHO,
        column("with_code", gettext_lazy("Code"), lambda one: code_text(one.code) if one.code else "–"),
        column("stands", gettext_lazy("State"), state_badge),
        column("where", gettext_lazy("Team"), team_name),
        column("ends", gettext_lazy("Ends"), until),
        column("quoted", gettext_lazy("Reference"), reference),
        column("again", "", lambda one: main_button(one, timezone.now())),
    )
    list_display_links = (_WHO,)
    list_filter = (StateFilter, UnconfirmedFilter, SeatFilter, KindFilter, "created_at")
    list_before_template = "admin/parts/row_actions.html"
    actions = ("take_back", "reseat")
    search_fields = ("email",)
    search_help_text = gettext_lazy("E-mail, code or reference")
    sortable_by = ()

    class Media:
        css = {"all": ["invites/admin.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Redemption]:
        return standing.with_grants(Redemption.objects.all())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Redemption], search_term: str
    ) -> tuple[QuerySet[Redemption], bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        found = Q(email__icontains=term)
        letters = codes.letters_typed(term)
        if len(letters) >= SHORTEST_PART:
            found |= Q(code__code__startswith=letters) | Q(public_id__startswith=letters)
        return queryset.filter(found), False

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return list(self.list_display if may_operate(request) else self.list_display[:-1])

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return may_operate(request)

    @admin.action(description=gettext_lazy("Take back"), permissions=["operate"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[Redemption]) -> HttpResponse:
        return self._confirm_chosen(request, Action.TAKE_BACK, queryset)

    @admin.action(description=gettext_lazy("Re-seat"), permissions=["operate"])
    def reseat(self, request: HttpRequest, queryset: QuerySet[Redemption]) -> HttpResponse:
        return self._confirm_chosen(request, Action.RESEAT, queryset)

    def get_urls(self) -> list[URLPattern]:
        def page(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
            return self.admin_site.admin_view(view)

        one = "<int:redemption_id>/"
        own = [
            path("pause/", page(switches.switch), name="redemptions_pause"),
            path("check/", page(switches.check), name="redemptions_check"),
            path(f"{one}resend/", page(self.resend_view), name="redemption_resend"),
            path(f"{one}end/", page(self.end_view), name="redemption_end"),
        ]
        for action in Action:
            view = page(partial(self.action_view, action=action))
            own += [
                path(f"{action}/", view, name=view_name(action, for_many=True)),
                path(f"{one}{action}/", view, name=view_name(action)),
            ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        address = request.build_absolute_uri(reverse("form"))
        return super().changelist_view(
            request, (extra_context or {}) | {"public_address": address} | switches.context(request)
        )

    def action_view(self, request: HttpRequest, *, action: Action, redemption_id: int | None = None) -> HttpResponse:
        """Ask first, for one person or everybody in a Team (`?team=`); then act."""
        only_if(may_operate(request))
        back = confirm.where_from(request)
        frame = self.frame(request) | {"action": reverse(f"admin:{view_name(action, for_many=True)}")}
        if request.method == "POST" and "confirmed" in request.POST:
            return confirm.act(request, action, frame=frame, back=back)
        if redemption_id is not None:
            ids = [self.find(request, redemption_id).pk]
        else:
            ids = _seated_in(request.GET.get("team", ""))
        if not ids:
            return redirect(back)
        return confirm.confirm(request, action, ids, frame=frame, back=back)

    def _confirm_chosen(self, request: HttpRequest, action: Action, chosen: QuerySet[Redemption]) -> HttpResponse:
        frame = self.frame(request) | {"action": reverse(f"admin:{view_name(action, for_many=True)}")}
        ids = list(chosen.order_by("pk").values_list("pk", flat=True))
        return confirm.confirm(request, action, ids, frame=frame, back=request.get_full_path())

    def end_view(self, request: HttpRequest, redemption_id: int) -> HttpResponse:
        only_if(may_operate(request))
        redemption = self.find(request, redemption_id)
        if request.method == "POST":
            seat_end.change(request, redemption)
        return redirect("admin:invites_redemption_change", redemption_id)

    def show(self, request: HttpRequest, redemption: Redemption) -> HttpResponse:
        return show(request, redemption, frame=self.frame(request, redemption))

    def resend_view(self, request: HttpRequest, redemption_id: int) -> HttpResponse:
        only_if(may_operate(request))
        redemption = self.find(request, redemption_id)
        if request.method != "POST":
            return redirect("admin:invites_redemption_change", redemption_id)
        return ask_again(request, redemption)


def _seated_in(team: str) -> list[int]:
    """The redemptions with a seat in this Team; none when `team` is no id."""
    seated = SeatGrant.objects.live().filter(team_id=read_id(team) or 0)
    return list(seated.order_by("redemption_id").values_list("redemption_id", flat=True))

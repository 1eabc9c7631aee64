"""The list of redemptions: who used which code, how it went, and what can be done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from base.operator_pages import ReadOnlyPages
from base.times import ago, tag
from invites.actions.bulk import Action
from invites.admin.parts import code_text
from invites.admin.redemptions import confirm, seat_end, standing, switches
from invites.admin.redemptions.actions import main_button, view_name
from invites.admin.redemptions.filters import KindFilter, SeatFilter, StateFilter, UnconfirmedFilter
from invites.admin.redemptions.page import ask_again, may_operate, show
from invites.admin.redemptions.parts import state_badge, team_name, until
from invites.codes import codes
from invites.models import Redemption, SeatGrant

SHORTEST_PART = 4  # fewer letters of a code or reference find too many


@admin.register(Redemption)
class RedemptionPages(ReadOnlyPages):
    """The list of redemptions and a page for each. The list shows one button per row, the page all."""

    list_display = ("received", "who", "with_code", "stands", "where", "ends", "quoted", "again")
    list_display_links = ("who",)
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
        can_operate = may_operate(request)
        return [column for column in self.list_display if column != "again" or can_operate]

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
        if not may_operate(request):
            raise PermissionDenied
        back = confirm.where_from(request)
        frame = self._frame(request) | {"action": reverse(f"admin:{view_name(action, for_many=True)}")}
        if request.method == "POST" and "confirmed" in request.POST:
            return confirm.act(request, action, frame=frame, back=back)
        if redemption_id is not None:
            ids = [self._find(request, str(redemption_id)).pk]
        else:
            ids = _seated_in(request.GET.get("team", ""))
        if not ids:
            return redirect(back)
        return confirm.confirm(request, action, ids, frame=frame, back=back)

    def _confirm_chosen(self, request: HttpRequest, action: Action, chosen: QuerySet[Redemption]) -> HttpResponse:
        frame = self._frame(request) | {"action": reverse(f"admin:{view_name(action, for_many=True)}")}
        ids = list(chosen.order_by("pk").values_list("pk", flat=True))
        return confirm.confirm(request, action, ids, frame=frame, back=request.get_full_path())

    def end_view(self, request: HttpRequest, redemption_id: int) -> HttpResponse:
        if not may_operate(request):
            raise PermissionDenied
        redemption = self._find(request, str(redemption_id))
        if request.method == "POST":
            seat_end.change(request, redemption)
        return redirect("admin:invites_redemption_change", redemption_id)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        redemption = self._find(request, object_id)
        return show(request, redemption, frame=self._frame(request) | {"original": redemption})

    def _frame(self, request: HttpRequest) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media}

    def resend_view(self, request: HttpRequest, redemption_id: int) -> HttpResponse:
        if not may_operate(request):
            raise PermissionDenied
        redemption = self._find(request, str(redemption_id))
        if request.method != "POST":
            return redirect("admin:invites_redemption_change", redemption_id)
        return ask_again(request, redemption)

    def _find(self, request: HttpRequest, object_id: str) -> Redemption:
        redemption: Redemption | None = self.get_object(request, object_id)
        if redemption is None:
            raise Http404
        return redemption

    @admin.display(description=gettext_lazy("Time"))
    def received(self, redemption: Redemption) -> SafeString | str:
        return tag(redemption.created_at, ago(redemption.created_at, timezone.now()))

    @admin.display(description=gettext_lazy("E-mail"))
    def who(self, redemption: Redemption) -> str:
        return redemption.email

    @admin.display(description=gettext_lazy("Code"))
    def with_code(self, redemption: Redemption) -> SafeString | str:
        return code_text(redemption.code) if redemption.code else "–"

    @admin.display(description=gettext_lazy("State"))
    def stands(self, redemption: Redemption) -> SafeString:
        return state_badge(redemption)

    @admin.display(description=gettext_lazy("Team"))
    def where(self, redemption: Redemption) -> str:
        return team_name(redemption)

    @admin.display(description=gettext_lazy("Ends"))
    def ends(self, redemption: Redemption) -> SafeString | str:
        return until(redemption)

    @admin.display(description=gettext_lazy("Reference"))
    def quoted(self, redemption: Redemption) -> SafeString:
        return format_html('<code class="code">{}</code>', redemption.reference)

    @admin.display(description="")
    def again(self, redemption: Redemption) -> SafeString | str:
        return main_button(redemption, timezone.now())


def _seated_in(team: str) -> list[int]:
    """The redemptions with a seat in this Team; none when `team` is no id."""
    if not (team.isascii() and team.isdecimal() and len(team) < 18):
        return []
    seated = SeatGrant.objects.live().filter(team_id=int(team))
    return list(seated.order_by("redemption_id").values_list("redemption_id", flat=True))

"""Filters of the list of redemptions."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from invites.admin.redemptions import standing
from invites.models import Redemption

_KINDS = {
    "generic": (_("generic"), Q(code__isnull=False, bound_team=None, seat_time=None)),
    "bound": (_("bound"), Q(code__isnull=False, bound_team__isnull=False)),
    "temporary": (_("temporary"), Q(seat_time__isnull=False)),
    "operator": (_("without a code"), Q(code=None)),
}


class StateFilter(SimpleListFilter):
    title = _("State")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(one.key, capfirst(str(one.word))) for one in standing.ALL]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Redemption]) -> QuerySet[Redemption]:
        keys = [one.key for one in standing.ALL]
        return queryset.filter(standing.standing_in(self.value() or "")) if self.value() in keys else queryset


class UnconfirmedFilter(SimpleListFilter):
    title = _("Confirmation")
    parameter_name = "unconfirmed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", capfirst(_("not confirmed for 10 minutes")))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Redemption]) -> QuerySet[Redemption]:
        return queryset.filter(standing.unseen(timezone.now())) if self.value() == "yes" else queryset


class SeatFilter(SimpleListFilter):
    """`waiting`: a seat is held and not joined, as the first screen counts them; `none`: no seat for 10 minutes."""

    title = _("Seat")
    parameter_name = "seat"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        words = {"waiting": _("held, not joined yet"), "none": _("none for 10 minutes")}
        return [(key, capfirst(word)) for key, word in words.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Redemption]) -> QuerySet[Redemption]:
        if self.value() == "none":
            return queryset.filter(standing.without_seat(timezone.now()))
        return queryset.filter(standing.waiting()) if self.value() == "waiting" else queryset


class KindFilter(SimpleListFilter):
    title = _("Kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(key, capfirst(word)) for key, (word, _where) in _KINDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Redemption]) -> QuerySet[Redemption]:
        return queryset.filter(_KINDS[self.value() or ""][1]) if self.value() in _KINDS else queryset

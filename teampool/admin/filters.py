"""Filters and order of the list of Teams."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Case, F, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from teampool.models import SEATS_USED
from teampool.teams.badges import BADGES, RED


class StateFilter(SimpleListFilter):
    """By badge; `red` are the badges that need a person. Archived Teams are hidden unless chosen."""

    title = _("State")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        words = {"cooling": _("Cooling down")}
        return [("red", _("Needs a person")), *((badge.key, words.get(badge.key, badge.word)) for badge in BADGES)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset.filter(archived_at=None)
        return queryset.filter(badge_key__in=RED if self.value() == "red" else [self.value()])


class FreeSeatsFilter(SimpleListFilter):
    title = _("Free seats")
    parameter_name = "free"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("With free seats")), ("now", _("Takes people now"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "now":
            return queryset.filter(badge_key="available")
        return queryset.filter(seat_total__gt=SEATS_USED) if self.value() == "yes" else queryset


class HeldFilter(SimpleListFilter):
    title = _("Held seats")
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("With held seats"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(seats_held__gt=0) if self.value() == "yes" else queryset


class RenewalFilter(SimpleListFilter):
    title = _("Login")
    parameter_name = "renewal"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("Cannot renew itself")), ("yes", _("Renews itself"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("yes", "no"):
            return queryset.filter(renews_itself=self.value() == "yes")
        return queryset


def order() -> tuple[Any, ...]:
    """Red badges first, then the latest invitation."""
    red = Case(When(badge_key__in=RED, then=Value(0)), default=Value(1))
    return (red, F("last_invite_at").desc(nulls_last=True), F("id").desc())

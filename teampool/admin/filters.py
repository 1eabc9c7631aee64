"""Filters and order of the list of Teams."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from base.list_filters import ChoiceFilter
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


class FreeSeatsFilter(ChoiceFilter):
    title = _("Free seats")
    parameter_name = "free"
    offers = {
        "yes": (_("With free seats"), Q(seat_total__gt=SEATS_USED)),
        "now": (_("Takes people now"), Q(badge_key="available")),
    }


class HeldFilter(ChoiceFilter):
    title = _("Held seats")
    parameter_name = "held"
    offers = {"yes": (_("With held seats"), Q(seats_held__gt=0))}


class RenewalFilter(ChoiceFilter):
    title = _("Login")
    parameter_name = "renewal"
    offers = {
        "no": (_("Cannot renew itself"), Q(renews_itself=False)),
        "yes": (_("Renews itself"), Q(renews_itself=True)),
    }


def order() -> tuple[Any, ...]:
    """Red badges first, then the latest invitation."""
    red = Case(When(badge_key__in=RED, then=Value(0)), default=Value(1))
    return (red, F("last_invite_at").desc(nulls_last=True), F("id").desc())

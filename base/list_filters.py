"""Filters above the operator's lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from base.operator_pages import capital


class ChoiceFilter(SimpleListFilter):
    """Each choice has a word and the condition that its rows meet, or a function that makes it of the present time."""

    offers: ClassVar[Mapping[str, tuple[Any, Q | Callable[[datetime], Q]]]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(key, capital(word)) for key, (word, _where) in self.offers.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in self.offers:
            return queryset
        _word, where = self.offers[self.value() or ""]
        return queryset.filter(where if isinstance(where, Q) else where(timezone.now()))

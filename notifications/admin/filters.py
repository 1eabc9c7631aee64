"""Filters of this room's lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timezone import localdate, make_aware
from django.utils.translation import gettext_lazy

from base.operator_pages import read_id


class WordFilter(SimpleListFilter):
    """Filter on a column, offering the values in `words`."""

    words: ClassVar[Mapping[str, Any]]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(self.words.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{str(self.parameter_name): self.value()}) if self.value() else queryset


class DayFilter(SimpleListFilter):
    """The last 1, 7 or 30 days, or a single date, in the operator's time zone."""

    title = gettext_lazy("When")
    parameter_name = "days"
    template = "admin/notifications/day_filter.html"
    column = "at"

    @classmethod
    def on(cls, column: str) -> type[DayFilter]:
        return type("DayFilter", (cls,), {"column": column})

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", gettext_lazy("Today")), ("7", gettext_lazy("7 days")), ("30", gettext_lazy("30 days"))]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        # The date picker is a separate form; it must carry the other filters along.
        mine = (self.parameter_name, "p")
        self.others = [(key, value) for key, value in changelist.params.items() if key not in mine]
        return super().choices(changelist)

    def day(self) -> date | None:
        try:
            return date.fromisoformat(self.value() or "")
        except ValueError:
            return None

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        day, today = self.day(), localdate(timezone.now())
        if day is not None and date.min < day < date.max:
            return queryset.filter(
                **{f"{self.column}__gte": _midnight(day), f"{self.column}__lt": _midnight(day + timedelta(days=1))}
            )
        if self.value() in ("1", "7", "30"):
            first = today - timedelta(days=int(self.value() or 1) - 1)
            return queryset.filter(**{f"{self.column}__gte": _midnight(first)})
        return queryset


class BeforeFilter(SimpleListFilter):
    """Rows with a smaller id: the next part of a list that was cut off."""

    title = gettext_lazy("Older")
    parameter_name = "before"
    template = "admin/notifications/before_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("", "")]  # Django skips a filter that offers no choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first = read_id(self.value() or "")
        return queryset if first is None else queryset.filter(pk__lt=first)


def _midnight(day: date) -> datetime:
    return make_aware(datetime.combine(day, time.min))

"""Filters of the lists of findings and sweeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from base.list_filters import ChoiceFilter
from base.operator_pages import read_id
from guardian.admin import words
from guardian.models import Finding
from guardian.rules.states import STANDING, Kind, State
from teampool.models import Team

ALL = "all"


class KindFilter(ChoiceFilter):
    title = _("Kind")
    parameter_name = "kind"
    offers = {kind.value: (words.kind_word(kind), Q(kind=kind)) for kind in Kind}


class StateFilter(SimpleListFilter):
    """Without a choice: standing findings in Teams that are not archived."""

    title = _("State")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(state.value, words.state_word(state)) for state in State]

    def choices(self, changelist: Any) -> Iterator[Any]:
        first, *others = super().choices(changelist)
        # No choice means standing findings, so "All" needs a value of its own.
        everything = {
            "selected": self.value() == ALL,
            "query_string": changelist.get_query_string({self.parameter_name: ALL}),
            "display": _("All"),
        }
        yield dict(first, display=_("Standing ones"))
        yield from others
        yield everything

    def queryset(self, request: HttpRequest, queryset: QuerySet[Finding]) -> QuerySet[Finding]:
        if self.value() in State.values:
            return queryset.filter(state=self.value())
        return queryset if self.value() == ALL else queryset.filter(state__in=STANDING, team__archived_at=None)


class TeamFilter(SimpleListFilter):
    """Teams with a standing finding; a Team given by id is shown with any finding."""

    title = _("Team")
    parameter_name = "team"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        standing = Finding.objects.standing().filter(team__archived_at=None).values("team")
        return [(str(team.pk), str(team)) for team in Team.objects.only("name", "account_id").filter(pk__in=standing)]

    def has_output(self) -> bool:
        return bool(self.lookup_choices) or bool(self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Finding]) -> QuerySet[Finding]:
        team_id = read_id(self.value() or "")
        return queryset if team_id is None else queryset.filter(team=team_id)


class HappenedFilter(ChoiceFilter):
    title = _("What happened")
    parameter_name = "happened"
    offers = {
        "removals": (_("with removals"), Q(removals__gt=0)),
        "held": (_("stopped at its limit"), Q(held__gt=0)),
        "look": (_("looked only"), Q(is_dry=True)),
    }

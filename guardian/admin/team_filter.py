"""A filter for the list of Teams: those with findings. `guardian.apps` adds it to that list."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from guardian.models import Finding


class TeamsWithFindings(SimpleListFilter):
    title = _("Findings")
    parameter_name = "findings"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("With findings"))] if request.user.has_perm("guardian.view_finding") else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() != "yes" or not self.lookup_choices:
            return queryset
        return queryset.filter(Exists(Finding.objects.asking().filter(team=OuterRef("pk"))))

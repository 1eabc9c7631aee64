"""Findings with their evidence, for lists: the same number of queries for one as for fifty."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Case, CharField, F, IntegerField, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, NullIf, Substr
from django.utils import timezone
from django.utils.safestring import SafeString

from guardian import settings
from guardian.admin import words
from guardian.models import Finding
from guardian.rules.states import Kind
from guardian.settings import Policy
from invites import matching
from invites.models import SeatGrant
from invites.states import CONFIRMED


def shown(rows: QuerySet[Finding]) -> QuerySet[Any]:
    """Add what a list shows besides the row: the Team, the seat elsewhere, what the policy asks for."""
    policy = settings.current_policy()
    other = SeatGrant.objects.live().filter(matching.of_row(), state__in=CONFIRMED)
    other = other.exclude(team=OuterRef("team")).order_by("pk")
    name = Coalesce(NullIf(F("team__name"), Value("")), Substr("team__account_id", 1, 8), output_field=CharField())
    return (
        rows.select_related("team", "grant")
        .defer("team__access_token")
        .annotate(
            # Only for duplicates: `of_row` looks through all live seats, as ids have no index.
            elsewhere=Case(When(kind=Kind.DUPLICATE, then=Subquery(other.annotate(label=name).values("label")[:1]))),
            needed=Value(policy.sightings, IntegerField()),
            grace=Value(int(policy.grace.total_seconds()), IntegerField()),
        )
    )


def evidence(finding: Any) -> SafeString | str:
    """The evidence in words; the finding comes from `shown`."""
    asked = Policy(sightings=finding.needed, grace=timedelta(seconds=finding.grace))
    return words.evidence(finding, asked, timezone.now())

"""The bars of the first screen: redemptions a day, each day leading to its list."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from invites.queries.per_day import Day, by_day

# The theme draws bars beside each other from both sides of a line; here they stand on one another.
OPTIONS: dict[str, Any] = {
    "animation": False,
    "responsive": True,
    "maintainAspectRatio": False,
    "interaction": {"mode": "index", "intersect": False},
    "plugins": {"legend": {"display": False}},
    "datasets": {"bar": {"maxBarThickness": 14}},
    "scales": {
        "x": {
            "stacked": True,
            "grid": {"display": False},
            "ticks": {"maxTicksLimit": 6, "maxRotation": 0, "color": "#7A8781"},
        },
        "y": {
            "stacked": True,
            "beginAtZero": True,
            "suggestedMax": 4,
            "border": {"display": False},
            "ticks": {"precision": 0, "maxTicksLimit": 4, "color": "#7A8781"},
        },
    },
}


@dataclass(frozen=True, slots=True)
class Chart:
    """What the theme draws, as its JSON, and the same numbers for the table, newest first."""

    data: str
    options: str
    rows: list[tuple[Day, str]]
    accepted: int
    refused: int


def chart(now: datetime) -> Chart:
    days = by_day(now)
    bars = [
        {"label": _("Accepted"), "data": [day.accepted for day in days], "backgroundColor": "var(--sk-joined)"},
        {"label": _("Refused"), "data": [day.refused for day in days], "backgroundColor": "var(--sk-wait)"},
    ]
    return Chart(
        data=json.dumps({"labels": [f"{day.date:%m-%d}" for day in days], "datasets": bars}),
        options=json.dumps(OPTIONS),
        rows=[(day, _list_of(day)) for day in reversed(days)],
        accepted=sum(day.accepted for day in days),
        refused=sum(day.refused for day in days),
    )


def _list_of(day: Day) -> str:
    span = {"created_at__gte": day.begins_at.isoformat(), "created_at__lt": day.ends_at.isoformat()}
    return f"{reverse('admin:invites_redemption_changelist')}?{urlencode(span)}"

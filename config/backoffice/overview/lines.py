"""What a line of the first screen is, and the addresses its button may lead to; `attention.py` lists the lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max
from django.urls import reverse

from notifications.models import AuditEvent

MOST_NAMED = 400  # Teams in one address


@dataclass(frozen=True, slots=True)
class Line:
    """One thing to do. `is_red`: people are kept out by it. `since`: when it began, if that is known.

    `button` leads to `link`, or posts to `posts_to`; then the words lead to `link`.
    """

    kind: str
    text: str
    is_red: bool = True
    link: str = ""
    posts_to: str = ""
    button: str = ""
    since: datetime | None = None


def teams(query: str) -> str:
    return f"{reverse('admin:teampool_team_changelist')}{'?' if query else ''}{query}"


def team_page(team_id: int) -> str:
    return reverse("admin:teampool_team_change", args=[team_id])


def those_teams(ids: list[int]) -> str:
    """The page of one, or the list of just these. Not by badge: a Team shows only the first that applies."""
    if len(ids) == 1:
        return team_page(ids[0])
    # Servers refuse addresses of more than 4 kB: beyond that the whole list, in which those that are red come first.
    return teams(f"id__in={','.join(map(str, ids))}" if len(ids) <= MOST_NAMED else "")


def redemptions(query: str) -> str:
    return f"{reverse('admin:invites_redemption_changelist')}?{query}"


def paste(owner_id: int) -> str:
    return f"{reverse('admin:import_teams')}?owner={owner_id}"


def changed_at(kind: str, action: str, ids: list[int]) -> datetime | None:
    """When the last of these was noticed, from the audit."""
    rows = AuditEvent.objects.filter(object_kind=kind, action=action, object_id__in=[str(pk) for pk in ids])
    at: datetime | None = rows.aggregate(at=Max("at"))["at"]
    return at

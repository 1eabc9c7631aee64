"""What a line of the first screen is, and where its button may lead.

Each line stands in the module of its topic; `dashboard.attention` lists them in order.
"""

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
    signs_in: str = ""
    """Where a second button, "Sign in", posts to."""


def those_teams(ids: list[int]) -> str:
    """The address of one Team's page, or of the list with just these. Not by badge: a Team shows only its first."""
    if len(ids) == 1:
        return reverse("admin:teampool_team_change", args=ids)
    # Servers refuse addresses of more than 4 kB: for more Teams the whole list, with red ones first.
    query = f"?id__in={','.join(map(str, ids))}" if len(ids) <= MOST_NAMED else ""
    return reverse("admin:teampool_team_changelist") + query


def redemptions(query: str) -> str:
    return f"{reverse('admin:invites_redemption_changelist')}?{query}"


def paste(owner_id: int) -> str:
    return f"{reverse('admin:import_teams')}?owner={owner_id}"


def sign_in(owner_id: int) -> str:
    return reverse("admin:begin_sign_in_of", args=[owner_id])


def changed_at(kind: str, action: str, ids: list[int]) -> datetime | None:
    """When the last of these changes was recorded in the audit."""
    rows = AuditEvent.objects.filter(object_kind=kind, action=action, object_id__in=[str(pk) for pk in ids])
    at: datetime | None = rows.aggregate(at=Max("at"))["at"]
    return at

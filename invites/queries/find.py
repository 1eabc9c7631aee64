"""Find people by e-mail, code, reference, user id or Team. Reads only.

The number of queries does not depend on what is found. Also finds people whom only ChatGPT's lists know.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max, Q, QuerySet

from invites.codes import codes
from invites.models import Departure, RedeemCode, Redemption, SeatGrant
from teampool.models import AllowedMember, Member, Team

MOST_PEOPLE = 20
MOST_TEAMS = 5
SHORTEST_EMAIL_PART = 3
SHORTEST_CODE_PART = 8  # a reference has as many
SHORTEST_ACCOUNT_PART = 8
_WITH_AN_EMAIL = (Redemption, Member, AllowedMember, Departure)


@dataclass(frozen=True, slots=True)
class Hits:
    """The people a query means: e-mails, and user ids of people with hidden e-mails; best first, 20 in all.

    `teams`: Teams the query names; their people are among the e-mails. `unused`: a code nobody has used.
    """

    query: str
    emails: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    teams: list[Team] = field(default_factory=list)
    unused: list[RedeemCode] = field(default_factory=list)
    has_more: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.emails or self.hidden or self.teams or self.unused)


def cleaned(query: str) -> str:
    """The query without what a phone or chat adds: full width, capitals, invisible characters."""
    text = unicodedata.normalize("NFKC", query[:200])
    return "".join(char for char in text if unicodedata.category(char) not in ("Cf", "Cc")).strip().lower()


def search(query: str) -> Hits:
    """At most eleven queries; none for a query that is too short."""
    text = cleaned(query)
    letters = codes.letters_typed(text)
    if len(text) < SHORTEST_EMAIL_PART:
        return Hits(query)
    teams = list(_teams_named(text)[:MOST_TEAMS])
    people = _by_code(letters) if len(letters) >= SHORTEST_CODE_PART else []
    people += _by_email(text)
    people += _seated_in([team.pk for team in teams])
    hidden = _hidden(text, [team.pk for team in teams])
    emails = list(dict.fromkeys(filter(None, people)))
    return Hits(
        query,
        emails=emails[:MOST_PEOPLE],
        hidden=hidden[: max(0, MOST_PEOPLE - len(emails))],
        teams=teams,
        unused=_unused(letters),
        has_more=len(emails) + len(hidden) > MOST_PEOPLE,
    )


def _teams_named(text: str) -> QuerySet[Team]:
    """By part of the name, the beginning of the account id, or the owner's whole e-mail."""
    named = Q(name__icontains=text) | Q(owner__email=text)
    if len(text) >= SHORTEST_ACCOUNT_PART:
        named |= Q(account_id__istartswith=text)
    return Team.objects.filter(named).only("name", "account_id").order_by("archived_at", "pk")


def _by_code(letters: str) -> list[str]:
    found = Q(code__code__startswith=letters) | Q(public_id__startswith=letters)
    return _newest(Redemption.objects.filter(found))


def _by_email(text: str) -> list[str]:
    people: list[str] = []
    exact: list[str] = []
    tables: list[QuerySet[Any]] = [model._default_manager.all() for model in _WITH_AN_EMAIL]
    for rows in tables:
        for email in _newest(rows.filter(email__icontains=text)):
            (exact if email == text else people).append(email)
    if text.startswith("user-"):
        people += _newest(SeatGrant.objects.filter(upstream_user_id=text))
        people += _newest(Member.objects.filter(upstream_id=text))
    return exact + people


def _newest(rows: QuerySet[Any]) -> list[str]:
    """The e-mails in these rows, newest first, one more than are shown."""
    ranked = rows.exclude(email="").values("email").annotate(last=Max("pk")).order_by("-last")
    return list(ranked.values_list("email", flat=True)[: MOST_PEOPLE + 1])


def _seated_in(team_ids: list[int]) -> list[str]:
    people = _newest(SeatGrant.objects.live().filter(team_id__in=team_ids))
    return people + _newest(Member.objects.filter(team_id__in=team_ids))


def _hidden(text: str, team_ids: list[int]) -> list[str]:
    """User ids of people with hidden e-mails and no seat of ours: by id, or as people of these Teams."""
    ours = SeatGrant.objects.exclude(upstream_user_id="").values("upstream_user_id")
    rows = Member.objects.filter(Q(upstream_id=text) | Q(team_id__in=team_ids), email="").exclude(upstream_id__in=ours)
    return list(dict.fromkeys(rows.order_by("pk").values_list("upstream_id", flat=True)[: MOST_PEOPLE + 1]))


def _unused(letters: str) -> list[RedeemCode]:
    if len(letters) != codes.LENGTH:
        return []
    return list(RedeemCode.objects.filter(code=letters, redemptions=None).select_related("batch"))

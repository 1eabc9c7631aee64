"""The history of a redemption from the audit, in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from invites.admin.reasons import in_the_way, reason
from invites.models import Departure, Redemption
from invites.states import GrantState
from notifications.audit import words
from notifications.models import AuditEvent
from notifications.texts.notices import removal_cost
from teampool.models import Team


@dataclass(frozen=True, slots=True)
class Entry:
    at: datetime
    text: str
    who: str
    ip: str


def timeline(redemption: Redemption) -> list[Entry]:
    """The history of a redemption, oldest first. Three queries."""
    departures = Departure.objects.filter(grant__redemption=redemption).values_list("pk", flat=True)
    about = Q(object_kind="redemption", object_id=str(redemption.pk))
    about |= Q(object_kind="departure", object_id__in=[str(pk) for pk in departures])
    facts = list(AuditEvent.objects.filter(about).order_by("id"))
    teams = named_teams(facts)
    return [entry(fact, teams) for fact in facts]


def named_teams(facts: Iterable[AuditEvent]) -> dict[int, str]:
    """The names of the Teams in these facts, in one query."""
    ids = {fact.details.get("team") for fact in facts if isinstance(fact.details.get("team"), int)}
    return {team.pk: str(team) for team in Team.objects.only("name", "account_id").filter(pk__in=ids)}


def entry(fact: AuditEvent, teams: dict[int, str]) -> Entry:
    """A line of the history; `teams` comes from `named_teams`."""
    return Entry(fact.at, _sentence(fact, teams), words.who(fact), fact.ip)


def _sentence(fact: AuditEvent, teams: dict[int, str]) -> str:
    details: dict[str, Any] = fact.details
    why = reason(details.get("reason", "") or details.get("refusal", ""))
    match fact.action:
        case "seat_moved":
            text = _seat(details.get("after", ""), teams.get(details.get("team", 0), "Team"))
        case "resend_done" if not details.get("sent"):
            text = _("The mail was not sent again")
        case "seat_end_changed":
            text = words.what(fact)
        case "departure_dropped" if details.get("why"):
            text, why = words.action(fact), in_the_way(details["why"])
        case "departure_told" if details.get("why"):
            text, why = words.action(fact), removal_cost(details["why"])
        case "finding_approved" | "finding_allowed" | "finding_dismissed":
            text = f"{words.action(fact)} · {details.get('team') or 'Team'}"
        case "person_allowed" | "person_disallowed":
            text = f"{words.action(fact)} · {details.get('team') or _('all Teams')}"
        case "invite_unresolved":
            text = _("Not confirmed for %(minutes)s minutes") % {"minutes": details.get("minutes", "–")}
        case _:
            text = words.action(fact)
    return _("%(text)s: %(why)s") % {"text": text, "why": why} if why else text


def _seat(after: str, team: str) -> str:
    match after:
        case GrantState.RESERVED:
            text = _("Seat reserved in %(team)s")
        case GrantState.INVITING:
            text = _("Invitation to %(team)s on its way")
        case GrantState.INVITED:
            text = _("Invitation to %(team)s sent")
        case GrantState.VERIFIED:
            text = _("Listed as invited to %(team)s")
        case GrantState.JOINED:
            text = _("Joined %(team)s")
        case GrantState.CANCELLED:
            text = _("Did not get into %(team)s")
        case _:
            text = _("Seat in %(team)s ended")
    return text % {"team": team}

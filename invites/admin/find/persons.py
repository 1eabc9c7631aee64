"""Everything known about the people a search found. Reads only; the number of queries does not grow with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Prefetch, Q, Value, When

from invites import matching
from invites.admin.redemptions import standing
from invites.admin.redemptions.timeline import Entry, entry, named_teams
from invites.models import Departure, Redemption, SeatGrant
from invites.queries.find import Hits
from invites.queries.people import Standing, standing_of
from invites.states import RedemptionState
from notifications.models import AuditEvent, Message
from teampool.models import AllowedMember, Member, Team

MOST_ROWS = 400  # of each kind, for all people together
MOST_FACTS = 1_000
_TEAM = ("name", "account_id", "archived_at", "workspace_state")


@dataclass(frozen=True, slots=True)
class Sighting:
    """The person's row in a Team's last snapshot, and by what right they are there."""

    row: Member
    standing: Standing


@dataclass(frozen=True, slots=True)
class Person:
    """A person; `key` is the e-mail, or the user id if it is hidden. All lists are newest first."""

    key: str
    redemptions: list[Any]
    sightings: list[Sighting]
    allowed: list[AllowedMember]
    departures: list[Departure]
    messages: list[Message]
    history: list[Entry]

    @property
    def seats(self) -> list[tuple[Redemption, SeatGrant]]:
        """The seats held now, each with its claim."""
        held = ((one, standing.live_grant(one)) for one in self.redemptions)
        return [(one, grant) for one, grant in held if grant is not None]


def gather(hits: Hits) -> list[Person]:
    emails, hidden = hits.emails, hits.hidden
    open_first = Case(When(state=RedemptionState.OPEN, then=Value(0)), default=Value(1))
    claims = standing.with_grants(Redemption.objects.filter(email__in=emails)).order_by(open_first, "-pk")
    redemptions = _by(claims[:MOST_ROWS], lambda one: one.email)
    ids = {
        grant.upstream_user_id: email
        for email, mine in redemptions.items()
        for one in mine
        for grant in one.tries
        if grant.upstream_user_id
    }
    with_owner = Team.objects.select_related("owner").only(*_TEAM, "owner__email", "owner__upstream_user_id")
    rows = Member.objects.filter(Q(email__in=emails) | Q(upstream_id__in=[*hidden, *ids], email=""))
    seen = list(rows.order_by("kind", "-pk").prefetch_related(Prefetch("team", with_owner))[:MOST_ROWS])
    teams = Prefetch("team", Team.objects.only(*_TEAM))
    known_ids = [*hidden, *ids, *(row.upstream_id for row in seen if row.kind == Member.Kind.MEMBER)]
    exceptions = AllowedMember.objects.filter(Q(email__in=emails) | Q(upstream_user_id__in=known_ids))
    allowed = list(exceptions.order_by("-pk").prefetch_related(teams)[:MOST_ROWS])
    ways_out = Departure.objects.filter(email__in=[*emails, *hidden]).order_by("-pk")
    departures = _by(ways_out.prefetch_related(teams)[:MOST_ROWS], lambda one: one.email)
    sent = Message.objects.filter(recipient__in=emails).order_by("-pk")[:MOST_ROWS]
    messages = _by(sent, lambda message: message.recipient)
    history = _history(redemptions, departures, emails)
    sightings = _by(_with_standing(seen, redemptions, allowed), lambda one: _whose(one.row, ids))
    exceptions_of = _by(allowed, lambda one: one.email or ids.get(one.upstream_user_id, one.upstream_user_id))
    return [
        Person(
            key,
            redemptions[key],
            sightings[key],
            exceptions_of[key],
            departures[key],
            messages[key],
            history[key],
        )
        for key in [*emails, *hidden]
    ]


def _by(rows: Iterable[Any], key: Callable[[Any], Any]) -> defaultdict[Any, list[Any]]:
    found: defaultdict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return found


def _whose(row: Member, ids: dict[str, str]) -> str:
    """The person of a row; a hidden row is matched by the user id of a seat."""
    return row.email or ids.get(row.upstream_id, row.upstream_id)


def _with_standing(
    rows: Iterable[Member], redemptions: dict[str, list[Any]], allowed: Iterable[AllowedMember]
) -> Iterable[Sighting]:
    live = [grant for mine in redemptions.values() for one in mine if (grant := standing.live_grant(one)) is not None]
    seats = _by(live, lambda grant: grant.team_id)
    for row in rows:
        grant = matching.known(seats[row.team_id]).of(row.upstream_id, row.email)
        here = matching.known(one for one in allowed if one.team_id in (None, row.team_id))
        yield Sighting(row, standing_of(row, row.team.owner, grant, here))


def _history(
    redemptions: dict[str, list[Any]], departures: dict[str, list[Departure]], emails: list[str]
) -> defaultdict[str, list[Entry]]:
    """The audit of all of them, newest first: claims, departures, and decisions about them."""
    owners: dict[tuple[str, str], str] = {}
    for email, mine in redemptions.items():
        owners |= {("redemption", str(one.pk)): email for one in mine}
    for email, leaving in departures.items():
        owners |= {("departure", str(one.pk)): email for one in leaving}
    about = Q(object_kind__in=("person", "finding"), object_label__in=emails)
    for kind in ("redemption", "departure"):
        about |= Q(object_kind=kind, object_id__in=[pk for one, pk in owners if one == kind])
    facts = list(AuditEvent.objects.filter(about).order_by("-pk")[:MOST_FACTS])
    teams = named_teams(facts)
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for fact in facts:
        found[owners.get((fact.object_kind, fact.object_id), fact.object_label)].append(entry(fact, teams))
    return found

"""What the rules judge by, read from the last complete lists and our own books: a constant number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from guardian.rules.rules import Pool, Row, Seat, TeamView
from invites import matching
from invites.models import Redemption, SeatGrant
from invites.states import BEFORE_INVITED, CONFIRMED, RedemptionState
from teampool.models import AllowedMember, Member, Owner, Team, living

# Teams judged with one set of queries.
TEAMS_AT_ONCE = 100
# Rows two Teams' lists must share before one is taken for the other's.
TWINS_SHARE = 2


def gather(team_ids: Sequence[int]) -> tuple[list[TeamView], Pool]:
    """These Teams as their last stored lists show them, and what holds in the pool for the people in them."""
    teams = list(Team.objects.filter(pk__in=team_ids).select_related("owner").defer("access_token").order_by("pk"))
    rows: dict[int, list[Row]] = defaultdict(list)
    for member in Member.objects.filter(team__in=team_ids).order_by("pk"):
        rows[member.team_id].append(
            Row(
                member.upstream_id,
                member.email,
                is_invite=member.kind == Member.Kind.INVITE,
                role=member.role,
                seat_type=member.seat_type,
                is_deactivated=member.deactivated_at is not None,
            )
        )
    seats: dict[int, list[Seat]] = defaultdict(list)
    for seat in _seats(Q(team__in=team_ids)):
        seats[seat.team_id].append(seat)
    emails, ids = _allowed(team_ids)
    everybody = [row for some in rows.values() for row in some]
    for user_id, email in _log_ins(everybody):
        ids[0].add(user_id)
        emails[0].add(email)
    views = [
        TeamView(
            id=team.pk,
            own_id=team.owner.upstream_user_id,
            own_email=team.owner.email,
            rows=rows[team.pk],
            seats=seats[team.pk],
            allowed_emails=frozenset(emails[team.pk] | emails[0]),
            allowed_ids=frozenset(ids[team.pk] | ids[0]),
        )
        for team in teams
    ]
    return views, _pool(everybody)


def _seats(which: Q) -> list[Seat]:
    live = SeatGrant.objects.live().filter(which).select_related("redemption").order_by("pk")
    return [
        Seat(
            id=grant.pk,
            team_id=grant.team_id,
            email=grant.email,
            upstream_user_id=grant.upstream_user_id,
            is_confirmed=grant.state in CONFIRMED,
            was_sent=grant.state not in BEFORE_INVITED,
            ends_at=grant.redemption.ends_at,
            absent_since=grant.absent_since,
        )
        for grant in live.only(
            "team_id", "email", "upstream_user_id", "state", "absent_since", "redemption__ends_at", "redemption_id"
        )
    ]


def _allowed(team_ids: Iterable[int]) -> tuple[dict[int, set[str]], dict[int, set[str]]]:
    """E-mails and user ids by Team; under 0 those allowed everywhere."""
    emails: dict[int, set[str]] = defaultdict(set)
    ids: dict[int, set[str]] = defaultdict(set)
    some = AllowedMember.objects.filter(Q(team=None) | Q(team__in=team_ids))
    for team_id, email, user_id in some.values_list("team_id", "email", "upstream_user_id"):
        if email:
            emails[team_id or 0].add(email)
        if user_id:
            ids[team_id or 0].add(user_id)
    return emails, ids


def _log_ins(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """User ids and e-mails of our log-ins among these people: they may be anywhere, whichever Team they lead."""
    who = matching.any_of((row.upstream_id for row in rows), (row.email for row in rows))
    return list(Owner.objects.filter(who).values_list("upstream_user_id", "email"))


def _pool(rows: Iterable[Row]) -> Pool:
    emails = {row.email for row in rows if row.email}
    ids = {row.upstream_id for row in rows if not row.is_invite}
    seats = matching.known(_seats(matching.any_of(ids, emails)))
    under_way = Redemption.objects.filter(state=RedemptionState.OPEN, email__in=emails)
    return Pool(seats, frozenset(under_way.values_list("email", flat=True)))


def twins(team_ids: Sequence[int]) -> set[int]:
    """Teams whose whole member list also appears, with the same join dates, in another Team.

    We cannot tell which Team such a list belongs to, so we judge neither. Somebody who was given a new seat joined
    later there, so a re-seat makes no twins. Lost Teams are left out. `stored_snapshot.why_untrusted` and
    `rules.why_not_judged` ask the same of one list alone.
    """
    here: dict[int, dict[str, datetime | None]] = defaultdict(dict)
    members = Member.objects.filter(kind=Member.Kind.MEMBER)
    columns = ("team_id", "upstream_id", "joined_at")
    for team_id, user_id, at in members.not_own().filter(team__in=team_ids).values_list(*columns):
        here[team_id][user_id] = at
    wanted = {user_id for ids in here.values() for user_id in ids}
    where: dict[str, dict[int, datetime | None]] = defaultdict(dict)
    for team_id, user_id, at in members.filter(living("team__"), upstream_id__in=wanted).values_list(*columns):
        where[user_id][team_id] = at
    found = set()
    for team_id, ids in here.items():
        others = [{there for there, then in where[user_id].items() if _same(at, then)} for user_id, at in ids.items()]
        if len(ids) >= TWINS_SHARE and set.intersection(*others) - {team_id}:
            found.add(team_id)
    return found


def _same(one: datetime | None, other: datetime | None) -> bool:
    return one is None or other is None or one == other

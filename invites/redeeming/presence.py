"""Where an e-mail is in the pool, and whether it may be there. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from invites.departures.rights import is_allowed
from invites.models import Departure, Redemption, SeatGrant
from invites.seats.seating import departures_under_way
from invites.states import DepartureState, RedemptionState
from teampool.models import Member
from teampool.pool.rows import is_standard
from teampool.upstream.types import MANAGER_ROLES


@dataclass(frozen=True, slots=True)
class Presence:
    """`seat`: the claim that seats this e-mail; with `is_by_right`, None means baseline or allowed.

    `overdue`: its live grant whose time is over. `is_stranger`: it is in `team_id` without any right.
    `is_in_other_seat`: it is in `team_id` in a seat that is no standard one, and no live claim of ours goes on there.
    `team_id`: the Team to lock before acting on this.
    """

    is_by_right: bool = False
    seat: Redemption | None = None
    overdue: SeatGrant | None = None
    is_leaving: bool = False
    is_stranger: bool = False
    is_in_other_seat: bool = False
    team_id: int | None = None


def is_known(email: str) -> bool:
    """True when any row that `of` or `redeem` would look at has this e-mail.

    One query instead of seven for a new person. Plain SQL: the ORM takes longer to build it than the rest of a
    redemption takes, while we hold SQLite's only write lock.
    """
    asked = ((Redemption, ""), (SeatGrant, ""), (Member, ""), (Departure, " AND state = 'open'"))
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f'SELECT 1 FROM "{model._meta.db_table}" WHERE email = %s{also}'  # noqa: S608 - names only
                for model, also in asked
            ),
            [email] * len(asked),
        )
        return cursor.fetchone() is not None


def of(email: str, *, now: datetime) -> Presence:
    """What this e-mail has now. Act on it only with its Team locked."""
    leaving = departures_under_way(email).values_list("team_id", flat=True).first()
    grant = SeatGrant.objects.live().filter(email=email).select_related("redemption", "team").first()
    waiting = Redemption.objects.filter(email=email, state=RedemptionState.OPEN).first()
    overdue = None
    if grant is not None and (waiting is None or waiting.pk == grant.redemption_id):
        if grant.redemption.ends_at is not None and grant.redemption.ends_at <= now:
            overdue = grant
        elif leaving is None:
            return Presence(is_by_right=True, seat=grant.redemption, team_id=grant.team_id)
    if waiting is not None and overdue is None:
        return Presence(is_by_right=True, seat=waiting)
    there = _without_grant(email)
    if there.is_in_other_seat:
        return there
    if overdue is not None:
        return Presence(overdue=overdue, is_leaving=leaving is not None, team_id=overdue.team_id)
    if leaving is not None:
        return Presence(is_leaving=True, team_id=leaving)
    return there


def _without_grant(email: str) -> Presence:
    stranger_in = other_in = None
    # A person who is being removed from a Team must not get a seat there at that moment.
    leaving = set(Departure.objects.filter(email=email, state=DepartureState.OPEN).values_list("team_id", flat=True))
    for row in Member.objects.shown_now(email).order_by("team_id"):
        if not is_standard(row.seat_type):
            other_in = other_in or row.team_id
        elif is_allowed(row.team_id, row.email, row.upstream_id) or row.role in MANAGER_ROLES:
            return Presence(is_by_right=True, team_id=row.team_id)
        elif row.team_id not in leaving:
            stranger_in = stranger_in or row.team_id
    if other_in is not None:
        return Presence(is_in_other_seat=True, team_id=other_in)
    return Presence(is_stranger=stranger_in is not None, team_id=stranger_in)

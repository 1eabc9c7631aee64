"""Where people would be seated if they were moved now: a forecast that holds no seat. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from invites.models import Departure, Redemption, SeatGrant
from invites.states import CONFIRMED, HOLDS_SEAT, DepartureState
from teampool.models import FREE_SEATS, Team


@dataclass(frozen=True, slots=True)
class Move:
    """Where one person would go. `problem`: no_seat, bound, leaving, or full (no Team has a seat for them)."""

    redemption: Redemption
    grant: SeatGrant | None
    to: Team | None = None
    problem: str = ""


def plan(redemptions: Sequence[Redemption], now: datetime) -> list[Move]:
    """A Move for each, as if they were moved in this order; four queries."""
    ids = [redemption.pk for redemption in redemptions]
    emails = {redemption.email for redemption in redemptions}
    grants = list(SeatGrant.objects.filter(redemption_id__in=ids).select_related("team").defer(*_SECRETS))
    live = {grant.redemption_id: grant for grant in grants if grant.state in HOLDS_SEAT}
    on_the_way = set(
        Departure.objects.filter(email__in=emails, state=DepartureState.OPEN).values_list("team_id", "email")
    )
    teams = list(
        Team.objects.allocatable(now).in_order_of_choice().annotate(free=FREE_SEATS).only("name", "account_id")
    )
    free = {team.pk: team.free for team in teams}  # type: ignore[attr-defined]
    moves = []
    for redemption in redemptions:
        grant = live.get(redemption.pk)
        problem = _problem(redemption, grant, on_the_way)
        if grant is None or problem:
            moves.append(Move(redemption, grant, problem=problem))
            continue
        shut = _shut(redemption, grant, grants) | {team_id for team_id, who in on_the_way if who == redemption.email}
        to = next((team for team in teams if free[team.pk] > 0 and team.pk not in shut), None)
        if to is not None:
            free[to.pk] -= 1
        moves.append(Move(redemption, grant, to, "" if to is not None else "full"))
    return moves


_SECRETS = ("team__access_token",)


def _problem(redemption: Redemption, grant: SeatGrant | None, on_the_way: set[tuple[int, str]]) -> str:
    if grant is None:
        return "no_seat"
    if (grant.team_id, redemption.email) in on_the_way:
        return "leaving"
    return "bound" if redemption.bound_team_id == grant.team_id and not grant.team.is_lost else ""


def _shut(redemption: Redemption, grant: SeatGrant, grants: list[SeatGrant]) -> set[int]:
    """Teams that are not asked: the Team they leave, and after a lost Team also those this try asked before."""
    if not grant.team.is_lost or grant.state in CONFIRMED:
        return {grant.team_id}
    return {one.team_id for one in grants if one.redemption_id == redemption.pk and one.try_number == grant.try_number}

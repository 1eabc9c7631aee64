"""The guard: the only writer of the seat columns, from `seat_total` to `seats_taken` (design §3).

Each change is one statement; its row count is the answer. Every statement also rewrites `seat_cap`,
against which a CHECK holds any other writer. Taking a seat does not ring for a look at the stock: redeeming stays fast.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.expressions import Combinable, CombinedExpression
from django.db.models.functions import Greatest

from teampool.models import Member, Team, TeamQuerySet, Vacancy
from teampool.pool import stock_alert, stored
from teampool.pool.capacity import Capacity


def hold(*, team_id: int, now: datetime, kept: Combinable | int = 0) -> bool:
    """Take one seat if the Team may take people right now and more than `kept` are free; False takes nothing."""
    return _take(Team.objects.allocatable(now, kept=kept).filter(pk=team_id), outsiders=F("outsiders"))


def hold_for_outsider(*, team_id: int, email: str) -> bool:
    """Give the seat a stranger already sits in to their own grant; False when the Team counts no such outsider.

    Needs no free seat: one outsider less, one held more. Somebody in a seat of another kind is counted nowhere, and
    would take the place of somebody else.
    """
    seated = Member.objects.taking_places().filter(team=OuterRef("pk"), email=email)
    return _take(Team.objects.filter(Exists(seated), pk=team_id, outsiders__gt=0), outsiders=F("outsiders") - 1)


def _take(teams: TeamQuerySet, *, outsiders: F | CombinedExpression) -> bool:
    held = F("seats_held") + 1
    rows = teams.update(seats_held=held, outsiders=outsiders, seat_cap=_cap(held, outsiders, F("seats_elsewhere")))
    return rows == 1  # 0 rows: no seat, or somebody was faster


def _cap(held: CombinedExpression, outsiders: F | CombinedExpression, elsewhere: F | Greatest) -> Greatest:
    return Greatest(F("seat_total") - outsiders + elsewhere, held)


def release(*, team_id: int) -> None:
    """Give one held seat back. Raises RuntimeError when none is held: the caller counted wrong."""
    _give_up(team_id, outsiders=F("outsiders"))
    stock_alert.ring()


def release_to_outsider(*, team_id: int) -> None:
    """Give up a held seat whose person may still sit in it: one held less, one outsider more, until the next look."""
    _give_up(team_id, outsiders=F("outsiders") + 1)


def vacate(*, team_id: int, upstream_id: str, email: str, since: datetime, now: datetime) -> None:
    """Give up the held seat of a person who was in and is gone: its place waits for a read of the seats.

    `since`: when they got the seat. ChatGPT may keep it. A snapshot may have written the vacancy already, or even
    settled it: then the recount that follows in the same transaction says so.
    """
    _give_up(team_id, outsiders=F("outsiders") + 1)
    same = Q(email=email) | (Q(upstream_id=upstream_id) & ~Q(upstream_id=""))
    if not Vacancy.objects.filter(same, team_id=team_id, gone_by__gte=since).exists():
        Vacancy.objects.create(
            team_id=team_id, kind=Member.Kind.MEMBER, upstream_id=upstream_id, email=email, gone_by=now
        )


def _give_up(team_id: int, *, outsiders: F | CombinedExpression) -> None:
    """Hold one seat less, of `seats_elsewhere` too: its person may have sat there, and this never frees too much."""
    held, elsewhere = F("seats_held") - 1, Greatest(F("seats_elsewhere") - 1, 0)
    rows = Team.objects.filter(pk=team_id, seats_held__gt=0).update(
        seats_held=held, outsiders=outsiders, seats_elsewhere=elsewhere, seat_cap=_cap(held, outsiders, elsewhere)
    )
    if rows != 1:
        raise RuntimeError(f"Team {team_id} holds no seat to release")


def recount(*, team_id: int, capacity: Capacity, taken: int, outsiders: int, elsewhere: int = 0) -> None:
    """Set what upstream and the operator say; what is held stays as it is, even when that is more.

    `taken`: rows of the lists that take a place. `outsiders`: those without a live grant, and places that wait.
    `elsewhere`: live grants whose person sits in a seat of another kind.
    """
    Team.objects.filter(pk=team_id).update(
        **_numbers(capacity),
        seats_taken=taken,
        outsiders=outsiders,
        seats_elsewhere=elsewhere,
        seat_cap=Greatest(capacity.places - outsiders + elsewhere, F("seats_held")),
    )
    stock_alert.ring()


def set_places(*, team_id: int, capacity: Capacity) -> None:
    """Set how many places there are; who takes them stays as it is."""
    Team.objects.filter(pk=team_id).update(
        **_numbers(capacity),
        seat_cap=Greatest(capacity.places - F("outsiders") + F("seats_elsewhere"), F("seats_held")),
    )
    stock_alert.ring()


def _numbers(capacity: Capacity) -> dict[str, Any]:
    return {
        "seat_total": capacity.places,
        "seats_known": capacity.known.value,
        "seats_read_at": capacity.since,
        "seats_bought": capacity.seats_bought,
        "reading": stored.as_json(capacity.reading),
    }

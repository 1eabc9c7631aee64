"""The guard: the only writer of `seats_held`, `outsiders`, `seat_total` and `seat_cap` (design §3).

Each change is one statement; its row count is the answer. Every statement also rewrites `seat_cap`,
against which a CHECK holds any other writer. Taking a seat does not ring for a look at the stock: redeeming stays fast.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import F
from django.db.models.expressions import Combinable, CombinedExpression
from django.db.models.functions import Greatest

from teampool.models import Team, TeamQuerySet
from teampool.pool import stock_alert
from teampool.settings import DEFAULT_SEAT_CAP


def hold(*, team_id: int, now: datetime, kept: Combinable | int = 0) -> bool:
    """Take one seat if the Team may take people right now and more than `kept` are free; False takes nothing."""
    return _take(Team.objects.allocatable(now, kept=kept).filter(pk=team_id), outsiders=F("outsiders"))


def hold_for_outsider(*, team_id: int) -> bool:
    """Give the seat a stranger already sits in to their own grant; False when the Team counts no outsider.

    Needs no free seat: one outsider less, one held more.
    """
    return _take(Team.objects.filter(pk=team_id, outsiders__gt=0), outsiders=F("outsiders") - 1)


def _take(teams: TeamQuerySet, *, outsiders: F | CombinedExpression) -> bool:
    held = F("seats_held") + 1
    rows = teams.update(seats_held=held, outsiders=outsiders, seat_cap=Greatest(F("seat_total") - outsiders, held))
    return rows == 1  # 0 rows: no seat, or somebody was faster


def release(*, team_id: int) -> None:
    """Give one held seat back. Raises RuntimeError when none is held: the caller counted wrong."""
    held = F("seats_held") - 1
    rows = Team.objects.filter(pk=team_id, seats_held__gt=0).update(
        seats_held=held, seat_cap=Greatest(F("seat_total") - F("outsiders"), held)
    )
    if rows != 1:
        raise RuntimeError(f"Team {team_id} holds no seat to release")
    stock_alert.ring()


def release_to_outsider(*, team_id: int) -> None:
    """Give up a held seat whose person may still sit in it: one held less, one outsider more, until the next look."""
    held, outsiders = F("seats_held") - 1, F("outsiders") + 1
    rows = Team.objects.filter(pk=team_id, seats_held__gt=0).update(
        seats_held=held, outsiders=outsiders, seat_cap=Greatest(F("seat_total") - outsiders, held)
    )
    if rows != 1:
        raise RuntimeError(f"Team {team_id} holds no seat to release")


def recount(*, team_id: int, total: int, outsiders: int) -> None:
    """Set what upstream and the operator say; what is held stays as it is, even when that is more."""
    Team.objects.filter(pk=team_id).update(
        seat_total=total, outsiders=outsiders, seat_cap=Greatest(total - outsiders, F("seats_held"))
    )
    stock_alert.ring()


def total_for(*, operator_cap: int | None, entitled: int | None, vacancies_held: int) -> int:
    """Seats besides the owner: the lower of the operator's cap and what was bought, else the default."""
    known = [cap for cap in (operator_cap, _bought(entitled, vacancies_held)) if cap is not None]
    return max(0, min(known)) if known else DEFAULT_SEAT_CAP.get()


def _bought(entitled: int | None, vacancies_held: int) -> int | None:
    return None if entitled is None else entitled - vacancies_held - 1

"""How many seats are free: the number on the first screen and in the low-stock alert.

Free seats are those of allocatable Teams, without as many as there are claims that wait for a seat. A Team that cools
down for some minutes drops out of that number and comes back by itself, so what falls below the line only with its
seats left out is not low stock (`Stock.soon`). Nor is what lacks a number only until the first look after an upgrade
or a long standstill (`Stock.unlooked`): a webhook might buy Teams for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, Sum

from teampool.known import GOOD_FOR
from teampool.models import FREE_SEATS, SEATS_USED, Team, sound, without_number


@dataclass(frozen=True, slots=True)
class Stock:
    """`free`: seats of Teams that can take people now; `unavailable`: free seats of the others.

    `soon`: `free` with the seats of Teams that cool down. `unlooked`: Teams without a number that nobody has tried to
    read for a day, or that are being looked at.
    """

    free: int
    soon: int
    unavailable: int
    held: int
    outsiders: int
    allocatable: int
    teams: int
    unlooked: int

    def is_low(self, threshold: int) -> bool:
        """A pool without any Team is not low: it has not begun, or was given up. Nor is one not looked at yet."""
        return self.teams > 0 and self.soon <= threshold and not self.unlooked


def summary(now: datetime, *, waiting: int) -> Stock:
    """The pool in numbers, archived Teams left out. `waiting`: people who get the next free seats. One query."""
    takes_people = sound(now) & ~Q(cooldown_until__gt=now) & Q(seat_total__gt=SEATS_USED)
    is_untried = Q(sync_tried_at=None) | Q(sync_tried_at__lt=now - GOOD_FOR) | Q(sync_lease_until__gt=now)
    row = Team.objects.filter(archived_at=None).aggregate(
        teams=Count("pk"),
        unlooked=Count("pk", filter=without_number(now) & is_untried),
        allocatable=Count("pk", filter=takes_people),
        free=Sum(FREE_SEATS, filter=takes_people, default=0),
        soon=Sum(FREE_SEATS, filter=sound(now), default=0),
        every=Sum(FREE_SEATS, default=0),
        held=Sum("seats_held", default=0),
        outsiders=Sum("outsiders", default=0),
    )
    unavailable = row.pop("every") - row["free"]
    row |= {"free": max(0, row["free"] - waiting), "soon": max(0, row["soon"] - waiting)}
    return Stock(unavailable=unavailable, **row)

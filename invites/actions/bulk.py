"""One action for several people, one after the other, and only for the seat the page showed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from base.actors import Actor
from invites.actions import seat
from invites.actions.seat import Refused
from invites.models import Redemption, SeatGrant
from invites.queries import reseat_plan

MOST_AT_ONCE = 500


class Action(StrEnum):
    WITHDRAW = "withdraw"
    TAKE_BACK = "take-back"
    RESEAT = "reseat"
    END_CLAIM = "end-claim"


@dataclass(frozen=True, slots=True)
class Result:
    """The result for one person; `problem` says why nothing was changed."""

    redemption: Redemption
    problem: str = ""


# What the confirm page showed: the redemption and its seat, NO_SEAT for none.
NO_SEAT = 0
Picked = tuple[int, int]
_DO: dict[Action, Callable[..., None]] = {
    Action.WITHDRAW: seat.withdraw,
    Action.TAKE_BACK: seat.take_back,
    Action.RESEAT: seat.reseat,
    Action.END_CLAIM: seat.end_claim,
}


def carry_out(action: Action, picked: Sequence[Picked], *, actor: Actor, now: datetime) -> list[Result]:
    """Do `action` for each. Skip people whose seat is another by now, and people no Team has a seat for.

    So sending the same confirmation twice does nothing twice.
    """
    shown = dict(picked[:MOST_AT_ONCE])
    redemptions = list(Redemption.objects.filter(pk__in=shown).order_by("pk"))
    held = dict(SeatGrant.objects.live().filter(redemption_id__in=shown).values_list("redemption_id", "pk"))
    problems = {one.pk: "changed" for one in redemptions if held.get(one.pk, NO_SEAT) != shown[one.pk]}
    if action is Action.RESEAT:
        problems |= _unseatable([one for one in redemptions if one.pk not in problems], now)
    return [Result(one, problems.get(one.pk) or _do(action, one, actor)) for one in redemptions]


def _unseatable(redemptions: Sequence[Redemption], now: datetime) -> dict[int, str]:
    return {move.redemption.pk: move.problem for move in reseat_plan.plan(redemptions, now) if move.problem}


def _do(action: Action, redemption: Redemption, actor: Actor) -> str:
    try:
        _DO[action](redemption_id=redemption.pk, actor=actor)
    except Refused as refused:
        return refused.code
    return ""

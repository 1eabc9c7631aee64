"""Every lock of this room, and the order they are taken in (design §3).

1. the code (`lock_code`),
2. the Owner, where a token is written too (`teampool.login.tokens`),
3. the Team (`lock_team`): everybody who moves a seat of a Team locks the Team first,
4. the redemption and the grant, in either order, but together only while the grant's Team is locked.

One exception: a redemption without a live grant may be locked before a Team (`locked_claim`), because nobody who holds
a Team's lock waits for it: whoever ended its last grant has committed by then. No transaction locks two Teams.
A departure is locked under its Team's lock (`locked_departure`), or where nothing else is locked.
Tests record what each transaction locks and fail when it breaks this order. Queues of work that skip locked rows wait
for nobody and stand where they are used (`seating`, `mails`).
"""

from __future__ import annotations

from base.transactions import require_transaction
from invites.models import Departure, RedeemCode, Redemption, SeatGrant
from invites.states import DepartureState
from teampool.models import Team


def lock_code(code_id: int) -> None:
    """Lock the code's row until the transaction ends."""
    require_transaction()
    RedeemCode.objects.select_for_update(of=("self",)).values_list("pk").get(pk=code_id)


def locked_code(typed: str) -> RedeemCode | None:
    """The code with these normalised characters and its Team, the code locked; None when there is none."""
    require_transaction()
    codes = RedeemCode.objects.select_for_update(of=("self",)).select_related("team")
    return codes.filter(code=typed).first() if typed else None


def lock_team(team_id: int) -> None:
    """Lock the Team's row until the transaction ends.

    On SQLite the transaction began by locking the whole database; the query is the same, and the tests see the order.
    """
    require_transaction()
    Team.objects.select_for_update(of=("self",), no_key=True).values_list("pk").get(pk=team_id)


def locked_team(team_id: int) -> Team:
    """Lock the Team and read it with its owner, tokens and all, as they are under the lock.

    Two queries: what is joined to a row that was waited for is older than the row.
    """
    lock_team(team_id)
    return Team.objects.select_related("owner").get(pk=team_id)


def locked_redemption(redemption_id: int) -> Redemption:
    """Lock the redemption, under the lock of its seat's Team, and read it."""
    require_transaction()
    return Redemption.objects.select_for_update(of=("self",)).get(pk=redemption_id)


def locked_live_grant(redemption: Redemption) -> SeatGrant | None:
    """Lock the redemption's live grant, under the lock of its Team, and read it; None when there is none."""
    require_transaction()
    return SeatGrant.objects.live().select_for_update(of=("self",)).filter(redemption=redemption).first()


def locked_departure(*, team_id: int, email: str) -> Departure | None:
    """Lock this person's open departure, under the lock of its Team, and read it; None when there is none."""
    require_transaction()
    open_ = Departure.objects.select_for_update(of=("self",)).filter(state=DepartureState.OPEN)
    return open_.filter(team_id=team_id, email=email).first()


def locked_claim(redemption_id: int) -> Redemption:
    """Lock the redemption's code, then the redemption, and read it: the exception above, for who takes a seat next."""
    require_transaction()
    code_id = Redemption.objects.values_list("code_id", flat=True).get(pk=redemption_id)
    if code_id is not None:
        lock_code(code_id)
    return locked_redemption(redemption_id)

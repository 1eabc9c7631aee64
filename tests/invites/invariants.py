"""What must hold at every moment, and who is where upstream."""

from __future__ import annotations

from collections import Counter

from django.db.models import Count, Exists, F, OuterRef, Q

from invites.models import RedeemCode, Redemption, SeatGrant
from invites.states import HOLDS_CODE, HOLDS_SEAT
from sandbox.server import SandboxServer
from teampool.models import Team


def check_books() -> None:
    """Seats held are the live grants, uses held are the open and ended redemptions, nobody is seated twice.

    Exactly the open claims without a seat are marked as waiting.
    """
    live = Count("grants", filter=Q(grants__state__in=HOLDS_SEAT))
    wrong = Team.objects.annotate(live=live).exclude(seats_held=F("live"))
    assert not wrong.exists(), [(team.pk, team.seats_held, team.live) for team in wrong]
    held = Count("redemptions", filter=Q(redemptions__state__in=HOLDS_CODE))
    spent = RedeemCode.objects.annotate(held=held).exclude(uses_held=F("held"))
    assert not spent.exists(), [(code.code, code.uses_held, code.held) for code in spent]
    twice = SeatGrant.objects.live().values("email").annotate(n=Count("pk")).filter(n__gt=1)
    assert not twice.exists(), list(twice)
    open_ = Redemption.objects.filter(state="open").values("email").annotate(n=Count("pk")).filter(n__gt=1)
    assert not open_.exists(), list(open_)
    seated = Exists(SeatGrant.objects.live().filter(redemption=OuterRef("pk")))
    waits = Redemption.objects.filter(Q(~seated, state="open", is_waiting=False) | Q(seated, is_waiting=True))
    assert not waits.exists(), list(waits)


def check_upstream(sandbox: SandboxServer) -> Counter[str]:
    """No standard seat is used twice or was bought by us, and nobody is in two workspaces; who is in how many.

    By each workspace's own books: seats of another kind do not count, seats kept for removed people do.
    """
    where: Counter[str] = Counter()
    for workspace in sandbox.dump()["workspaces"]:
        people = [one["email"] for one in workspace["members"]] + [one["email"] for one in workspace["invites"]]
        books = sandbox.books(workspace["account_id"])
        assert (books["oversold"], books["seats_bought_by_us"]) == (0, 0), books
        where.update(email for email in people if not email.startswith("owner"))
    twice = {email: count for email, count in where.items() if count > 1}
    assert not twice, twice
    return where

"""Every change of a seat's or a redemption's state: a counted update with its audit row (design §4).

The caller holds the Team's lock, and before it the code's, if a code is freed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F

from base.actors import Actor
from invites.codes import uses
from invites.models import Redemption, SeatGrant
from invites.seats import mails, timing
from invites.states import CONFIRMED, HOLDS_SEAT, GrantState, RedemptionState, Refusal
from notifications.audit import events
from teampool.models import Member
from teampool.pool import seats

REACHED_AT = {
    GrantState.INVITED: "invited_at",
    GrantState.VERIFIED: "verified_at",
    GrantState.JOINED: "joined_at",
    GrantState.CANCELLED: "ended_at",
    GrantState.ENDED: "ended_at",
}


def claim(grant: SeatGrant, *, until: datetime, actor: Actor) -> bool:
    """Lease a live grant to the caller and raise its fence; RESERVED becomes INVITING."""
    fields: dict[str, Any] = {"attempts": grant.attempts + 1, "lease_until": until}
    if grant.state == GrantState.RESERVED:
        return _move(grant, GrantState.INVITING, actor, fields)
    return SeatGrant.objects.write(grant, **fields)


def advance(grant: SeatGrant, to: GrantState, *, now: datetime, actor: Actor, **fields: Any) -> bool:
    """Move a live grant forward; on first reaching INVITED, set the end of a temporary seat.

    False: the grant has another state or fence than the caller saw.
    """
    fields[REACHED_AT[to]] = now
    was_confirmed = grant.state in CONFIRMED
    if not _move(grant, to, actor, fields):
        return False
    redemption = _set_end(grant.redemption_id, now)
    if to in CONFIRMED and not was_confirmed:
        mails.write_confirmed(redemption, grant)
    return True


def leave(
    grant: SeatGrant,
    to: GrantState,
    *,
    reason: str,
    now: datetime,
    actor: Actor,
    frees_seat: bool = True,
    was_in: bool = False,
) -> bool:
    """Cancel or end a live grant and free its seat; the redemption keeps the code, and waits while it is open.

    The place of somebody who joined, or of whom the caller knows that they `was_in`, waits for a read of the seats.
    `frees_seat=False`: the caller opens another grant that takes over the seat.
    """
    was_in = was_in or grant.state == GrantState.JOINED
    fields = {REACHED_AT[to]: now, "reason": reason, "lease_until": None, "due_at": None}
    if not _move(grant, to, actor, fields, {"reason": reason}):
        return False
    Redemption.objects.filter(pk=grant.redemption_id, state=RedemptionState.OPEN).update(is_waiting=True)
    if frees_seat and was_in:
        since, user_id = grant.created_at, grant.upstream_user_id
        seats.vacate(team_id=grant.team_id, upstream_id=user_id, email=grant.email, since=since, now=now)
    elif frees_seat:
        seats.release(team_id=grant.team_id)
    return True


def leave_in(grant: SeatGrant, *, reason: str, now: datetime, actor: Actor) -> None:
    """End a live grant and its claim, although the person may stay in: they now count as an outsider."""
    if leave(grant, GrantState.ENDED, reason=reason, now=now, actor=actor, frees_seat=False):
        seats.release_to_outsider(team_id=grant.team_id)
        end(redemption_id=grant.redemption_id, reason=reason, now=now, actor=actor)


def leave_them_there(grant: SeatGrant, *, now: datetime, actor: Actor) -> None:
    """End a grant and its claim while its person stays in a seat of another kind, where they take no place."""
    if leave(grant, GrantState.ENDED, reason=Refusal.OTHER_SEAT, now=now, actor=actor):
        end(redemption_id=grant.redemption_id, reason=Refusal.OTHER_SEAT, now=now, actor=actor)


def _move(
    grant: SeatGrant, to: GrantState, actor: Actor, fields: dict[str, Any], details: dict[str, Any] | None = None
) -> bool:
    before = grant.state
    if before not in HOLDS_SEAT:
        return False  # an ended seat must not be freed twice
    if not SeatGrant.objects.write(grant, state=to, **fields):
        return False  # another worker claimed it, or a snapshot moved it
    events.seat_moved(
        subject=grant.subject,
        before=before,
        after=to.value,
        actor=actor,
        details={"team": grant.team_id} | (details or {}),
    )
    return True


def _set_end(redemption_id: int, now: datetime) -> Redemption:
    """Start the time of a temporary seat, once; after a move to another Team it goes on."""
    redemption = Redemption.objects.get(pk=redemption_id)
    if redemption.seat_time is not None and redemption.ends_at is None:
        redemption.ends_at = now + redemption.seat_time
        Redemption.objects.filter(pk=redemption_id, ends_at=None).update(ends_at=redemption.ends_at)
    return redemption


def refuse(*, redemption_id: int, refusal: Refusal, now: datetime, actor: Actor) -> bool:
    """Refuse an open redemption without a live grant, and free its code. The caller holds the code's lock.

    False: it was no longer open.
    """
    redemption = Redemption.objects.get(pk=redemption_id)
    rows = (
        Redemption.objects.filter(pk=redemption_id, state=RedemptionState.OPEN)
        .exclude(grants__state__in=HOLDS_SEAT)
        .update(state=RedemptionState.REFUSED, is_waiting=False, refusal=refusal, settled_at=now)
    )
    if rows != 1:
        return False
    if redemption.code_id is not None:
        uses.free(code_id=redemption.code_id)
    events.redemption_moved(
        subject=redemption.subject, state="refused", actor=actor, details={"refusal": refusal.value}
    )
    return True


def end(*, redemption_id: int, reason: str, now: datetime, actor: Actor) -> bool:
    """End an open redemption; its code stays used. False: it was no longer open."""
    rows = Redemption.objects.filter(pk=redemption_id, state=RedemptionState.OPEN).update(
        state=RedemptionState.ENDED, is_waiting=False, settled_at=now
    )
    if rows == 1:
        redemption = Redemption.objects.get(pk=redemption_id)
        events.redemption_moved(subject=redemption.subject, state="ended", actor=actor, details={"reason": reason})
    return rows == 1


def next_try(*, redemption_id: int) -> None:
    """Start a new try: Teams of the last try may be asked again."""
    Redemption.objects.filter(pk=redemption_id, state=RedemptionState.OPEN).update(try_number=F("try_number") + 1)


def is_anothers(grant: SeatGrant, found: Member.Kind, *, is_standard: bool, since: datetime | None) -> bool:
    """True when the seat a list shows this grant's person in is not from our invitation, which is for a standard seat.

    A confirmed grant is ours whatever its person was switched to. So is one whose invitation ChatGPT took, when the
    person came after it: they may have accepted and been switched since the last look.
    """
    if is_standard or grant.state in CONFIRMED:
        return False
    if found is not Member.Kind.MEMBER or grant.state != GrantState.INVITED:
        return True
    return since is not None and since < grant.created_at - timing.CLOCKS_DIFFER


def is_live(grant: SeatGrant) -> bool:
    return grant.state in HOLDS_SEAT

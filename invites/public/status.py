"""What anybody may know of a redemption: the status page and the API both read it here (design §7).

It names no Team, owner, code or other person.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from invites.models import Redemption, SeatGrant
from invites.states import HOLDS_SEAT, GrantState, RedemptionState, Refusal
from teampool.models import Member


class PublicState(StrEnum):
    PENDING = "pending"
    INVITED = "invited"
    VERIFIED = "verified"
    JOINED = "joined"
    REFUSED = "refused"
    ENDED = "ended"


# The page stops polling: nothing more happens by itself.
FINAL = (PublicState.JOINED, PublicState.REFUSED, PublicState.ENDED)
_OF_GRANT = {
    GrantState.RESERVED: PublicState.PENDING,
    GrantState.INVITING: PublicState.PENDING,
    GrantState.INVITED: PublicState.INVITED,
    GrantState.VERIFIED: PublicState.VERIFIED,
    GrantState.JOINED: PublicState.JOINED,
}
_OF_MEMBER = {Member.Kind.MEMBER: PublicState.JOINED, Member.Kind.INVITE: PublicState.VERIFIED}
# (younger than, seconds to the next poll): 2 s in the first minute, 5 s to 10 min, 30 s to 1 h, then 5 min.
_POLLS = [(timedelta(minutes=1), 2), (timedelta(minutes=10), 5), (timedelta(hours=1), 30)]
_POLL_OLD = 300


@dataclass(frozen=True, slots=True)
class PublicStatus:
    """A redemption as its page shows it. `since`: when this state began; `started_at`: when this try began."""

    public_id: str
    reference: str
    email: str
    state: PublicState
    since: datetime
    started_at: datetime
    received_at: datetime
    invited_at: datetime | None = None
    verified_at: datetime | None = None
    joined_at: datetime | None = None
    error_code: str = ""  # the reason of a refusal
    is_already: bool = False  # the e-mail had a seat before this redemption
    is_reseated: bool = False
    seat_time: timedelta | None = None
    ends_at: datetime | None = None
    ended_at: datetime | None = None
    is_time_over: bool = False
    stays: bool = False  # in the Team, in a seat of another kind
    # What "send again" is about; None when we sent no invite.
    redemption: Redemption | None = None
    grant: SeatGrant | None = None

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    def poll_seconds(self, now: datetime, *, is_sending: bool = False) -> int:
        """Seconds until the page asks again, by age; always 2 while a mail is being sent again."""
        if is_sending:
            return _POLLS[0][1]
        age = now - self.started_at
        return next((seconds for younger, seconds in _POLLS if age < younger), _POLL_OLD)


def public_status(redemption: Redemption) -> PublicStatus:
    """The status, in one or two queries; an `already` redemption shows the seat it points at."""
    if redemption.state != RedemptionState.ALREADY:
        return _own(redemption)
    seat = redemption.seated_by
    if seat is None or seat.state == RedemptionState.ALREADY:
        return replace(_blank(redemption), state=_in_snapshot(redemption.email), is_already=True)
    # Without the times of the steps: they belong to the earlier redemption.
    return replace(
        _own(seat),
        public_id=redemption.public_id,
        reference=redemption.reference,
        email=redemption.email,
        started_at=redemption.created_at,
        received_at=redemption.created_at,
        invited_at=None,
        verified_at=None,
        joined_at=None,
        is_already=True,
    )


def _blank(redemption: Redemption) -> PublicStatus:
    return PublicStatus(
        public_id=redemption.public_id,
        reference=redemption.reference,
        email=redemption.email,
        state=PublicState.PENDING,
        since=redemption.created_at,
        started_at=redemption.created_at,
        received_at=redemption.created_at,
    )


def _own(redemption: Redemption) -> PublicStatus:
    grants = list(redemption.grants.order_by("pk"))
    newest = grants[-1] if grants else None
    if redemption.state == RedemptionState.REFUSED:
        return replace(_blank(redemption), state=PublicState.REFUSED, error_code=redemption.refusal)
    if redemption.state == RedemptionState.ENDED:
        return _over(redemption, newest)
    started_at = _try_started(redemption, grants)
    status = replace(
        _blank(redemption),
        started_at=started_at,
        since=started_at,
        seat_time=redemption.seat_time,
        ends_at=redemption.ends_at,
        is_reseated=any(g.try_number < redemption.try_number and g.invited_at is not None for g in grants),
        redemption=redemption,
    )
    if newest is None or newest.state not in HOLDS_SEAT:
        return status
    state = _OF_GRANT[GrantState(newest.state)]
    reached = {PublicState.INVITED: newest.invited_at, PublicState.VERIFIED: newest.verified_at}
    return replace(
        status,
        state=state,
        since=reached.get(state) or started_at,
        invited_at=newest.invited_at,
        verified_at=newest.verified_at,
        joined_at=newest.joined_at,
        grant=newest,
    )


def _try_started(redemption: Redemption, grants: list[SeatGrant]) -> datetime:
    """When this try began: a failover continues the try, a re-seat starts a new one."""
    if redemption.try_number == 1:
        return redemption.created_at
    of_this_try = [grant.created_at for grant in grants if grant.try_number == redemption.try_number]
    before = [grant.ended_at for grant in grants if grant.ended_at is not None]
    return min(of_this_try) if of_this_try else max(before, default=redemption.created_at)


def _over(redemption: Redemption, grant: SeatGrant | None) -> PublicStatus:
    ended_at = (grant.ended_at if grant is not None else None) or redemption.settled_at or redemption.created_at
    return replace(
        _blank(redemption),
        state=PublicState.ENDED,
        since=ended_at,
        ended_at=ended_at,
        is_time_over=redemption.ends_at is not None and redemption.ends_at <= ended_at,
        stays=grant is not None and grant.reason == Refusal.OTHER_SEAT,
    )


def _in_snapshot(email: str) -> PublicState:
    """For a person without a redemption (baseline, allowed): what the last lists of living Teams show."""
    kinds = set(Member.objects.shown_now(email).values_list("kind", flat=True))
    return next((state for kind, state in _OF_MEMBER.items() if kind in kinds), PublicState.ENDED)

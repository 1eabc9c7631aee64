"""Decide the next step of a seat: unknown is not failure (design §4). Pure: no query, no call, `now` is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from invites.delivery.look import Look
from invites.models import SeatGrant
from invites.seats import moves, timing
from invites.states import SAID_MEMBER, GrantState
from teampool.models import Member


class Step(Enum):
    """What to do after a look."""

    SETTLED = auto()  # write down what the look showed
    SEND = auto()  # invite, in the same Team
    REVOKE = auto()  # begin to leave this Team: an invite may have arrived
    LEAVE = auto()  # free the seat here and continue in another Team
    REFUSE = auto()  # the person is there in a seat of another kind that our invitation did not give
    WAIT = auto()  # nothing is proved yet: look again later


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The lists could not be read."""

    is_team_lost: bool


def may_send_at_once(grant: SeatGrant, *, now: datetime) -> bool:
    """True when no look is needed: nothing was ever sent, or the invite has been unseen for 30 minutes."""
    if grant.state == GrantState.INVITING:
        return not grant.sends and not grant.ask_first
    if grant.state != GrantState.INVITED or grant.invited_at is None or grant.sent_at is None:
        return False
    return grant.sent_at < grant.invited_at + timing.RESEND_UNSEEN_AFTER <= now


def next_step(grant: SeatGrant, seen: Look | Unreadable, *, now: datetime) -> Step:
    if isinstance(seen, Unreadable):
        return _unread(grant, seen, now)
    if seen.found is not None and moves.is_anothers(grant, seen.found, is_standard=seen.is_standard, since=seen.since):
        return Step.REFUSE
    # A pending invite that was just revoked does not count: lists lag.
    if seen.found is Member.Kind.MEMBER or (seen.found is Member.Kind.INVITE and grant.leaving_since is None):
        return Step.SETTLED
    if grant.state != GrantState.INVITING:
        return Step.WAIT
    if grant.leaving_since is not None:
        return _leaving(grant.leaving_since, seen)
    if grant.reason == SAID_MEMBER or not _is_absent(grant, seen):
        return Step.WAIT
    return Step.REVOKE if grant.leave_as or grant.sends >= timing.MOST_SENDS else Step.SEND


def _is_absent(grant: SeatGrant, seen: Look) -> bool:
    """True when no invite arrived: the lists are complete and begun at least 60 s after the last send."""
    if not seen.is_complete:
        return False
    return grant.sent_at is None or grant.sends == 0 or seen.started_at >= grant.sent_at + timing.ABSENT_AFTER


def _leaving(since: datetime, seen: Look) -> Step:
    """After a revoke: repeat it while the invite is listed; leave after 15 minutes of absence."""
    if seen.found is not None:
        return Step.REVOKE if seen.started_at >= since + timing.ABSENT_AFTER else Step.WAIT
    is_gone = seen.is_complete and seen.started_at >= since + timing.LEAVE_AFTER
    return Step.LEAVE if is_gone else Step.WAIT


def _unread(grant: SeatGrant, seen: Unreadable, now: datetime) -> Step:
    """An unconfirmed seat leaves a lost Team at once and a silent one after 24 h; a confirmed seat never moves."""
    if grant.state not in (GrantState.INVITING, GrantState.INVITED):
        return Step.SETTLED if seen.is_team_lost else Step.WAIT
    is_silent = grant.unreadable_since is not None and now - grant.unreadable_since >= timing.UNREADABLE_AFTER
    return Step.LEAVE if seen.is_team_lost or is_silent else Step.WAIT

"""Closes or repeats open departures by what a complete list shows of their people: gone, still there, or hidden.

In the transaction that follows the snapshot, under the Team's lock.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from invites import bells, matching
from invites.departures.carry_out import ACTOR, gone_after
from invites.departures.closing import HIDDEN, close
from invites.models import Departure, SeatGrant
from invites.seats import moves, timing
from invites.states import SAID_MEMBER, DepartureReason, DepartureState, GrantState
from teampool.models import Member, Team
from teampool.snapshot import Person, Snapshot

# Invitations nobody accepted: their code becomes usable again. Freeing it takes the code's lock, which comes
# before the Team's, so it is done by the reconciler's row "open without a live grant".
FREES_CODE = (DepartureReason.WITHDRAWN, DepartureReason.RECLAIMED)
# These people need not be gone: they were to move, or their invitation was reclaimed and is accepted by now.
MAY_STAY = (DepartureReason.RESEATED, DepartureReason.RECLAIMED)


def confirm(
    *, team: Team, snapshot: Snapshot, people: list[Person], hidden: Collection[Person], now: datetime
) -> set[int]:
    """Close the departures this complete snapshot proves, and tell upstream again about those still there.

    A person who may be one of the hidden rows does not count as gone; after 15 minutes they are given up (`_give_up`).
    Returns the ids of the seats that ended.
    """
    ended: set[int] = set()
    told = team.departures.filter(state=DepartureState.OPEN, told_at__lte=snapshot.started_at - timing.ABSENT_AFTER)
    rows = matching.shown(people)
    for departure in told.select_related("grant__redemption"):
        if rows.of(departure.upstream_user_id, departure.email) is not None:
            Departure.objects.filter(pk=departure.pk, told_at=departure.told_at).update(told_at=None, due_at=now)
        elif departure.told_at is None or snapshot.started_at < departure.told_at + gone_after(departure):
            continue
        elif not _may_be_hidden(departure, hidden):
            _note_gone(departure, now)
        elif snapshot.started_at >= departure.told_at + timing.LEAVE_AFTER:
            _give_up(departure, now)
        if departure.grant is not None and not moves.is_live(departure.grant):
            ended.add(departure.grant.pk)
    return ended


def _may_be_hidden(departure: Departure, hidden: Collection[Person]) -> bool:
    if departure.upstream_user_id or not hidden:
        return False
    asked_at = _asked_in_at(departure)
    return any(may_be(row, asked_in_at=asked_at) for row in hidden)


def _asked_in_at(departure: Departure) -> datetime | None:
    """Since when this person may be in the Team, by our own first try there or by the invitation that was revoked."""
    grant = departure.grant
    if grant is None:
        said = departure.evidence.get("invited_at")
        return datetime.fromisoformat(said) if said else None
    tries = SeatGrant.objects.filter(team=departure.team_id, email=grant.email)
    since = [asked_in_at(one) for one in tries]
    known = [at for at in since if at is not None]
    return min(known) if len(known) == len(since) else None


def _give_up(departure: Departure, now: datetime) -> None:
    """We can neither remove nor identify this person because ChatGPT hides the e-mail.

    End the seat and count the hidden row as an outsider, so the Team is not overbooked. The code stays spent, because
    the person may be in. A seat that was to move, or whose person counted as absent, is kept.
    """
    if not close(departure, DepartureState.DROPPED, why=HIDDEN, now=now, actor=ACTOR):
        return
    grant = departure.grant
    if grant is not None and moves.is_live(grant) and departure.reason not in MAY_STAY:
        moves.leave_in(grant, reason=departure.reason, now=now, actor=ACTOR)
    bells.reconcile()  # a claim may wait for just this


def _note_gone(departure: Departure, now: datetime) -> None:
    if not close(departure, DepartureState.DONE, now=now, actor=ACTOR):
        return
    grant = departure.grant
    if grant is not None and moves.is_live(grant):
        # Taken out as a member, perhaps before any list of ours showed them as one.
        was_in = departure.evidence.get("saw") == Member.Kind.MEMBER
        _end_seat(grant, DepartureReason(departure.reason), now, was_in=was_in)
    bells.reconcile()  # a claim may wait for just this


def _end_seat(grant: SeatGrant, reason: DepartureReason, now: datetime, *, was_in: bool) -> None:
    """The person is out. A moved one goes on to a new try; a withdrawn or reclaimed code is freed by `reconcile`."""
    spends = grant.state == GrantState.JOINED or reason not in FREES_CODE
    to = GrantState.ENDED if spends else GrantState.CANCELLED
    moves.leave(grant, to, reason=reason, now=now, actor=ACTOR, was_in=was_in)
    if reason == DepartureReason.RESEATED:
        moves.next_try(redemption_id=grant.redemption_id)
    elif spends:
        moves.end(redemption_id=grant.redemption_id, reason=reason, now=now, actor=ACTOR)


# Rows whose e-mail upstream hides: which of our people each of them may be. Pure.


def may_be(row: Person, *, asked_in_at: datetime | None) -> bool:
    """False for a row that is older than this person's invitation; True where either time is not known."""
    return asked_in_at is None or row.since is None or row.since >= asked_in_at - timing.CLOCKS_DIFFER


def asked_in_at(grant: SeatGrant) -> datetime | None:
    """The earliest time the person of this seat can have come into its Team.

    None when they may have been there before they got the seat, for example when ChatGPT said "already a member".
    """
    return None if grant.ask_first or grant.reason == SAID_MEMBER else grant.created_at


def count_outsiders(hidden: Collection[Person], unlisted: Collection[SeatGrant]) -> int:
    """Hidden rows that cannot belong to any of our unlisted seats: they are outsiders.

    Each unlisted seat explains at most one hidden row.
    """
    possible = [row for row in hidden if any(may_be(row, asked_in_at=asked_in_at(grant)) for grant in unlisted)]
    return len(hidden) - min(len(possible), len(unlisted))

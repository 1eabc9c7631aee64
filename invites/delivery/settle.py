"""Write the result of a claim; each write filters by the claim's `attempts` (design §4).

`deciding.py` decides, this module writes. An answer is sent, certain no (and whose fault), or unknown (upstream §14.1).
`sends` counts sends without a certain answer: while there are any, the seat leaves its Team only after a revoke and 15
minutes of absence.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from base.actors import Actor
from invites import bells, locking
from invites.delivery.look import Look
from invites.departures import opening
from invites.models import Departure, Redemption, SeatGrant
from invites.seats import moves, seating, timing
from invites.states import GHOST, NO_PLACE, SAID_MEMBER, DepartureState, GrantState, Refusal
from notifications.audit import events
from teampool.models import SEATS_USED, Member, Team, placing
from teampool.teams import health
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Answer, Failure, Fault, Verdict

# Before a call


def renew_lease(grant: SeatGrant, *, now: datetime) -> bool:
    return SeatGrant.objects.write(grant, lease_until=now + timing.lease())


def about_to_send(grant: SeatGrant, *, now: datetime) -> bool:
    """Commit that a mail is about to be sent. A crash after this leaves an unknown, never a second Team.

    Also False while a Departure of this seat is open: the mail would arrive after its revoke.
    """
    if _is_leaving(grant):
        return False
    return SeatGrant.objects.write(grant, sends=grant.sends + 1, sent_at=now, lease_until=now + timing.lease())


def may_send_again(grant: SeatGrant, *, now: datetime) -> bool:
    """True when a refused send may be repeated with another token: renewing may have outlived the lease."""
    return not _is_leaving(grant) and renew_lease(grant, now=now)


def _is_leaving(grant: SeatGrant) -> bool:
    return Departure.objects.filter(grant=grant.pk, state=DepartureState.OPEN).exists()


def lacks_place(grant: SeatGrant, *, now: datetime, actor: Actor) -> bool:
    """True when the Team's people, this one included, do not fit in the seats known to be bought: the seat is given up.

    Under the Team's lock, so that of several who are sent at the same moment only so many go as there are too many.
    """
    if _has_place(grant, now):
        return False
    with transaction.atomic(durable=True):
        locking.lock_team(grant.team_id)
        if _has_place(grant, now):
            return False
        moves.leave(grant, GrantState.CANCELLED, reason=NO_PLACE, now=now, actor=actor)
    seating.reseat_or_refuse(redemption_id=grant.redemption_id, now=now, actor=actor)
    return True


def _has_place(grant: SeatGrant, now: datetime) -> bool:
    return Team.objects.filter(placing(now), pk=grant.team_id, seat_total__gte=SEATS_USED).exists()


# After an invite


def sent(grant: SeatGrant, answer: Answer, *, now: datetime, actor: Actor) -> bool:
    """Write the answer to an invite; True when it was sent, so the person is to be looked for."""
    if answer.verdict is Verdict.SENT:
        return _invited(grant, now, actor)
    if answer.verdict is Verdict.UNKNOWN:
        # Keep the seat: it may have worked. A person who is a member shows at once; an invite needs a moment.
        if answer.failure is Failure.ALREADY_MEMBER:
            _postpone(grant, now, reason=SAID_MEMBER)
        else:
            _postpone(grant, now + timing.step(timing.RETRIES, 0))
        return False
    _certain_no(grant, answer, now, actor)
    return False


def _invited(grant: SeatGrant, now: datetime, actor: Actor) -> bool:
    with transaction.atomic(durable=True):
        locking.lock_team(grant.team_id)
        if not moves.advance(grant, GrantState.INVITED, now=now, actor=actor, looks=0, leaving_since=None, leave_as=""):
            return False
        Team.objects.filter(pk=grant.team_id).update(last_invite_at=now)
    return True


def _certain_no(grant: SeatGrant, answer: Answer, now: datetime, actor: Actor) -> None:
    """This send did nothing. If an earlier send is unanswered, leave the Team by a revoke and absence."""
    failure = answer.failure or Failure.REFUSED_UNCLEAR
    sends = grant.sends - 1
    if answer.fault is Fault.NETWORK and failure is not Failure.UNKNOWN_401:
        _postpone(grant, now + timing.step(timing.RETRIES, grant.looks), sends=sends, looks=grant.looks + 1)
    elif sends > 0:
        _postpone(grant, now, sends=sends, leave_as=failure.value)
    else:
        if answer.fault is Fault.TEAM:
            bells.sync_team(grant.team_id)  # its lists tell whether the Team or the address is to blame
        left(grant, reason=failure.value, now=now, actor=actor)


def left(grant: SeatGrant, *, reason: str, now: datetime, actor: Actor) -> None:
    """Nobody was invited here: free the seat and continue in another Team; or refuse the address and free the code."""
    refusal = None
    if reason == Failure.EMAIL_REJECTED.value:  # no Team is to blame for the address
        refusal = Refusal.EMAIL_REFUSED
    elif reason == Refusal.OTHER_SEAT:
        bells.sync_team(grant.team_id)  # the next code of theirs is then refused at once
        refusal = Refusal.OTHER_SEAT if grant.redemption.try_number == 1 else None
    elif reason == GHOST:
        health.note_ghost(team_id=grant.team_id, now=now, actor=actor)
    with transaction.atomic(durable=True):
        if refusal is not None and grant.redemption.code_id is not None:
            locking.lock_code(grant.redemption.code_id)
        locking.lock_team(grant.team_id)
        if not moves.leave(grant, GrantState.CANCELLED, reason=reason, now=now, actor=actor):
            return
        if refusal is not None:
            moves.refuse(redemption_id=grant.redemption_id, refusal=refusal, now=now, actor=actor)
    if refusal is None:
        # In a transaction of its own. After a crash in between, `reconcile` continues.
        seating.reseat_or_refuse(redemption_id=grant.redemption_id, now=now, actor=actor)


# After a look


def found(grant: SeatGrant, seen: Look, *, now: datetime, actor: Actor) -> None:
    """Move the grant to the state its person has in the lists."""
    state = GrantState.JOINED if seen.found is Member.Kind.MEMBER else GrantState.VERIFIED
    if grant.state in (state, GrantState.JOINED):  # an accepted invite may still be listed: do not go back to VERIFIED
        if grant.absent_since is not None:
            SeatGrant.objects.write(grant, absent_since=None)
        look_again(grant, now=now)
        return
    due_at = None if state is GrantState.JOINED else now + timing.LOOKS_PENDING[0]
    with transaction.atomic(durable=True):
        locking.lock_team(grant.team_id)
        health.note_listed(grant.team)
        moves.advance(
            grant,
            state,
            now=now,
            actor=actor,
            lease_until=None,
            due_at=due_at,
            looks=0,
            unreadable_since=None,
            absent_since=None,
            upstream_user_id=seen.user_id or grant.upstream_user_id,
        )
        if due_at is not None:
            bells.deliver(at=due_at)


def revoked(grant: SeatGrant, answer: Answer, *, now: datetime) -> None:
    """A revoke answered with 2xx or 404 starts the 15 minutes of absence; else try again."""
    if answer.verdict is Verdict.SENT or answer.failure is Failure.NOT_FOUND_ITEM:
        _postpone(grant, now + timing.LEAVE_AFTER, leaving_since=now, leave_as=grant.leave_as or GHOST)
    else:
        look_again(grant, now=now)


def look_again(grant: SeatGrant, *, now: datetime) -> None:
    """The look proved nothing: look again, each time a bit later; after the last look the regular sync finds them."""
    is_listed = grant.state == GrantState.VERIFIED
    steps = timing.LOOKS_PENDING if is_listed else timing.LOOKS_UNSEEN
    if grant.state == GrantState.JOINED or (is_listed and grant.looks >= len(steps)):
        SeatGrant.objects.let_go(grant, due_at=None)
    else:
        _postpone(grant, now + timing.step(steps, grant.looks), looks=grant.looks + 1, unreadable_since=None)


def _postpone(grant: SeatGrant, until: datetime, **fields: Any) -> None:
    due_at = SeatGrant.objects.postpone(grant, until, **fields)
    if due_at is not None:
        bells.deliver(at=due_at)


# When nothing could be read


def given_up(grant: SeatGrant, *, now: datetime, actor: Actor) -> None:
    """Seat the person elsewhere, and leave a Departure that is carried out if this Team returns."""
    if opening.leave_dead_team(grant=grant, now=now, actor=actor):
        seating.reseat_or_refuse(redemption_id=grant.redemption_id, now=now, actor=actor)


def stranded(grant: SeatGrant, *, now: datetime) -> None:
    """A confirmed person in a lost Team: nothing is due; the operator's list shows them."""
    SeatGrant.objects.let_go(grant, due_at=None, unreadable_since=grant.unreadable_since or now)


def unread(grant: SeatGrant, error: UpstreamError, *, now: datetime) -> None:
    """The lists could not be read: try again after upstream's Retry-After, or after our own longer wait."""
    asked = min(error.retry_after or timing.RETRIES[0], health.LONGEST_COOLDOWN)
    wait = max(asked, timing.step(timing.RETRIES, grant.looks))
    _postpone(grant, now + wait, looks=grant.looks + 1, unreadable_since=grant.unreadable_since or now)


def again_later(grant: SeatGrant, *, now: datetime) -> None:
    """Our code raised: release the claim for a minute, so that a lasting fault does not spin.

    The grant may have another state by now. A JOINED grant is left alone: nothing is due for it.
    """
    mine = SeatGrant.objects.filter(pk=grant.pk, attempts=grant.attempts).exclude(state=GrantState.JOINED)
    mine.update(lease_until=None, due_at=now + timing.ABSENT_AFTER)


# Sending the mail again


def resent(grant: SeatGrant, *, was_sent: bool, now: datetime, actor: Actor) -> None:
    """Record a resend. If the person asked for it, count it, or show them that it failed."""
    asked = Redemption.objects.filter(pk=grant.redemption_id, resend_wanted_at__isnull=False)
    if was_sent:
        rows = asked.update(resends=F("resends") + 1, resent_at=now, resend_wanted_at=None, resend_failed_at=None)
    else:
        rows = asked.update(resend_failed_at=now, resend_wanted_at=None)
    if rows:
        grant.redemption.resend_wanted_at = None
    events.resend_done(subject=grant.subject, sent=was_sent, actor=actor)

"""What came of one claim, written down: each deed is fenced by the claim's `attempts` (design §4).

Sorted by upstream §14.1 into sent, certain no (whose fault), and unknown. "Unknown" is any grant
whose `sends` count something that was not answered: it leaves its Team only by a revoke and 15 minutes of absence.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from base.actors import Actor
from base.bells import ring
from invites.bells import ring_deliver_at
from invites.delivery.look import Look
from invites.departures import carry_out
from invites.models import Departure, RedeemCode, Redemption, SeatGrant
from invites.seats import moves, seating, timing
from invites.states import DepartureState, GrantState, Refusal
from notifications.audit import events
from teampool.models import Member, Team
from teampool.teams import health
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Answer, Failure, Fault, Verdict

GHOST = "never_listed"
# Upstream says the person is in: then this Team is not left, even when its lists hide them; a person is told.
SAID_MEMBER = "said_member"


def _mine(grant: SeatGrant) -> Q:
    return Q(pk=grant.pk, state=grant.state, attempts=grant.attempts)


def _write(grant: SeatGrant, **fields: Any) -> bool:
    """One counted update of a grant still ours. False: a later claim or a snapshot moved it on."""
    if SeatGrant.objects.filter(_mine(grant)).update(**fields) != 1:
        return False
    for name, value in fields.items():
        setattr(grant, name, value)
    return True


# Before a call


def renew_lease(grant: SeatGrant, *, now: datetime) -> bool:
    return _write(grant, lease_until=now + timing.lease())


def about_to_send(grant: SeatGrant, *, now: datetime) -> bool:
    """Commit that a mail is about to be asked for. A crash after this leaves an unknown, never a second Team.

    False also for somebody who is to leave: what is sent now would arrive behind the revoke.
    """
    if Departure.objects.filter(grant=grant.pk, state=DepartureState.OPEN).exists():
        return False
    return _write(grant, sends=grant.sends + 1, sent_at=now, lease_until=now + timing.lease())


# After an invite


def sent(grant: SeatGrant, answer: Answer, *, now: datetime, actor: Actor) -> bool:
    """Settle the answer to an invite; True when it was sent and is to be looked for."""
    if answer.verdict is Verdict.SENT:
        return _invited(grant, now, actor)
    if answer.verdict is Verdict.UNKNOWN:
        # Keep the seat: it may still have worked. A person already there shows at once, the rest needs a moment.
        if answer.failure is Failure.ALREADY_MEMBER:
            _postpone(grant, now, reason=SAID_MEMBER)
        else:
            _postpone(grant, now + timing.step(timing.RETRIES, 0))
        return False
    _certain_no(grant, answer, now, actor)
    return False


def _invited(grant: SeatGrant, now: datetime, actor: Actor) -> bool:
    with transaction.atomic(durable=True):
        moves.lock_team(grant.team_id)
        if not moves.advance(grant, GrantState.INVITED, now=now, actor=actor, looks=0, leaving_since=None, leave_as=""):
            return False
        Team.objects.filter(pk=grant.team_id).update(last_invite_at=now)
    return True


def _certain_no(grant: SeatGrant, answer: Answer, now: datetime, actor: Actor) -> None:
    """This send did nothing. With an earlier one unanswered, the Team is left the careful way."""
    failure = answer.failure or Failure.REFUSED_UNCLEAR
    sends = grant.sends - 1
    if answer.fault is Fault.NETWORK and failure is not Failure.UNKNOWN_401:
        _postpone(grant, now + timing.step(timing.RETRIES, grant.looks), sends=sends, looks=grant.looks + 1)
    elif sends > 0:
        _postpone(grant, now, sends=sends, leave_as=failure.value)
    elif failure is Failure.EMAIL_REJECTED:
        _refuse(grant, Refusal.EMAIL_REFUSED, failure.value, now, actor)
    else:
        if answer.fault is Fault.TEAM:
            ring("invites.tasks.sync_team", grant.team_id)  # was it the Team, or only this address? its lists tell
        _fail_over(grant, failure.value, now, actor)


def _refuse(grant: SeatGrant, refusal: Refusal, reason: str, now: datetime, actor: Actor) -> None:
    """The address itself is refused: seat and code come back, and no Team is blamed."""
    with transaction.atomic(durable=True):
        code_id = grant.redemption.code_id
        if code_id is not None:  # lock order: code first
            RedeemCode.objects.select_for_update(of=("self",)).get(pk=code_id)
        moves.lock_team(grant.team_id)
        if moves.leave(grant, GrantState.CANCELLED, reason=reason, now=now, actor=actor):
            moves.refuse(redemption_id=grant.redemption_id, refusal=refusal, now=now, actor=actor)


def _fail_over(grant: SeatGrant, reason: str, now: datetime, actor: Actor) -> None:
    """Two transactions: cancel here, then take elsewhere. A crash between them is a row of the reconciler."""
    with transaction.atomic(durable=True):
        moves.lock_team(grant.team_id)
        if not moves.leave(grant, GrantState.CANCELLED, reason=reason, now=now, actor=actor):
            return
    seating.reseat_or_refuse(redemption_id=grant.redemption_id, now=now, actor=actor)


# After a look


def found(grant: SeatGrant, seen: Look, *, now: datetime, actor: Actor) -> bool:
    """Move the grant to what the lists show; False when they do not show the person.

    A pending invite that was just revoked does not count: lists lag.
    """
    if seen.found is None or (seen.found is Member.Kind.INVITE and grant.leaving_since is not None):
        return False
    state = GrantState.JOINED if seen.found is Member.Kind.MEMBER else GrantState.VERIFIED
    if grant.state in (state, GrantState.JOINED):  # an accepted invite may linger: nobody falls back to it
        if grant.absent_since is not None:
            _write(grant, absent_since=None)
        look_again(grant, now=now)
        return True
    due_at = None if state is GrantState.JOINED else now + timing.LOOKS_PENDING[0]
    with transaction.atomic(durable=True):
        moves.lock_team(grant.team_id)
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
            ring_deliver_at(due_at)
    return True


def _is_absent(grant: SeatGrant, seen: Look) -> bool:
    """Proof that nothing of what was sent arrived: complete lists, started long enough after the last send."""
    if not seen.is_complete or seen.found is not None:
        return False
    return grant.sent_at is None or grant.sends == 0 or seen.started_at >= grant.sent_at + timing.ABSENT_AFTER


def may_send(grant: SeatGrant, seen: Look, *, now: datetime) -> bool:
    """True when the person is proved absent and this Team may be asked (once more)."""
    if grant.leaving_since is not None or grant.leave_as or grant.sends >= timing.MOST_SENDS:
        return False
    if grant.reason == SAID_MEMBER:
        return False
    return _is_absent(grant, seen)


def must_revoke(grant: SeatGrant, seen: Look, *, now: datetime) -> bool:
    """True when leaving has begun, or begins, and upstream may still hold the invite."""
    if grant.leaving_since is not None:
        is_still_there = seen.found is Member.Kind.INVITE
        return is_still_there and seen.started_at >= grant.leaving_since + timing.ABSENT_AFTER
    if grant.reason == SAID_MEMBER or (not grant.leave_as and grant.sends < timing.MOST_SENDS):
        return False
    return _is_absent(grant, seen)


def revoked(grant: SeatGrant, answer: Answer, *, now: datetime) -> None:
    """A revoke answered 2xx or 404 starts the 15 minutes; anything else is tried again."""
    if answer.verdict is Verdict.SENT or answer.failure is Failure.NOT_FOUND_ITEM:
        _postpone(grant, now + timing.LEAVE_AFTER, leaving_since=now, leave_as=grant.leave_as or GHOST)
    else:
        look_again(grant, now=now)


def may_leave(grant: SeatGrant, seen: Look, *, now: datetime) -> bool:
    """True when revoked, and absent from a complete list 15 minutes later."""
    if grant.leaving_since is None or not seen.is_complete or seen.found is not None:
        return False
    return seen.started_at >= grant.leaving_since + timing.LEAVE_AFTER


def left(grant: SeatGrant, *, now: datetime, actor: Actor) -> None:
    """Nobody was invited here: give the seat back and go on elsewhere, or refuse the address."""
    if grant.leave_as == Failure.EMAIL_REJECTED.value:
        _refuse(grant, Refusal.EMAIL_REFUSED, grant.leave_as, now, actor)
        return
    if grant.leave_as == GHOST:
        health.note_ghost(team_id=grant.team_id, now=now, actor=actor)
    _fail_over(grant, grant.leave_as, now, actor)


def look_again(grant: SeatGrant, *, now: datetime) -> None:
    """Not settled by this look: come back after a while that grows."""
    if grant.state == GrantState.JOINED:
        _write(grant, lease_until=None, due_at=None)
        return
    if grant.state == GrantState.VERIFIED:
        steps = timing.LOOKS_PENDING
        if grant.looks >= len(steps):
            _write(grant, lease_until=None, due_at=None)  # from here on the regular sync tells
            return
    else:
        steps = timing.LOOKS_UNSEEN
    _postpone(grant, now + timing.step(steps, grant.looks), looks=grant.looks + 1, unreadable_since=None)


def _postpone(grant: SeatGrant, until: datetime, **fields: Any) -> None:
    """Let go of the claim until then, or until the Team has cooled down."""
    cooldown = Team.objects.values_list("cooldown_until", flat=True).get(pk=grant.team_id)
    due_at = max(until, cooldown) if cooldown is not None else until
    if _write(grant, lease_until=None, due_at=due_at, **fields):
        ring_deliver_at(due_at)


# When nothing could be read


def unreadable(grant: SeatGrant, error: UpstreamError, *, now: datetime, actor: Actor) -> None:
    """The lists could not be read. In a lost Team, or after 24 hours, an unconfirmed seat moves elsewhere."""
    team = Team.objects.get(pk=grant.team_id)
    since = grant.unreadable_since or now
    is_unconfirmed = grant.state in (GrantState.INVITING, GrantState.INVITED)
    if is_unconfirmed and (team.is_lost or now - since >= timing.UNREADABLE_AFTER):
        if carry_out.leave_dead_team(grant=grant, now=now, actor=actor):
            seating.reseat_or_refuse(redemption_id=grant.redemption_id, now=now, actor=actor)
        return
    if not is_unconfirmed and team.is_lost:
        _write(grant, lease_until=None, due_at=None, unreadable_since=since)  # its people are listed for the operator
        return
    asked = min(error.retry_after or timing.RETRIES[0], health.LONGEST_COOLDOWN)
    wait = max(asked, timing.step(timing.RETRIES, grant.looks))
    _postpone(grant, now + wait, looks=grant.looks + 1, unreadable_since=since)


def again_later(grant: SeatGrant, *, now: datetime) -> None:
    """Something of ours broke: let go of the claim, with a pause so that it does not spin.

    Whatever state the broken deed left it in, but for a person a snapshot showed to be in: nothing is due for them.
    """
    mine = SeatGrant.objects.filter(pk=grant.pk, attempts=grant.attempts).exclude(state=GrantState.JOINED)
    mine.update(lease_until=None, due_at=now + timing.ABSENT_AFTER)


# Sending the mail again


def is_unseen_too_long(grant: SeatGrant, *, now: datetime) -> bool:
    """Invited but never listed: after 30 minutes the mail is sent once more."""
    if grant.state != GrantState.INVITED or grant.invited_at is None or grant.sent_at is None:
        return False
    is_late = grant.invited_at + timing.RESEND_UNSEEN_AFTER
    return grant.sent_at < is_late <= now


def resent(grant: SeatGrant, *, was_sent: bool, now: datetime, actor: Actor) -> None:
    """Write down a resend; one that a person asked for is counted, or told as failed."""
    asked = Redemption.objects.filter(pk=grant.redemption_id, resend_wanted_at__isnull=False)
    if was_sent:
        rows = asked.update(resends=F("resends") + 1, resent_at=now, resend_wanted_at=None, resend_failed_at=None)
    else:
        rows = asked.update(resend_failed_at=now, resend_wanted_at=None)
    if rows:
        grant.redemption.resend_wanted_at = None
    events.resend_done(subject=grant.subject, sent=was_sent, actor=actor)

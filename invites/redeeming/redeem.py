"""Redeem a code: database only, exactly once, safe beside everything else (design §3–§4).

Lock order: the code, then the one Team that knows the e-mail, then redemption and grant.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from base.actors import Actor
from invites import bells, locking
from invites.codes import codes, uses
from invites.departures import opening
from invites.models import RedeemCode, Redemption, SeatGrant
from invites.redeeming import errors, presence, throttle
from invites.redeeming.emails import read_email
from invites.redeeming.presence import Presence
from invites.seats import moves, seating
from invites.settings import IS_OPEN
from invites.states import BEFORE_INVITED, DepartureReason, GrantState, RedemptionState
from notifications.audit import events
from teampool.pool import seats


@dataclass(frozen=True, slots=True)
class Claim:
    """A submitted form with a valid e-mail and a known code, past the throttle."""

    email: str
    code: RedeemCode
    ip: str
    language: str
    now: datetime

    @property
    def actor(self) -> Actor:
        return Actor("user", self.email, self.ip)


def redeem(*, email: str, code: str, ip: str = "", language: str = "zh-hans") -> Redemption:
    """Claim a seat for `email` with `code`; return the Redemption.

    The same pair leads to the same Redemption, unless that was refused. Raises RedeemError and then takes nothing.
    Checks in this order: throttle, e-mail, code, pool.
    """
    now = timezone.now()
    try:
        address = read_email(email)
    except errors.EmailInvalid:
        throttle.check(ip=ip, email="", now=now)
        raise
    throttle.check(ip=ip, email=address, now=now)
    typed = codes.normalise(code)
    adopts = True
    for _attempt in range(4):
        try:
            redemption = _redeem_once(typed, address, ip, language, now, adopts=adopts)
        except IntegrityError:
            continue  # the same person was faster with another code: look again
        except _NotCounted:
            adopts = False
            continue
        except _Moved:
            continue
        except _OverdueInDeadTeam as found:
            opening.leave_dead_team(grant=found.grant, now=now, actor=Actor("job", "redeem"))
            continue
        if redemption.state == RedemptionState.ALREADY and redemption.seated_by_id is not None:
            _leave_dead_team(redemption.seated_by_id, now)
        return redemption
    raise errors.NoSeat


class _OverdueInDeadTeam(Exception):
    """The person must first leave a lost Team, in a transaction of its own: none touches two Teams."""

    def __init__(self, grant: SeatGrant) -> None:
        self.grant = grant


class _NotCounted(Exception):
    """The last snapshot no longer counts this stranger: seat them like a new person, without locking that Team."""


class _Moved(Exception):
    """When we had locked the person's Team, they were no longer known there: start again."""


def _redeem_once(typed: str, address: str, ip: str, language: str, now: datetime, *, adopts: bool) -> Redemption:
    is_open = IS_OPEN.get()
    with transaction.atomic(durable=True):
        code = locking.locked_code(typed)
        if code is None:
            raise errors.CodeUnknown
        claim = Claim(address, code, ip, language, now)
        is_known = presence.is_known(address)
        earlier = _earlier(claim) if is_known else None
        if earlier is not None:
            return earlier
        _check_code(claim)
        if not is_open:
            raise errors.Paused
        if not is_known:
            return _seat(claim, barred=frozenset())
        there = presence.of(address, now=now)
        is_elsewhere = there.is_stranger and (not adopts or code.team_id not in (None, there.team_id))
        if is_elsewhere:
            there = Presence()  # no adoption: do not lock their Team
        elif there.team_id is not None:
            locking.lock_team(there.team_id)
            locked_id, there = there.team_id, presence.of(address, now=now)  # only what is true under the lock counts
            if there.team_id != locked_id and not there.is_by_right:
                raise _Moved
        return _settle_presence(claim, there)


def _earlier(claim: Claim) -> Redemption | None:
    """The Redemption this pair already made: one that holds the code, or an "already seated" that is still true."""
    rows = claim.code.redemptions.filter(email=claim.email)
    held = rows.filter(state__in=(RedemptionState.OPEN, RedemptionState.ENDED)).first()
    if held is not None:
        return held
    already = rows.filter(state=RedemptionState.ALREADY).select_related("seated_by").first()
    if already is None:
        return None
    there = presence.of(claim.email, now=claim.now)
    # If the seat it names has ended, or another claim seats the person now, answer anew.
    is_true = there.is_by_right and already.seated_by_id == (there.seat.pk if there.seat else None)
    return already if is_true else None


def _check_code(claim: Claim) -> None:
    code = claim.code
    # A code bound to an archived Team would wait for a seat there for ever.
    if code.voided_at is not None or (code.team is not None and code.team.archived_at is not None):
        raise errors.CodeVoid
    if code.uses_held >= code.max_uses:
        raise errors.CodeUsed
    if code.redeem_until is not None and code.redeem_until <= claim.now:
        raise errors.CodeExpired


def _settle_presence(claim: Claim, there: Presence) -> Redemption:
    if there.is_by_right:
        return _answer_already(claim, there)
    if there.is_in_other_seat:
        raise errors.OtherSeat
    if there.overdue is not None:
        return _follow_overdue(claim, there.overdue, is_leaving=there.is_leaving)
    if there.is_leaving:
        return _open(claim, waits=True)  # until the departure is done
    if there.is_stranger and there.team_id is not None:
        return _adopt(claim, there.team_id)
    return _seat(claim)


def _seat(claim: Claim, *, barred: Collection[int] | None = None) -> Redemption:
    """Open the claim and take a seat. Raises NoSeat, which rolls back: the code is not used."""
    redemption = _open(claim)
    if seating.take_seat(redemption, now=claim.now, actor=claim.actor, barred=barred) is None:
        raise errors.NoSeat
    return redemption


def _open(claim: Claim, *, waits: bool = False) -> Redemption:
    """Use the code and write the open Redemption. Raises CodeUsed when another redemption was faster.

    With `waits` it gets no seat now: somebody has to leave first.
    """
    if not uses.use(code_id=claim.code.pk, now=claim.now):
        raise errors.CodeUsed
    redemption = _create(claim, RedemptionState.OPEN, is_waiting=waits)
    events.redemption_moved(subject=redemption.subject, state="opened", actor=claim.actor)
    return redemption


def _create(
    claim: Claim, state: RedemptionState, *, seated_by: Redemption | None = None, is_waiting: bool = False
) -> Redemption:
    return Redemption.objects.create(
        public_id=codes.draw_reference(),
        email=claim.email,
        code=claim.code,
        state=state,
        seated_by=seated_by,
        is_waiting=is_waiting,
        bound_team_id=claim.code.team_id,
        seat_time=claim.code.seat_time,
        language=claim.language,
        ip=claim.ip,
        created_at=claim.now,
        settled_at=None if state == RedemptionState.OPEN else claim.now,
    )


def _answer_already(claim: Claim, there: Presence) -> Redemption:
    """The e-mail is in by right: send nothing, do not use the code."""
    redemption = _create(claim, RedemptionState.ALREADY, seated_by=there.seat)
    events.redemption_moved(subject=redemption.subject, state="already", actor=claim.actor)
    return redemption


def _adopt(claim: Claim, team_id: int) -> Redemption:
    """A stranger with a good code keeps the seat they sit in; `deliver` checks the lists before it counts."""
    if not seats.hold_for_outsider(team_id=team_id, email=claim.email):
        raise _NotCounted
    redemption = _open(claim)
    seating.open_grant(redemption, team_id=team_id, now=claim.now, actor=claim.actor, ask_first=True)
    return redemption


def _follow_overdue(claim: Claim, old: SeatGrant, *, is_leaving: bool) -> Redemption:
    """A person whose time is over brings a new code: end the old claim, continue the seat under the new claim.

    If a departure is under way, or the code is bound to another Team, the new claim waits until they have left. If
    the last list does not show them any more, they have: the new claim is given a seat by the next `reconcile`.
    """
    if old.team.is_lost:
        raise _OverdueInDeadTeam(old)
    moves.end(redemption_id=old.redemption_id, reason="time_over", now=claim.now, actor=claim.actor)
    if is_leaving:
        return _open(claim, waits=True)
    if old.state == GrantState.JOINED and old.absent_since is not None:
        moves.leave(old, GrantState.ENDED, reason="left", now=claim.now, actor=claim.actor, was_in=True)
        bells.reconcile()
        return _open(claim, waits=True)
    if claim.code.team_id not in (None, old.team_id):
        opening.open_departure(grant=old, reason=DepartureReason.OVERDUE, now=claim.now, actor=claim.actor)
        return _open(claim, waits=True)
    old_state = GrantState(old.state)
    moves.leave(old, GrantState.ENDED, reason="renewed", now=claim.now, actor=claim.actor, frees_seat=False)
    redemption = _open(claim)
    grant = seating.open_grant(redemption, team_id=old.team_id, now=claim.now, actor=claim.actor, ask_first=True)
    if old_state in BEFORE_INVITED:
        return redemption  # `deliver` asks the lists and continues from there
    moves.advance(
        grant, old_state, now=claim.now, actor=claim.actor, upstream_user_id=old.upstream_user_id, invited_at=claim.now
    )
    return redemption


def _leave_dead_team(redemption_id: int, now: datetime) -> None:
    """The seat of an "already" answer is in a lost Team: seat the person elsewhere, under the claim they have."""
    actor = Actor("job", "redeem")
    grant = SeatGrant.objects.live().filter(redemption_id=redemption_id).select_related("team").first()
    if grant is not None and grant.team.is_lost:
        opening.leave_dead_team(grant=grant, now=now, actor=actor)
        seating.reseat_or_refuse(redemption_id=redemption_id, now=now, actor=actor)

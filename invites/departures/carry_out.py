"""Tells upstream who is to leave a Team: an open departure is claimed, looked at once more, said, and written down.

Owners, admins and the credential's own user are never touched.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TypeGuard

from django.db import transaction
from django.utils import timezone

from base.actors import Actor
from invites import bells, locking, matching
from invites.departures import window
from invites.departures.closing import (
    ACCEPTED,
    NOT_PERMITTED,
    OTHER_SEAT,
    OUT_OF_HOURS,
    PROTECTED,
    SPENT,
    let_stay,
)
from invites.departures.opening import UNTIL
from invites.departures.rights import why_stay
from invites.models import Departure, SeatGrant
from invites.seats import moves, timing
from invites.settings import REMOVALS_PAUSED
from invites.states import DepartureReason, GrantState
from notifications.audit import events
from teampool.access import Access
from teampool.models import Member, Owner
from teampool.snapshot import Person, fetch_lists
from teampool.stored_snapshot import why_untrusted
from teampool.upstream.client import Upstream
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import MANAGER_ROLES, Answer, Failure, RemovalNotice, Verdict

log = logging.getLogger(__name__)
ACTOR = Actor("job", "depart")
DEAD_TEAM_AGAIN = timedelta(hours=1)
# Why a departure waits, in our own words, as `last_problem` holds it.
UNAVAILABLE = "Team unavailable"
PAUSED = "removals are paused"


def carry_out(*, departure_id: int) -> bool:
    """Tell upstream, once, what this open departure says. False: not due, taken by another worker, or postponed."""
    now = timezone.now()
    departure = _claim(departure_id, now)
    if departure is None:
        return False
    if _is_out_of_hours(departure, now):
        return _let_stay(departure, OUT_OF_HOURS, now)
    if (later := _not_now(departure, now)) is not None:
        _postpone(departure, *later)
        return False
    team, counted_before = departure.team, departure.removed_at
    try:
        with Access(team, actor=ACTOR) as access:
            snapshot = access.ask(fetch_lists, is_look=True)
            people = matching.shown(snapshot.people(team.owner))
            person = people.of(departure.upstream_user_id, departure.email)
            doubt = why_untrusted(team, snapshot) or snapshot.problem  # every incomplete snapshot has a problem
            if doubt and (person is None or departure.is_automatic or not snapshot.names_roles):
                raise UpstreamError(Failure.PROTOCOL_ERROR, text=doubt)
            if person is not None and (person.role in MANAGER_ROLES or _is_login(person)):
                return _let_stay(departure, PROTECTED, now)
            # An invitation of ours can be revoked, whatever its seat was switched to.
            is_ours = departure.grant is not None and person is not None and person.kind == Member.Kind.INVITE
            if person is not None and not person.takes_place and not is_ours:
                return _let_stay(departure, OTHER_SEAT, now)
            if departure.reason == DepartureReason.RECLAIMED and person and person.kind == Member.Kind.MEMBER:
                bells.sync_team(departure.team_id)
                return _let_stay(departure, ACCEPTED, now)
            if not _last_look(departure, person, now):
                return False
            if person is None and not _may_be_on_its_way(departure):
                return _note_told(departure, None, now)
            # A refusal of a log-in that is a mere member says nothing about this person: the Team waits for its role.
            has_role = snapshot.is_administered_by(team.owner)
            answer = access.ask(lambda upstream: _tell(upstream, person, departure), about_a_person=has_role)
    except UpstreamError as error:
        _postpone(departure, now + timing.step(timing.RETRIES, departure.attempts), error.text or error.failure.value)
        return False
    if answer.verdict is Verdict.NO:
        # This call removed nobody; an earlier call without an answer may have, and goes on counting.
        Departure.objects.write(departure, removed_at=counted_before)
    if answer.verdict is not Verdict.SENT and answer.failure is not Failure.NOT_FOUND_ITEM:
        if answer.failure is Failure.PERMISSION_DENIED and has_role:
            return _let_stay(departure, NOT_PERMITTED, now)
        if answer.failure is Failure.PERMISSION_DENIED:
            _postpone(departure, now + DEAD_TEAM_AGAIN, UNAVAILABLE)
            return False
        _try_again(departure, answer.failure or Failure.PROTOCOL_ERROR, now)
        return False
    is_sent = answer.verdict is Verdict.SENT
    saw = person if _is_member(person) or is_sent else None
    notice = answer.notice or RemovalNotice() if _is_member(person) and is_sent else None
    return _note_told(departure, saw, now, notice)


def _is_login(person: Person) -> bool:
    """The user of a log-in of ours, whichever Team it leads."""
    return Owner.objects.filter(matching.any_of([person.upstream_id], [person.email])).exists()


def _is_out_of_hours(departure: Departure, now: datetime) -> bool:
    until = departure.evidence.get(UNTIL, "") if departure.is_automatic else ""
    return bool(until) and datetime.fromisoformat(until) <= now


def _not_now(departure: Departure, now: datetime) -> tuple[datetime, str] | None:
    """When to try again and why, if ChatGPT must not be asked now; None when it may be."""
    team = departure.team
    if REMOVALS_PAUSED.get():
        return now + timing.PAUSED_AGAIN, PAUSED
    if team.is_lost:
        return now + DEAD_TEAM_AGAIN, UNAVAILABLE
    if team.cooldown_until is not None and team.cooldown_until > now:
        return team.cooldown_until, ""
    if departure.grant is not None and _is_busy(departure.grant, now):
        return now + timing.RETRIES_BUSY[0], ""
    return None


def _is_member(person: Person | None) -> TypeGuard[Person]:
    return person is not None and person.kind == Member.Kind.MEMBER


def _tell(upstream: Upstream, person: Person | None, departure: Departure) -> Answer:
    if _is_member(person):
        return upstream.remove(person.upstream_id)
    return upstream.revoke((person.email if person else "") or departure.email)


def _may_be_on_its_way(departure: Departure) -> bool:
    """True for an invitation we sent that no list shows: it is revoked all the same, or it would turn up later."""
    grant = departure.grant
    if grant is None:
        return False
    is_sent = grant.state in (GrantState.INVITED, GrantState.VERIFIED)
    return is_sent or (grant.state == GrantState.INVITING and grant.sends > 0)


def _is_busy(grant: SeatGrant, now: datetime) -> bool:
    """True while a worker may be sending this invitation: revoked before it arrives, it would stay."""
    return moves.is_live(grant) and grant.lease_until is not None and grant.lease_until > now


def _try_again(departure: Departure, failure: Failure, now: datetime) -> None:
    """Postpone; a Team that was busy is asked again within seconds, three times."""
    if failure is Failure.CONFLICT_BUSY and departure.attempts <= len(timing.RETRIES_BUSY):
        due_at = _postpone(departure, now + timing.RETRIES_BUSY[departure.attempts - 1], failure.value)
        if due_at is not None:
            bells.carry_out(departure.pk, at=due_at)
    else:
        _postpone(departure, now + timing.step(timing.RETRIES, departure.attempts), failure.value)


def _claim(departure_id: int, now: datetime) -> Departure | None:
    due = Departure.objects.due(now).select_related("team__owner", "grant__redemption")
    departure = due.filter(pk=departure_id).first()
    if departure is None or not Departure.objects.claim(departure, now=now, until=now + timing.lease()):
        return None  # it is not due, or another worker has it
    return departure


def _last_look(departure: Departure, person: Person | None, now: datetime) -> bool:
    """The last check before the call: drop the departure if the person has a right to be in the Team by now.

    A member's removal is counted here, under the Team's lock, so that two workers cannot both take the last one.
    """
    with transaction.atomic(durable=True):
        locking.lock_team(departure.team_id)
        why = why_stay(departure, now, person)
        if not why and _is_member(person) and window.is_spent(departure, now):
            why = SPENT
        if why:
            let_stay(departure, why, now=now, actor=ACTOR)
            return False
        counted = {"removed_at": now} if _is_member(person) else {}
        return Departure.objects.write(departure, lease_until=now + timing.lease(), **counted)


def _let_stay(departure: Departure, why: str, now: datetime) -> bool:
    """Always False: upstream is told nothing."""
    with transaction.atomic(durable=True):
        locking.lock_team(departure.team_id)
        let_stay(departure, why, now=now, actor=ACTOR)
    return False


def _postpone(departure: Departure, until: datetime, problem: str) -> datetime | None:
    return Departure.objects.postpone(departure, until, last_problem=problem[:200])


def _note_told(departure: Departure, saw: Person | None, now: datetime, notice: RemovalNotice | None = None) -> bool:
    """`saw`: the member the call removed, or the listed invitation it revoked; None when there was neither.

    `notice`: what a removal costs; an empty one says nothing and keeps what an earlier answer said.
    """
    facts = notice.facts() if notice is not None else {}
    kept = asdict(notice) if notice is not None and notice != RemovalNotice() else {}
    departure.evidence |= {"saw": saw.kind.value if saw is not None else ""}
    if saw is not None and saw.kind == Member.Kind.INVITE and saw.since is not None:
        departure.evidence["invited_at"] = saw.since.isoformat()
    with transaction.atomic():
        was_mine = Departure.objects.let_go(
            departure, told_at=now, due_at=None, last_problem="", evidence=departure.evidence, **kept
        )
        if was_mine:
            subject, why = departure.subject, {"why": facts} if facts else None
            events.departure_moved(subject=subject, state="told", reason=departure.reason, actor=ACTOR, details=why)
            if facts.get("costs"):
                events.removal_costs(subject=subject, team=str(departure.team), notice=facts)
            for wait in {timing.ABSENT_AFTER, gone_after(departure)}:
                bells.sync_team(departure.team_id, at=now + wait)
    return was_mine


def gone_after(departure: Departure) -> timedelta:
    """How long after the call a list has to begin to prove that this person is out.

    Nobody there to take out may also be somebody who just accepted: in neither list for a while (upstream §6).
    """
    was_seen = departure.evidence.get("saw") or departure.upstream_user_id
    is_in = departure.grant is not None and departure.grant.state == GrantState.JOINED
    return timing.ABSENT_AFTER if was_seen or is_in else timing.LEAVE_AFTER

"""Findings from one sweep to the next, and what an operator decides about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from base.actors import Actor
from base.transactions import require_transaction
from guardian.models import Finding
from guardian.rules.rules import Candidate, Found
from guardian.rules.states import NEEDS_CARE, OF_A_PERSON, ONLY_REPORTED, STANDING, UNDECIDED, Kind, State
from guardian.rules.still_possible import Shown
from invites.actions import outsiders
from invites.actions.seat import Refused
from invites.departures.closing import NOT_PERMITTED, OTHER_SEAT, PROTECTED, SPENT
from invites.matching import Listed
from invites.models import Departure
from invites.states import DepartureState
from notifications.audit import events
from teampool.models import Team

_CHANGES = (
    "kind",
    "email",
    "upstream_id",
    "is_invite",
    "grant",
    "last_seen_at",
    "sightings",
    "evidence",
    "state",
    "departure",
    "decided_by",
    "problem",
    "closed_at",
)
# What stands, by Team, kind and e-mail.
_Key = tuple[int, str, str]
# ChatGPT or our own rules refuse such a removal: it is not tried again before an operator has looked.
_FOR_GOOD = (PROTECTED, NOT_PERMITTED, OTHER_SEAT)


def note(
    *, found: Sequence[Found], looked_at: Mapping[int, datetime], shown: Mapping[int, Shown], now: datetime
) -> int:
    """Bring the standing findings of these Teams in line with what was found; the number of new ones.

    `looked_at`: when each Team's list was begun. A list counts as one sighting however often it is judged.
    `shown`: everybody the lists show. A dismissed finding stands while its person may still be there.
    """
    with transaction.atomic():  # an operator's decision at this moment waits for it, and is not overwritten
        return _note(found, looked_at, shown, now)


def _note(found: Sequence[Found], looked_at: Mapping[int, datetime], shown: Mapping[int, Shown], now: datetime) -> int:
    require_transaction()
    rows = Finding.objects.standing().filter(team__in=looked_at).select_related("departure").order_by("pk")
    standing: dict[_Key, Finding] = {
        (one.team_id, one.kind, one.email): one for one in rows.select_for_update(of=("self",), no_key=True)
    }
    left_be = _left_be(standing)
    fresh: list[Finding] = []
    changed: list[Finding] = []
    keys: set[_Key] = set()
    for one in found:
        key = (one.team_id, one.kind, one.email)
        if key in keys:
            continue  # an address the list shows twice
        keys.add(key)
        old = standing.pop(key, None) or _carried_over(one, standing, left_be)
        at = looked_at[one.team_id]
        if old is None or _came_back(old, at, now):
            fresh.append(_new(one, at))
            changed += [old] if old is not None else []
        elif _see_again(old, one, at):
            changed.append(old)
    for old in standing.values():
        is_left_be = old.state == State.DISMISSED and shown[old.team_id].may_hold(old.kind, old.email, old.upstream_id)
        if not is_left_be and _close(old, looked_at[old.team_id], now):
            changed.append(old)
    Finding.objects.bulk_update(
        changed,
        _CHANGES,
        batch_size=200,
    )
    # Two sweeps never run at once; should a finding exist all the same, keep it rather than fail.
    Finding.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=500)
    return len(fresh)


def _left_be(standing: Mapping[_Key, Finding]) -> dict[int, Listed[_Key]]:
    """The dismissed findings about listed people, by Team; to be looked up by user id or e-mail."""
    found = defaultdict(list)
    for key, one in standing.items():
        if one.state == State.DISMISSED and one.kind in OF_A_PERSON:
            found[one.team_id].append((one.upstream_id, one.email, key))
    return {team_id: Listed(people) for team_id, people in found.items()}


def _carried_over(one: Found, standing: dict[_Key, Finding], left_be: dict[int, Listed[_Key]]) -> Finding | None:
    """The dismissed finding about the same person, of any kind, that `one` continues; None when there is none."""
    if one.kind not in OF_A_PERSON or one.team_id not in left_be:
        return None
    for key in left_be[one.team_id].all_of(one.upstream_id, one.email):
        if (old := standing.pop(key, None)) is not None:
            old.kind, old.email = one.kind, one.email
            return old
    return None


def _new(one: Found, at: datetime) -> Finding:
    return Finding(
        team_id=one.team_id,
        kind=one.kind,
        email=one.email,
        upstream_id=one.upstream_id,
        is_invite=one.is_invite,
        grant_id=one.seat_id,
        first_seen_at=at,
        last_seen_at=at,
        evidence=one.evidence,
    )


def _see_again(old: Finding, one: Found, at: datetime) -> bool:
    if at <= old.last_seen_at:
        return False  # the same list, judged once more after an interruption
    old.sightings += 1
    old.last_seen_at = at
    old.upstream_id, old.is_invite, old.grant_id = one.upstream_id, one.is_invite, one.seat_id
    old.evidence = one.evidence
    if old.state == State.REMOVING:
        _still_there(old)
    return True


def _still_there(old: Finding) -> None:
    """The list still shows a person whose removal was opened: fail for good, or let the finding be judged anew."""
    departure = old.departure
    if departure is None:  # interrupted before the departure was written
        old.state = State.APPROVED if old.decided_by else State.OPEN
    elif departure.state == DepartureState.DROPPED and departure.last_problem in _FOR_GOOD:
        old.state, old.problem = State.FAILED, departure.last_problem
    elif departure.state == DepartureState.DROPPED:
        old.state, old.departure, old.decided_by = State.OPEN, None, ""


def _came_back(old: Finding, at: datetime, now: datetime) -> bool:
    """True when a list had proved the removal and the person is back: closes the old finding, a new one is made."""
    departure = old.departure
    if old.state != State.REMOVING or departure is None or departure.state != DepartureState.DONE:
        return False
    return _close(old, at, now)


def _close(old: Finding, at: datetime, now: datetime) -> bool:
    """Close a finding that the list no longer shows: REMOVED if we removed the person, else GONE. False: not yet."""
    if at <= old.last_seen_at:
        return False
    departure = old.departure
    if old.state == State.REMOVING and departure is not None:
        if departure.state == DepartureState.OPEN:
            return False  # told, and not yet proven by a list begun late enough
        old.problem = departure.last_problem
        old.state = State.REMOVED if departure.state == DepartureState.DONE else State.GONE
    else:
        old.state = State.GONE
    old.closed_at = now
    return True


def forget_archived(now: datetime) -> None:
    """Close the standing findings of archived Teams, which are no longer read."""
    Finding.objects.standing().filter(team__archived_at__isnull=False).update(state=State.GONE, closed_at=now)


def candidates(team_ids: Sequence[int] | None) -> list[Candidate]:
    """The open and approved findings of these Teams that a sweep may act on; None means all Teams."""
    rows = Finding.objects.filter(state__in=(State.OPEN, State.APPROVED)).exclude(kind__in=ONLY_REPORTED)
    rows = rows.filter(team__archived_at=None) if team_ids is None else rows.filter(team__in=team_ids)
    return [
        Candidate(
            id=row.pk,
            kind=Kind(row.kind),
            team_id=row.team_id,
            first_seen_at=row.first_seen_at,
            sightings=row.sightings,
            is_approved=row.state == State.APPROVED,
            is_member=bool(row.upstream_id) and not row.is_invite,
        )
        for row in rows.order_by("first_seen_at", "pk")
    ]


def waiting() -> dict[int, int]:
    """How many findings wait for an operator, by Team; they count towards the limits of a sweep."""
    held = Finding.objects.asking().filter(state=State.HELD).values_list("team_id").order_by("team_id")
    return dict(held.annotate(people=Count("pk")))


def approve(*, finding_id: int, actor: Actor) -> None:
    """An operator decided: the next sweep removes this person, whatever the limits and the mode. Raises Refused."""
    _decide(finding_id, State.APPROVED, actor, closes=False)


def dismiss(*, finding_id: int, actor: Actor) -> None:
    """Do nothing about this person while they stay; if they come back later, that is a new finding. Raises Refused."""
    _decide(finding_id, State.DISMISSED, actor, closes=False)


def allow(*, finding_id: int, actor: Actor) -> None:
    """Let the person stay in this Team for good. Raises Refused."""
    finding = _decide(finding_id, State.ALLOWED, actor, closes=True)
    team = Team.objects.get(pk=finding.team_id)
    user_id = "" if finding.is_invite else finding.upstream_id
    outsiders.allow(team=team, email=finding.email, upstream_user_id=user_id, actor=actor)


def _decide(finding_id: int, state: State, actor: Actor, *, closes: bool) -> Finding:
    now = timezone.now()
    with transaction.atomic(durable=True):
        fields: dict[str, Any] = {"state": state, "decided_by": actor.name[:150], "problem": ""}
        if closes:
            fields["closed_at"] = now
        decidable = (*UNDECIDED, State.DISMISSED) if state is not State.DISMISSED else UNDECIDED
        rows = Finding.objects.filter(pk=finding_id, state__in=decidable).update(**fields)
        if rows != 1:
            raise Refused
        finding = Finding.objects.select_related("team").get(pk=finding_id)
        events.finding_decided(
            subject=finding.subject,
            decision=state.value,
            kind=finding.kind,
            team=str(finding.team),
            actor=actor,
        )
    return finding


def hold(finding_ids: Sequence[int]) -> int:
    """Let these findings wait for an operator, as they exceed the limits; return how many did not wait yet."""
    return Finding.objects.filter(pk__in=finding_ids, state=State.OPEN).update(state=State.HELD)


def note_spent(finding_ids: Sequence[int]) -> int:
    """Record that these members stay, as their Team has used up its removals of 72 hours; return how many are new.

    Overdue people wait for a later sweep, strangers and duplicates for an operator.
    """
    rows = Finding.objects.filter(pk__in=finding_ids, state=State.OPEN).exclude(problem=SPENT)
    held = rows.filter(kind__in=NEEDS_CARE).update(state=State.HELD, problem=SPENT)
    return held + rows.update(problem=SPENT)


def mark_removing(*, finding_id: int, sweep_id: int | None) -> bool:
    """Mark a finding before its departure is written. False: it was decided otherwise or closed meanwhile."""
    rows = Finding.objects.filter(pk=finding_id, state__in=(State.OPEN, State.APPROVED)).update(
        state=State.REMOVING, departure=None, sweep_id=sweep_id, problem=""
    )
    return rows == 1


def note_departure(*, finding_id: int, departure: Departure) -> None:
    Finding.objects.filter(pk=finding_id, state=State.REMOVING).update(departure=departure)


def mark_gone(*, finding_id: int, now: datetime) -> None:
    Finding.objects.filter(pk=finding_id, state__in=STANDING).update(state=State.GONE, closed_at=now)

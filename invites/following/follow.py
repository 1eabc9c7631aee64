"""Seats follow a new snapshot: who was seen moves forward, who is gone ends, outsiders are counted (design §3).

One transaction under the Team's lock. `seats_held` is never written from upstream's numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from base.actors import Actor
from base.transactions import require_transaction
from invites import bells, locking, matching
from invites.departures import confirm
from invites.following import places
from invites.models import SeatGrant
from invites.seats import moves, timing
from invites.states import CONFIRMED, DepartureState, GrantState
from notifications.audit import events
from teampool.counting import count
from teampool.login import take_over
from teampool.models import Member, Team, Vacancy
from teampool.pool import seats
from teampool.snapshot import NotItsList, Person, Snapshot
from teampool.stored_snapshot import is_news, known_upstream_ids, store, why_untrusted
from teampool.teams import health

ACTOR = Actor("job", "sync")


@dataclass(frozen=True, slots=True)
class Matched:
    """Who of a snapshot sits where: each live grant's person, the strangers, and the rows nobody can name."""

    seated: dict[int, Person]
    outsiders: list[Person]
    hidden: list[Person]


def follow(*, team_id: int, snapshot: Snapshot, actor: Actor = ACTOR) -> bool:
    """Take over a snapshot. False: it was incomplete, or older than what is stored, and nothing was changed.

    Raises NotItsList for one that cannot be this Team's: nobody is called absent by it, and the Team takes no one.
    """
    now = timezone.now()
    with transaction.atomic(durable=True):
        team = locking.locked_team(team_id)
        if not is_news(team, snapshot):
            return False
        problem = why_untrusted(team, snapshot)
        if not problem:
            _take_over(team, snapshot, actor, now)
    if problem:
        _note_untrusted(team, problem, actor)
        raise NotItsList(problem)
    return True


def _note_untrusted(team: Team, problem: str, actor: Actor) -> None:
    """Close the Team until a list of its own comes, and tell the operator once."""
    with transaction.atomic(durable=True):
        Team.objects.filter(pk=team.pk).update(snapshot_has_self=False)
        if team.sync_problem != problem:
            events.list_untrusted(subject=team.subject, problem=problem, actor=actor)


def _take_over(team: Team, snapshot: Snapshot, actor: Actor, now: datetime) -> None:
    require_transaction()
    was_over_full = team.is_over_full
    health.revive(
        team=team,
        started_at=snapshot.started_at,
        is_manager=snapshot.is_administered_by(team.owner),
        is_paid=snapshot.subscription is not None and not snapshot.subscription.is_delinquent,
        actor=actor,
    )
    leaving = team.departures.filter(state=DepartureState.OPEN)
    withdrawn = leaving.filter(told_at__isnull=False, evidence__saw="invite")  # ChatGPT answered 2xx
    store(team, snapshot, withdrawn=set(withdrawn.values_list("email", flat=True)))
    take_over.learn_roles(team, snapshot)
    people = snapshot.people(team.owner)
    grants = list(
        SeatGrant.objects.live()
        .filter(team=team)
        .select_related("redemption")
        .select_for_update(of=("self",))
        .order_by("pk")
    )
    matched = match(people, grants, known_ids=known_upstream_ids(team))
    left_by = set(leaving.values_list("grant_id", flat=True))
    left = [grant for grant in grants if not _move(grant, matched, snapshot, now, is_leaving=grant.pk in left_by)]
    over = confirm.confirm(team=team, snapshot=snapshot, people=people, hidden=matched.hidden, now=now)
    over |= {grant.pk for grant in left}
    _count(team, snapshot, matched, [grant for grant in grants if grant.pk not in over], now)
    _report_over_full(team.pk, was_over_full, actor)


def _count(team: Team, snapshot: Snapshot, matched: Matched, live: list[SeatGrant], now: datetime) -> None:
    """Count the places, and who takes them."""
    on_the_way = [one for one in live if one.pk not in matched.seated and one.state not in CONFIRMED and one.sends]
    # Sent before this look: ChatGPT may have counted these invitations among its held seats.
    in_flight = sum(one.sent_at is not None and one.sent_at <= snapshot.started_at for one in on_the_way)
    capacity = count(team, snapshot, in_flight=in_flight, now=now)
    waiting = list(Vacancy.objects.waiting().filter(team=team))
    lists = snapshot.lists(team.owner)
    seats.recount(
        team_id=team.pk,
        capacity=capacity,
        taken=lists.taken,
        outsiders=places.outsiders(lists, live, waiting, seated=matched.seated, hidden=matched.hidden),
        elsewhere=places.elsewhere(lists, live, seated=matched.seated),
    )


def match(people: list[Person], grants: list[SeatGrant], *, known_ids: set[str]) -> Matched:
    """Pure. Each grant gets one row at most; a further row of that person is an outsider.

    A row without an e-mail that no grant and no allowed person's id explains is hidden: it may be any of
    the grants nobody was matched to. A request to join shows no seat of ours: our invitation may be missing.
    """
    seated: dict[int, Person] = {}
    outsiders = [person for person in people if person.only_asks]
    hidden: list[Person] = []
    for person, grant in matching.known(grants).pair([person for person in people if not person.only_asks]):
        if grant is not None:
            seated[grant.pk] = person
        elif person.email or person.upstream_id in known_ids:
            outsiders.append(person)
        else:
            hidden.append(person)
    return Matched(seated, outsiders, hidden)


def _move(grant: SeatGrant, matched: Matched, snapshot: Snapshot, now: datetime, *, is_leaving: bool) -> bool:
    """Move one grant by what the snapshot shows of it; False when it ended.

    When a person with an open departure is gone, `confirm` ends the seat, for the departure's reason.
    """
    if snapshot.started_at <= grant.created_at:
        return True  # the look is older than the grant: it proves nothing about it
    person = matched.seated.get(grant.pk)
    if person is not None:
        if moves.is_anothers(grant, person.kind, is_standard=person.takes_place, since=person.since):
            return True  # `deliver` frees the code, whose lock comes before the Team's
        if not person.takes_place and grant.state == GrantState.JOINED and _is_over(grant, now):
            moves.leave_them_there(grant, now=now, actor=ACTOR)
            return False
        # A pending invite that was revoked lingers in lists that lag: it does not count as listed.
        if person.kind == Member.Kind.MEMBER or grant.leaving_since is None:
            _note_present(grant, person, now)
        return True
    if is_leaving or matched.hidden or grant.state not in CONFIRMED:
        return True  # "not visible yet" is never absence
    return not _note_absent(grant, snapshot.started_at, now)


def _is_over(grant: SeatGrant, now: datetime) -> bool:
    return grant.redemption.ends_at is not None and grant.redemption.ends_at <= now


def _note_present(grant: SeatGrant, person: Person, now: datetime) -> None:
    user_id = person.upstream_id if person.kind == Member.Kind.MEMBER else grant.upstream_user_id
    seen = GrantState.JOINED if person.kind == Member.Kind.MEMBER else GrantState.VERIFIED
    if grant.state == seen or (grant.state == GrantState.JOINED and seen == GrantState.VERIFIED):
        if grant.absent_since is not None or grant.upstream_user_id != user_id:
            SeatGrant.objects.filter(pk=grant.pk).update(absent_since=None, upstream_user_id=user_id)
        return
    due_at = None if seen == GrantState.JOINED else now + timing.LOOKS_PENDING[0]
    moves.advance(
        grant,
        seen,
        now=now,
        actor=ACTOR,
        upstream_user_id=user_id,
        absent_since=None,
        lease_until=None,
        due_at=due_at,
        looks=0,
    )


def _note_absent(grant: SeatGrant, started_at: datetime, now: datetime) -> bool:
    """Remember the first complete list without this person; end the seat on a later one. True when it ended."""
    confirmed_at = grant.joined_at or grant.verified_at
    if confirmed_at is not None and started_at <= confirmed_at:
        return False
    if grant.absent_since is None:
        SeatGrant.objects.filter(pk=grant.pk).update(absent_since=started_at)
        return False
    if started_at < grant.absent_since + timing.GONE_AFTER:
        return False
    if not moves.leave(grant, GrantState.ENDED, reason="left", now=now, actor=ACTOR, was_in=True):
        return False
    moves.end(redemption_id=grant.redemption_id, reason="left", now=now, actor=ACTOR)
    bells.reconcile()
    return True


def _report_over_full(team_id: int, was_over_full: bool, actor: Actor) -> None:
    team = Team.objects.get(pk=team_id)
    if team.is_over_full and not was_over_full:
        events.team_over_full(subject=team.subject, used=team.seats_taken, total=team.seats_bought or 0, actor=actor)

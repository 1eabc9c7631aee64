"""Switch the guardian on and off, set its mode, pause and resume removals."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from base.actors import Actor, job
from guardian import settings
from guardian.models import Finding, Watch
from guardian.rules.states import NEEDS_CARE, State
from invites import matching
from invites.departures.closing import OUT_OF_HOURS, REPORT_ONLY, SWITCHED_OFF, call_off
from invites.models import Departure, SeatGrant
from invites.settings import REMOVALS_PAUSED
from invites.states import DepartureReason, DepartureState
from notifications.audit import events
from notifications.settings import runtime
from teampool.models import AllowedMember, Member
from teampool.upstream.types import MANAGER_ROLES

ACTOR = job("guardian")


def watch() -> Watch:
    return Watch.objects.get_or_create(pk=1)[0]


def enable(*, actor: Actor, takes_baseline: bool = True) -> int:
    """Switch on, in report mode, and take the baseline unless told otherwise; return how many people it has."""
    if settings.current_policy().is_enabled and watch().armed_at is not None:
        return 0
    runtime.change({settings.ENABLED.key: "on", settings.MODE.key: settings.REPORT}, actor=actor)
    return arm(actor=actor, takes_baseline=takes_baseline)


def arm(*, actor: Actor, takes_baseline: bool = True) -> int:
    """Start watching, take the baseline. The next sweep calls this if the setting was switched on elsewhere."""
    now = timezone.now()
    watch()
    with transaction.atomic(durable=True):
        if Watch.objects.filter(pk=1, armed_at=None).update(armed_at=now) != 1:
            return 0  # another process did
        people = _take_baseline(actor) if takes_baseline else 0
        events.guardian_switched(is_on=True, actor=actor, details={"baseline": people})
    return people


def present_without_a_seat() -> QuerySet[Member]:
    """The people a baseline would add: listed in a Team, without a seat there, and nobody decided about them.

    Not owners or admins, nobody allowed or in the baseline there, nobody who is leaving.
    """
    here = Q(team=OuterRef("team"))
    seated = SeatGrant.objects.live().filter(matching.of_row(), here)
    allowed = AllowedMember.objects.filter(matching.of_row(), here | Q(team=None))
    # Departures still open while the guardian is off were opened by an operator, or ChatGPT was told already.
    leaving = Departure.objects.filter(matching.departures_of_row(), here, state=DepartureState.OPEN)
    people = Member.objects.filter(~Exists(seated), ~Exists(allowed), ~Exists(leaving))
    return people.exclude(role__in=MANAGER_ROLES)


def _take_baseline(actor: Actor) -> int:
    """Add them to the baseline, by id and e-mail where listed; return how many are new."""
    people = [
        AllowedMember(
            team_id=row.team_id,
            email=row.email,
            upstream_user_id=row.upstream_id if row.kind == Member.Kind.MEMBER or not row.email else "",
            origin=AllowedMember.Origin.BASELINE,
            added_by=actor.name[:150],
        )
        for row in present_without_a_seat().iterator(chunk_size=500)
    ]
    before = AllowedMember.objects.count()
    AllowedMember.objects.bulk_create(people, ignore_conflicts=True, batch_size=500)
    added = AllowedMember.objects.count() - before
    events.baseline_taken(people=added, teams=len({one.team_id for one in people}), actor=actor)
    return added


def disable(*, actor: Actor) -> None:
    """Switch off: from now on only operators remove people."""
    runtime.change({settings.ENABLED.key: "off"}, actor=actor)
    settle(actor=actor)


def set_mode(*, mode: str, would_go: int, actor: Actor) -> None:
    """Set report or enforce mode. `would_go`: how many removals the operator was shown."""
    with transaction.atomic(durable=True):
        runtime.change_with_its_fact({settings.MODE.key: mode}, actor=actor)
        events.guardian_mode_changed(mode=mode, would_go=would_go, actor=actor)
    settle(actor=actor)


def settle(*, actor: Actor = ACTOR) -> None:
    """Apply the settings to what is under way, however they were changed."""
    now, policy = timezone.now(), settings.current_policy()
    if not policy.is_enabled:
        with transaction.atomic(durable=True):
            if Watch.objects.filter(pk=1).exclude(armed_at=None).update(armed_at=None):
                events.guardian_switched(is_on=False, actor=actor)
        _call_off(SWITCHED_OFF, now, actor)
    elif watch().armed_at is None:
        arm(actor=actor)
    elif not policy.enforces:
        _call_off(REPORT_ONLY, now, actor, [DepartureReason(kind.value) for kind in NEEDS_CARE])


def rest(*, actor: Actor = ACTOR) -> None:
    """The active hours are over: removals that ChatGPT was not told of wait for the next hours."""
    _call_off(OUT_OF_HOURS, timezone.now(), actor)
    _watch_again(Departure.objects.filter(state=DepartureState.DROPPED, last_problem=OUT_OF_HOURS))


def _call_off(why: str, now: datetime, actor: Actor, reasons: Collection[DepartureReason] = ()) -> None:
    """Drop removals the guardian opened and ChatGPT was not told of, also in Teams that are no longer read."""
    # Keep a removal that an operator approved, as a finding or as an overdue seat.
    approved = Finding.objects.filter(departure=OuterRef("pk")).exclude(decided_by="")
    nobodys = Q(evidence__approved_by="") | Q(evidence__approved_by__isnull=True)
    rows = Departure.objects.filter(
        nobodys, ~Exists(approved), is_automatic=True, state=DepartureState.OPEN, told_at=None
    )
    if reasons:
        rows = rows.filter(reason__in=reasons)
    departure_ids = list(rows.values_list("pk", flat=True))
    if departure_ids:
        call_off(departure_ids=departure_ids, why=why, now=now, actor=actor)
        _watch_again(Departure.objects.filter(pk__in=departure_ids, state=DepartureState.DROPPED))


def _watch_again(dropped: QuerySet[Departure]) -> None:
    Finding.objects.filter(state=State.REMOVING, departure__in=dropped).update(state=State.OPEN, departure=None)


def pause_removals(*, stood_still_hours: float) -> None:
    """Stop all removals, the operators' too, until an operator resumes them."""
    if REMOVALS_PAUSED.get():
        return
    with transaction.atomic(durable=True):
        runtime.change_with_its_fact({REMOVALS_PAUSED.key: "on"}, actor=ACTOR)
        events.removals_paused(hours=stood_still_hours, actor=ACTOR)


def resume_removals(*, actor: Actor) -> None:
    if REMOVALS_PAUSED.get():
        with transaction.atomic(durable=True):
            runtime.change_with_its_fact({REMOVALS_PAUSED.key: "off"}, actor=actor)
            events.removals_resumed(actor=actor)

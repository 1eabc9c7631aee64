"""Counts a Team's places: by a new snapshot, and by what is stored when only the operator's cap changed (design §3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from teampool.models import Team, Vacancy
from teampool.pool import stored, vacancies
from teampool.pool.capacity import Capacity, Evidence, capacity_of
from teampool.pool.rows import Kind, Occupant
from teampool.settings import DEFAULT_SEAT_CAP
from teampool.snapshot import Snapshot
from teampool.stored_snapshot import stored_lists


def count(team: Team, snapshot: Snapshot, *, in_flight: int = 0, now: datetime) -> Capacity:
    """How many places there are by this snapshot, which is stored already; gives back the places it settles.

    `in_flight`: our invitations that were sent before it and that no list shows yet. The caller holds the Team's lock.
    """
    waiting = list(Vacancy.objects.waiting().filter(team=team))
    evidence = Evidence(
        now=now,
        read_at=snapshot.started_at,
        lists=snapshot.lists(team.owner),
        subscription=snapshot.subscription,
        is_codex_only=team.is_codex_only,
        on_hold=snapshot.on_hold,
        in_flight=in_flight,
        waiting=len(waiting),
        refusals=stored.refusals(team),
        kept=stored.reading(team),
        cap=team.operator_cap,
        cap_set_at=team.cap_set_at,
        assumed=DEFAULT_SEAT_CAP.get(),
    )
    has_number = capacity_of(evidence).read_now
    read = vacancies.Read(snapshot.started_at, has_number, was_ever_read=has_number or evidence.kept is not None)
    left = [row for row in waiting if vacancies.still_waiting([_place(row)], read)]
    settled = {row.pk for row in waiting} - {row.pk for row in left}
    if settled:
        Vacancy.objects.filter(pk__in=settled).update(place_back_at=now)
    return capacity_of(replace(evidence, waiting=len(left)))


def _place(row: Vacancy) -> vacancies.Vacancy:
    return vacancies.Vacancy(Occupant(Kind(row.kind), row.upstream_id, row.email), row.gone_by)


def count_again(team: Team, *, now: datetime) -> Capacity:
    """The places after the operator's cap changed: by what was read last, with the people of the stored lists."""
    return capacity_of(
        Evidence(
            now=now,
            read_at=now,
            lists=stored_lists(team),
            subscription=None,
            is_codex_only=team.is_codex_only,
            refusals=stored.refusals(team),
            kept=stored.reading(team),
            cap=team.operator_cap,
            cap_set_at=team.cap_set_at,
            assumed=DEFAULT_SEAT_CAP.get(),
        )
    )

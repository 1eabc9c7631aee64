"""The guard, raced; and the same race without it."""

from __future__ import annotations

import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from teampool.known import Known
from teampool.models import Team
from teampool.pool import seats
from teampool.pool.capacity import Capacity
from tests.cast import SAM, a_team, run_together
from tests.invites.rows import a_member

pytestmark = pytest.mark.django_db(transaction=True)


def numbers(team: Team) -> tuple[int, int, int, int]:
    team.refresh_from_db()
    return team.seats_held, team.outsiders, team.seat_total, team.seat_cap


def a_capacity(places: int) -> Capacity:
    """So many were bought besides the owner's, and read now."""
    return Capacity(places, Known.POOLS, timezone.now(), places, None, 1)


class TestHold:
    def test_it_never_holds_more_than_there_are(self) -> None:
        team = a_team(seats=3, outsiders=1)
        held = run_together(*(lambda: seats.hold(team_id=team.pk, now=timezone.now()) for _ in range(10)))
        assert held.count(True) == 2
        assert numbers(team) == (2, 1, 3, 2)

    def test_it_adopts_only_as_many_strangers_as_there_are(self) -> None:
        team = a_team(seats=4, outsiders=2)
        a_member(team, SAM)
        held = run_together(*(lambda: seats.hold_for_outsider(team_id=team.pk, email=SAM) for _ in range(6)))
        assert held.count(True) == 2
        assert numbers(team) == (2, 0, 4, 4)

    def test_it_counts_right_while_seats_come_and_go(self) -> None:
        team = a_team(seats=2, held=1)

        def come_and_go() -> int:
            held = 0
            for _ in range(10):
                if seats.hold(team_id=team.pk, now=timezone.now()):
                    held += 1
                    assert numbers(Team.objects.get(pk=team.pk))[0] <= 2
                    seats.release(team_id=team.pk)
            return held

        assert sum(run_together(*(come_and_go for _ in range(4)))) > 0
        assert numbers(team)[0] == 1


class TestRelease:
    def test_it_refuses_to_release_what_is_not_held(self) -> None:
        team = a_team()
        with pytest.raises(RuntimeError):
            seats.release(team_id=team.pk)


class TestRecount:
    def test_it_keeps_what_is_held_even_when_that_is_more(self) -> None:
        team = a_team(seats=4, held=4)
        seats.recount(team_id=team.pk, capacity=a_capacity(2), taken=5, outsiders=1)
        assert numbers(team) == (4, 1, 2, 4)
        assert team.is_over_full
        seats.release(team_id=team.pk)
        assert numbers(team) == (3, 1, 2, 3)


class TestTheControl:
    """Take the guard out, and the fault it stands against shows."""

    def read_then_write(self, team: Team, gate: threading.Barrier, **extra: object) -> bool:
        seen = Team.objects.get(pk=team.pk)
        if seen.seats_free <= 0:
            return False
        gate.wait(10)
        held = Team.objects.get(pk=team.pk).seats_held + 1
        Team.objects.filter(pk=team.pk).update(seats_held=held, **extra)
        return True

    def test_two_writers_of_another_kind_are_refused_by_the_database(self) -> None:
        team = a_team(seats=1, held=1)
        with pytest.raises(IntegrityError), transaction.atomic():
            Team.objects.filter(pk=team.pk).update(seats_held=2)

    def test_without_the_guard_one_seat_is_given_twice(self) -> None:
        team = a_team(seats=1)
        gate = threading.Barrier(2)
        given = run_together(*(lambda: self.read_then_write(team, gate, seat_cap=9) for _ in range(2)))
        assert given == [True, True]

    def test_a_plain_save_is_refused(self) -> None:
        team = a_team()
        with pytest.raises(ValueError, match="update_fields"):
            team.save()

    def test_the_checks_are_in_the_database(self) -> None:
        with connection.cursor() as cursor:
            names = connection.introspection.get_constraints(cursor, Team._meta.db_table)
        assert "teampool_team_seats_within_cap" in names

"""What an operator changes about a Team by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from base.actors import Actor
from notifications.models import AuditEvent
from teampool.models import Team
from teampool.pool import seats
from teampool.teams import changes
from tests.cast import a_reading, a_team

OLGA = Actor("operator", "olga", "198.51.100.7")

pytestmark = pytest.mark.django_db


def change(team: Team, **fields: Any) -> Team:
    changes.change_team(team_id=team.pk, changes=fields, actor=OLGA)
    return Team.objects.get(pk=team.pk)


class TestChangeTeam:
    def test_it_writes_what_differs_and_says_who(self) -> None:
        team = change(a_team(name="Old"), name="New", is_enabled=False)
        assert (team.name, team.is_enabled) == ("New", False)
        event = AuditEvent.objects.get()
        assert (event.action, event.actor, event.ip) == ("team_changed", "olga", "198.51.100.7")
        assert event.details["before"] == {"name": "Old", "is_enabled": True}
        assert event.details["after"] == {"name": "New", "is_enabled": False}

    def test_it_leaves_no_trace_when_nothing_differs(self) -> None:
        team = a_team(name="Same")
        assert not changes.change_team(team_id=team.pk, changes={"name": "Same"}, actor=OLGA)
        assert not AuditEvent.objects.exists()

    def test_a_cap_counts_at_once(self) -> None:
        assert change(a_team(seats=8), operator_cap=3).seat_total == 3

    def test_a_cap_above_what_was_bought_does_not(self) -> None:
        assert change(a_team(), operator_cap=9).seat_total == 4

    def test_no_cap_goes_back_to_what_was_bought(self) -> None:
        assert change(a_team(seats=6, operator_cap=2, seat_total=2), operator_cap=None).seat_total == 6

    def test_a_cap_set_again_stands_in_for_a_number_that_is_too_old(self) -> None:
        now = timezone.now()
        long_ago = now - timedelta(hours=25)
        team = a_team(reading=a_reading(8, at=long_ago), seats_read_at=long_ago, operator_cap=2, cap_set_at=None)
        assert not Team.objects.allocatable(now).exists()
        team = change(team, operator_cap=2)
        assert (team.seat_total, team.seats_known, team.is_seats_stale(now)) == (2, "cap", False)
        assert Team.objects.allocatable(now).exists()

    def test_without_a_cap_and_a_number_nobody_is_placed(self) -> None:
        team = change(a_team(reading=None, operator_cap=3, seats_known="cap", seats_read_at=None), operator_cap=None)
        assert (team.seat_total, team.seats_known, team.cap_set_at) == (0, "unread", None)

    def test_a_cap_below_what_is_held_removes_nobody(self) -> None:
        team = change(a_team(held=4), operator_cap=2)
        assert (team.seats_held, team.seat_total, team.is_over_full) == (4, 2, False)
        assert not seats.hold(team_id=team.pk, now=team.created_at)

    def test_a_hold_in_between_is_kept(self) -> None:
        """The row is read again under its lock: what the page knew of the seats is never written back."""
        team = a_team()
        Team.objects.filter(pk=team.pk).update(seats_held=3, seat_cap=4)
        assert change(team, name="New", operator_cap=4).seats_held == 3

    @pytest.mark.parametrize("cap", [0, -1, 1001])
    def test_it_refuses_a_cap_out_of_bounds(self, cap: int) -> None:
        team = a_team()
        with pytest.raises(ValueError, match="seat cap"):
            change(team, operator_cap=cap)

    @pytest.mark.parametrize("field", ["seats_held", "seat_total", "access_token", "owner_id", "workspace_state"])
    def test_it_refuses_what_is_not_for_operators(self, field: str) -> None:
        team = a_team()
        with pytest.raises(ValueError, match="not for operators"):
            change(team, **{field: 1})


class TestChangeTeams:
    def test_it_counts_those_that_changed(self) -> None:
        teams = [a_team(), a_team(is_enabled=False), a_team()]
        ids = [team.pk for team in teams]
        assert changes.change_teams(team_ids=ids, changes={"is_enabled": False}, actor=OLGA) == 2
        assert not Team.objects.filter(is_enabled=True).exists()


class TestWantSync:
    def test_it_rings_for_each_team_that_is_not_archived(self, django_capture_on_commit_callbacks: Any) -> None:
        teams = [a_team(), a_team(), a_team(archived_at=a_team().created_at)]
        with django_capture_on_commit_callbacks(execute=True):
            assert changes.want_sync(team_ids=[team.pk for team in teams]).team_ids == [team.pk for team in teams[:2]]
        rung = [(row.func(), tuple(row.task["args"])) for row in OrmQ.objects.all()]
        assert sorted(rung) == [("invites.tasks.sync_team", (team.pk,)) for team in teams[:2]]


class TestWantSyncOfAll:
    def test_it_makes_every_team_due_and_rings_once(self, django_capture_on_commit_callbacks: Any) -> None:
        teams = [a_team() for _ in range(3)]
        with django_capture_on_commit_callbacks(execute=True):
            assert changes.want_sync_of_all().team_ids == [team.pk for team in teams]
        assert Team.objects.filter(sync_tried_at=None).count() == len(teams)
        assert [row.func() for row in OrmQ.objects.all()] == ["invites.tasks.sync"]

"""Seats that were not read for 24 hours: each is told once, and the first screen leads to another read."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone, translation

from notifications.models import AuditEvent, Message, Setting
from notifications.texts.notices import line
from teampool import tasks
from teampool.models import SyncRun, Team
from teampool.teams.badges import badge_for
from teampool.teams.unread_seats import does_place_nobody, places_nobody, warn_of_unread
from tests.cast import a_team, run_together

NOW = timezone.now()
HOUR = timedelta(hours=1)


def a_stale_team(**fields: Any) -> Team:
    old = {"opened_at": NOW - 99 * HOUR, "seats_read_at": NOW - 25 * HOUR}
    return a_team(**(old | fields))


@pytest.mark.django_db(transaction=True)
class TestWarning:
    @pytest.fixture(autouse=True)
    def bark(self, transactional_db: None) -> None:
        Setting.objects.create(key="notifications.bark_url", secret="https://bark.example.com/key", updated_at=NOW)

    def test_operators_are_told_which(self) -> None:
        team = a_stale_team()
        tasks.warn_of_subscriptions()
        (message,) = Message.objects.all()
        assert message.event == "seats_not_read"
        with translation.override("en"):
            told = line(message.event, message.context)
        assert told == f"The seats of {team} were not read for 24 h; it stopped accepting people"
        assert AuditEvent.objects.get(action="seats_not_read").object_id == str(team.pk)

    def test_each_read_that_grew_old_is_told_once(self) -> None:
        team = a_stale_team()
        assert [warn_of_unread(now=NOW + hours * HOUR) for hours in range(3)] == [1, 0, 0]
        Team.objects.filter(pk=team.pk).update(seats_read_at=NOW)
        assert [warn_of_unread(now=NOW + hours * HOUR) for hours in (23, 25, 26)] == [0, 1, 0]

    def test_nodes_that_look_at_once_tell_once(self) -> None:
        a_stale_team()
        assert sum(run_together(*(lambda: warn_of_unread(now=NOW) for _ in range(6)))) == 1
        assert Message.objects.count() == 1

    @pytest.mark.parametrize(
        "fields",
        [
            {"seats_read_at": NOW - 23 * HOUR},
            {"cap_set_at": NOW - HOUR, "operator_cap": 3},
            {"archived_at": NOW},
            {"is_enabled": False},
            {"token_state": Team.Token.EXPIRED},
            {"workspace_state": Team.Workspace.SUSPENDED},
            {"seats_read_at": None, "seats_known": "unread"},  # an upgrade: the sync that follows reads them
        ],
    )
    def test_nothing_is_told_of_others(self, fields: dict[str, Any]) -> None:
        a_stale_team(**fields)
        assert warn_of_unread(now=NOW) == 0


@pytest.mark.django_db
class TestPlacesNobody:
    def test_python_and_sql_agree(self) -> None:
        dice = random.Random(5)

        def some(*hours: int) -> datetime | None:
            pick = dice.choice([None, *hours])
            return None if pick is None else NOW - pick * HOUR

        for _ in range(60):
            a_team(
                opened_at=some(1, 25),
                archived_at=some(1) if dice.random() < 0.1 else None,
                seats_read_at=some(1, 24, 25, 30),
                cap_set_at=some(1, 28),
                seats_known=dice.choice(["pools", "cap", "stale", "unread", "assumed"]),
                token_state=dice.choice([Team.Token.HEALTHY, Team.Token.HEALTHY, Team.Token.EXPIRED]),
                workspace_state=dice.choice([Team.Workspace.ACTIVE, Team.Workspace.DELINQUENT]),
            )
        found = set(Team.objects.filter(places_nobody(NOW)).values_list("pk", flat=True))
        assert found == {team.pk for team in Team.objects.all() if does_place_nobody(team, NOW)}
        assert found


@pytest.mark.django_db
class TestFirstScreen:
    def test_one_team_is_named_and_read_again_in_one_click(self, olga_client: Client) -> None:
        team = a_stale_team()
        page = olga_client.get("/admin/", headers={"accept-language": "en"}).content.decode()
        assert f"The seats of {team} were not read for 24 h; it stopped accepting people" in page
        answer = olga_client.post("/admin/teampool/team/read-seats/")
        assert answer.status_code == 302
        assert SyncRun.objects.get().team_ids == [team.pk]

    def test_several_are_one_line(self, olga_client: Client) -> None:
        for _ in range(3):
            a_stale_team()
        a_team()
        page = olga_client.get("/admin/", headers={"accept-language": "en"}).content.decode()
        assert "The seats of 3 Teams were not read for 24 h; they stopped accepting people" in page
        olga_client.post("/admin/teampool/team/read-seats/")
        assert len(SyncRun.objects.get().team_ids) == 3

    def test_a_get_reads_nothing(self, olga_client: Client) -> None:
        assert olga_client.get("/admin/teampool/team/read-seats/").status_code == 405


@pytest.mark.django_db
class TestBadge:
    def test_it_stands_above_what_passes_by_itself(self) -> None:
        team = a_stale_team(cooldown_until=NOW + HOUR, workspace_state=Team.Workspace.RESTRICTED)
        assert badge_for(team, NOW).key == "seats_unread"

    def test_a_team_without_any_list_waits_for_its_first_sync(self) -> None:
        team = a_team(snapshot_started_at=None, seats_known="unread", seats_read_at=None)
        assert badge_for(team, NOW).key == "unsynced"

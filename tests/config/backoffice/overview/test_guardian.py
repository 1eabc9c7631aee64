"""What the guardian leaves to a person, on the first screen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils import timezone, translation

from config.backoffice.overview import dashboard
from config.backoffice.overview.line import Line
from guardian import mode
from guardian.models import Watch
from guardian.rules.states import Kind, State
from teampool import stored_snapshot
from tests.cast import a_team
from tests.guardian.rows import HOUR, MINUTE, OLGA, a_finding, a_sweep, a_vanished, an_overdue_seat

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/guardian/finding/"


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


def lines() -> list[Line]:
    """Without that of the stock: these pools are small."""
    now = timezone.now()
    return [line for line in dashboard.attention(now, heartbeat=now) if line.kind != "low_stock"]


def only() -> Line:
    (line,) = lines()
    return line


class TestStrangers:
    def test_they_and_duplicates_are_counted(self, olga_client: Client) -> None:
        first = a_finding("a@x.co"), a_finding("b@x.co", kind=Kind.DUPLICATE, state=State.FAILED)
        line = only()
        assert line.text.startswith("2 people in Teams hold no seat · earliest ")
        assert (line.link, line.button) == (LIST, "Review")
        assert len(olga_client.get(line.link).context["cl"].result_list) == len(first)

    @pytest.mark.parametrize("state", [State.DISMISSED, State.REMOVING, State.GONE])
    def test_those_decided_need_nobody(self, state: State) -> None:
        a_finding(state=state)
        assert lines() == []

    def test_nor_those_of_an_archived_team(self) -> None:
        a_finding(team=a_team(archived_at=timezone.now()))
        assert lines() == []


class TestCapped:
    def test_too_many_at_once_lead_to_the_list_of_just_those(self, olga_client: Client) -> None:
        for n in range(24):
            a_finding(f"s{n}@x.co", state=State.HELD)
        line = only()
        assert line.text == "The sweep wanted to remove 24, limit 10; it stopped"
        assert (line.link, line.button) == (f"{LIST}?state=held", "See the list")
        assert olga_client.get(line.link).context["cl"].result_count == 24

    def test_too_many_of_one_team_name_its_limit(self) -> None:
        team = a_team(outsiders=3)
        for n in range(3):
            a_finding(f"s{n}@x.co", team=team, state=State.HELD)
        assert "limit 2; it stopped" in only().text

    def test_the_rest_of_them_still_wait(self) -> None:
        a_finding(state=State.HELD)
        assert only().text == "1 person of a sweep that stopped at its limit still waits for you"


class TestOverdue:
    def test_they_are_said_with_the_guardian_off(self) -> None:
        an_overdue_seat("a@x.co"), an_overdue_seat("b@x.co")
        line = only()
        assert line.text == "2 people are past their time and still in"
        assert (line.link, line.button) == (f"{LIST}overdue/", "Remove 2")

    def test_the_first_minutes_are_the_guardians(self) -> None:
        an_overdue_seat(over_for=9 * MINUTE)
        assert lines() == []


class TestVanished:
    def test_their_seats_are_released_from_one_list(self, olga_client: Client) -> None:
        a_vanished()
        line = only()
        assert line.text == "1 person left; their seat is still held"
        assert (line.link, line.button) == (f"{LIST}vanished/", "Release 1")
        assert olga_client.get(line.link).status_code == 200


class TestPaused:
    def test_it_says_for_how_long_the_database_stood_still(self) -> None:
        mode.pause_removals(stood_still_hours=3.2)
        line = only()
        assert line.text == "The database stood still for 3 hours; removals are paused"
        assert (line.link, line.button, line.is_red) == (f"{LIST}resume/", "Resume", True)


class TestTooSlow:
    def test_it_says_both_times_and_leads_to_the_settings(self) -> None:
        mode.enable(actor=OLGA)
        a_sweep(seconds=300)
        Watch.objects.filter(pk=1).update(too_slow_since=timezone.now() - HOUR)
        line = only()
        assert line.text == "A sweep takes 300 s, the interval is 120 s"
        assert (line.link, line.button) == ("/admin/settings/guardian/", "Adjust")

    def test_off_it_needs_nobody(self) -> None:
        a_sweep(seconds=300)
        Watch.objects.create(pk=1, too_slow_since=timezone.now())
        assert lines() == []


class TestUntrusted:
    @pytest.mark.parametrize("problem", [stored_snapshot.OWN_LOGIN_MISSING, stored_snapshot.OTHER_WORKSPACE])
    def test_a_list_that_cannot_be_its_own_leads_to_the_team(self, olga_client: Client, problem: str) -> None:
        team = a_team(sync_problem=problem)
        line = only()
        assert line.text == f"The list of people of {team} cannot be its own; it takes no one"
        olga_client.cookies["django_language"] = "en"
        assert "is not believed" in olga_client.get(line.link).content.decode()

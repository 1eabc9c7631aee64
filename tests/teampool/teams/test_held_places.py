"""A held seat whose Team cannot be read any more: an operator calls it free, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from base.actors import Actor
from notifications.models import AuditEvent
from teampool.models import Team, Vacancy
from teampool.teams import held_places
from tests.cast import a_team, run_together

NOW = timezone.now()
HOUR = timedelta(hours=1)
OLGA = Actor("operator", "olga")


def a_held_place(**fields: Any) -> Vacancy:
    times = {"snapshot_started_at": NOW - timedelta(minutes=1), "seats_read_at": NOW - 3 * HOUR}
    team = a_team(outsiders=1, **(times | fields))
    return Vacancy.objects.create(
        team=team, kind="member", upstream_id="user-1", email="ana@example.com", gone_by=NOW - HOUR
    )


@pytest.mark.django_db(transaction=True)
class TestRelease:
    def test_it_is_done_once_and_recorded(self) -> None:
        place = a_held_place()
        done = run_together(*(lambda: held_places.release(vacancy_id=place.pk, actor=OLGA) for _ in range(4)))
        assert sorted(done) == [False, False, False, True]
        assert AuditEvent.objects.filter(action="place_released").count() == 1
        place.refresh_from_db()
        assert place.place_back_at is not None

    def test_the_place_is_free_after_the_next_list_and_not_before(self) -> None:
        place = a_held_place()
        held_places.release(vacancy_id=place.pk, actor=OLGA)
        assert Team.objects.get().seats_free == 3


@pytest.mark.django_db
class TestPage:
    def test_the_held_seat_stands_among_the_people(self, olga_client: Client) -> None:
        place = a_held_place(seats_read_at=NOW)
        page = olga_client.get(f"/admin/teampool/team/{place.team_id}/change/", headers={"accept-language": "en"})
        text = page.content.decode()
        assert "Seat held" in text
        assert "1 seat may be held at ChatGPT" in text
        assert "held/" not in text  # ChatGPT shows the seats: nothing is released by hand

    def test_it_asks_before_it_releases(self, olga_client: Client) -> None:
        place = a_held_place()
        page = olga_client.get(f"/admin/teampool/team/{place.team_id}/change/").content.decode()
        url = f"/admin/teampool/team/{place.team_id}/people/held/{place.pk}/release/"
        assert url in page
        asked = olga_client.post(url, headers={"accept-language": "en"})
        assert "may buy one more" in asked.content.decode()
        assert Vacancy.objects.waiting().exists()
        olga_client.post(url, {"confirmed": "yes"})
        assert not Vacancy.objects.waiting().exists()

    @pytest.mark.parametrize(
        "fields",
        [{"seats_read_at": NOW}, {"seats_read_at": None}, {"snapshot_started_at": None}],
        ids=["read", "never read", "never listed"],
    )
    def test_it_refuses_where_the_seats_can_be_read(self, fields: dict[str, Any], olga_client: Client) -> None:
        place = a_held_place(**fields)
        url = f"/admin/teampool/team/{place.team_id}/people/held/{place.pk}/release/"
        assert olga_client.post(url, {"confirmed": "yes"}).status_code == 302
        assert Vacancy.objects.waiting().exists()

    def test_not_within_15_minutes(self, olga_client: Client) -> None:
        place = a_held_place()
        Vacancy.objects.update(gone_by=timezone.now() - timedelta(minutes=14))
        olga_client.post(f"/admin/teampool/team/{place.team_id}/people/held/{place.pk}/release/", {"confirmed": "yes"})
        assert Vacancy.objects.waiting().exists()

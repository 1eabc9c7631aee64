"""The list of people in lost Teams: from where, to where, and moved in one go."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from invites.models import Departure, Redemption, SeatGrant
from invites.states import DepartureReason, GrantState
from teampool.models import Team
from tests.cast import ANA, SAM, a_team
from tests.invites.admin.teams.test_people import SECRET, a_looker
from tests.invites.rows import a_grant, a_redemption

URL = "/admin/teampool/team/reseat/"
LOST = {"workspace_state": Team.Workspace.SUSPENDED}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(olga_client: Client) -> Iterator[Client]:
    olga_client.cookies["django_language"] = "en"
    return olga_client


def a_person(team: Team, email: str = ANA, state: GrantState = GrantState.JOINED, **fields: Any) -> Redemption:
    redemption = a_redemption(email, **fields)
    a_grant(redemption, state, team=team, at=timezone.now() - timedelta(hours=1))
    return redemption


def lines(answer: Any) -> list[tuple[str, str, str]]:
    """E-mail, from, to."""
    text = answer.content.decode()
    found = re.findall(
        r'data-label="E-mail">(.*?)</td>.*?data-label="From">(.*?)</td>.*?data-label="To">(.*?)</td>', text, re.S
    )
    return [tuple(re.sub(r"<[^>]+>", "", cell).strip() for cell in line) for line in found]  # type: ignore[misc]


def picked(answer: Any) -> list[str]:
    return re.findall(r'name="picked" value="([^"]*)" checked', answer.content.decode())


def button(answer: Any) -> str:
    return "".join(re.findall(r'<button class="sk-button sk-main">([^<]*)</button>', answer.content.decode()))


def confirm(desk: Client, chosen: list[str], url: str = URL) -> str:
    return desk.post(url, {"confirmed": "yes", "picked": chosen}, follow=True).content.decode()


class TestList:
    def test_it_plans_each_seat_as_if_it_were_taken(self, desk: Client) -> None:
        lost = a_team(name="Lost", held=3, **LOST)
        now = timezone.now()
        first, second = a_team(name="First", seats=1, last_invite_at=now), a_team(name="Second", seats=1)
        for email in ("a@x.co", "b@x.co", "c@x.co"):
            a_person(lost, email)
        answer = desk.get(URL)
        assert lines(answer) == [
            ("a@x.co", str(lost), str(first)),
            ("b@x.co", str(lost), str(second)),
            ("c@x.co", str(lost), "no seat free"),
        ]
        assert (len(picked(answer)), button(answer)) == (2, "Re-seat 2 people")
        assert "There is no free seat for 1 person" in answer.content.decode()
        first.refresh_from_db()
        assert first.seats_held == 0, "nothing is held by looking"

    def test_it_is_about_lost_teams_only(self, desk: Client) -> None:
        a_person(a_team(held=1), "fine@x.co")
        a_person(a_team(held=1, token_state="expired"), "expired@x.co")
        a_person(a_team(held=1, archived_at=timezone.now(), **LOST), "put-aside@x.co")
        gone = a_person(a_team(held=1, workspace_state=Team.Workspace.ACCESS_LOST))
        assert [email for email, _from, _to in lines(desk.get(URL))] == [gone.email]

    def test_named_teams_may_be_archived_ones(self, desk: Client) -> None:
        archived = a_team(held=1, archived_at=timezone.now())
        healthy, other = a_team(held=1), a_team(held=1, **LOST)
        for n, team in enumerate((archived, healthy, other)):
            a_person(team, f"p{n}@x.co")
        answer = desk.get(f"{URL}?teams={archived.pk},{healthy.pk},x,{'9' * 40}")
        assert [email for email, _from, _to in lines(answer)] == ["p0@x.co"]

    def test_a_bound_person_may_leave_a_team_that_is_gone(self, desk: Client) -> None:
        lost, new = a_team(held=1, **LOST), a_team()
        a_person(lost, bound_team=lost)
        assert lines(desk.get(URL)) == [(ANA, str(lost), str(new))]

    def test_nobody_is_there(self, desk: Client) -> None:
        assert "Nobody sits in a lost Team." in desk.get(URL).content.decode()

    def test_the_queries_do_not_grow(self, desk: Client, django_assert_max_num_queries: Any) -> None:
        a_team(seats=50)
        counts = []
        for number in (3, 30):
            for n in range(number):
                a_person(a_team(held=1, **LOST), f"p{n}@{number}.example.com")
            desk.get(URL)
            with django_assert_max_num_queries(20) as asked:
                desk.get(URL)
            counts.append(len(asked))
        assert counts[0] == counts[1]

    def test_no_secret_is_in_it_and_both_languages_are_there(self, desk: Client) -> None:
        a_person(a_team(held=1, access_token=SECRET, **LOST))
        a_team(access_token=SECRET)
        for language, word in (("en", "Re-seat 1 person"), ("zh-hans", "换座 1 人")):
            desk.cookies["django_language"] = language
            text = desk.get(URL).content.decode()
            assert word in text
            assert SECRET not in text


class TestMove:
    def test_those_chosen_are_moved_and_each_has_a_result(self, desk: Client) -> None:
        lost, new = a_team(held=3, **LOST), a_team()
        people = [a_person(lost, f"p{n}@x.co", ends_at=timezone.now() + timedelta(days=2)) for n in range(3)]
        ends = [one.ends_at for one in people]
        text = confirm(desk, picked(desk.get(URL))[:2])
        assert "Started for 2 of 2." in text
        assert text.count("Started: the person is being moved.") == 2
        seats = dict(SeatGrant.objects.live().values_list("email", "team"))
        assert seats == {"p0@x.co": new.pk, "p1@x.co": new.pk, "p2@x.co": lost.pk}
        assert [Redemption.objects.get(pk=one.pk).ends_at for one in people] == ends
        assert Departure.objects.filter(reason=DepartureReason.TEAM_GONE).count() == 2
        assert [email for email, _from, _to in lines(desk.get(URL))] == ["p2@x.co"]

    def test_sending_it_twice_moves_nobody_twice(self, desk: Client) -> None:
        a_person(a_team(held=1, **LOST))
        a_team(seats=9)
        chosen = picked(desk.get(URL))
        confirm(desk, chosen)
        assert "changed meanwhile" in confirm(desk, chosen)
        assert SeatGrant.objects.live().count() == 1
        assert SeatGrant.objects.count() == 2

    def test_nobody_gives_up_a_seat_for_none(self, desk: Client) -> None:
        lost, new = a_team(held=2, **LOST), a_team(seats=1)
        a_person(lost, "a@x.co"), a_person(lost, "b@x.co")
        late = [f"{grant.redemption_id}:{grant.pk}" for grant in SeatGrant.objects.order_by("pk")]
        text = confirm(desk, late)
        assert "Started for 1 of 2." in text
        assert "no seat free" in text
        assert set(SeatGrant.objects.live().values_list("email", "team")) == {("a@x.co", new.pk), ("b@x.co", lost.pk)}

    @pytest.mark.parametrize("chosen", [[], ["x:y"], ["9:9"], [":"], ["9" * 40 + ":1"]])
    def test_what_names_nobody_moves_nobody(self, desk: Client, chosen: list[str]) -> None:
        a_person(a_team(held=1, **LOST)), a_team()
        confirm(desk, chosen)
        assert SeatGrant.objects.count() == 1


class TestDoors:
    def test_nobody_without_the_right_comes_in(self, client: Client) -> None:
        a_person(a_team(held=1, **LOST), SAM)
        assert client.get(URL).status_code == 302
        client.force_login(a_looker())
        assert client.get(URL).status_code == 403
        assert client.post(URL, {"picked": "1:1"}).status_code == 403

    def test_another_site_cannot_post(self, desk: Client) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = desk.cookies
        assert strict.post(URL, {"picked": "1:1"}).status_code == 403

    def test_the_page_of_a_lost_team_leads_here(self, desk: Client) -> None:
        lost = a_team(held=1, **LOST)
        a_person(lost)
        text = desk.get(reverse("admin:teampool_team_change", args=[lost.pk])).content.decode()
        assert f'href="{URL}?teams={lost.pk}">Re-seat 1</a>' in text

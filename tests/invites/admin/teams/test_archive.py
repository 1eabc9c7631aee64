"""Archiving Teams: what is shown first, which codes go where, and whom it leads to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from invites.models import SeatGrant
from notifications.models import AuditEvent
from teampool.models import Team
from tests.cast import a_code, a_team, an_owner
from tests.invites.admin.teams.test_people import SECRET, a_looker
from tests.invites.admin.teams.test_reseat import a_person

URL = "/admin/teampool/team/archive/"
LIST = "/admin/teampool/team/"
EXPIRED = {"token_state": Team.Token.EXPIRED}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(olga_client: Client) -> Iterator[Client]:
    olga_client.cookies["django_language"] = "en"
    return olga_client


def listed(text: str) -> list[tuple[str, str, str]]:
    """Team, people, codes."""
    found = re.findall(
        r'data-label="Team">(.*?)</td>.*?with a seat"><span>(.*?)</span>.*?bound codes"[^>]*>(\d+)<', text, re.S
    )
    return [(re.sub(r"<[^>]+>", "", team).strip(), people, codes) for team, people, codes in found]


def shown(desk: Client, query: str = "") -> str:
    return desk.get(URL + query).content.decode()


class TestPreview:
    def test_it_names_every_expired_team_with_its_people_and_codes(self, desk: Client) -> None:
        full, empty = a_team(held=2, **EXPIRED), a_team(token_state=Team.Token.DISABLED)
        a_team(), a_team(archived_at=timezone.now(), **EXPIRED)
        a_person(full, "a@x.co"), a_person(full, "b@x.co")
        a_code(team=full), a_code(team=full, voided_at=timezone.now()), a_code()
        text = shown(desk)
        assert listed(text) == [(str(full), "2 · a@x.co, b@x.co", "1"), (str(empty), "0", "0")]
        assert "Archive 2 Teams</button>" in text
        assert "1 usable code is bound to these Teams:" in text
        assert not Team.objects.filter(pk=full.pk, archived_at__isnull=False).exists()

    def test_the_first_ten_of_a_team_are_named(self, desk: Client) -> None:
        team = a_team(seats=12, held=12, **EXPIRED)
        for n in range(12):
            a_person(team, f"p{n:02}@x.co")
        ((_team, people, _codes),) = listed(shown(desk))
        assert people.startswith("12 · p00@x.co, ")
        assert people.endswith(", p09@x.co +2")

    def test_there_is_none(self, desk: Client) -> None:
        a_team()
        assert "No Team has an expired token." in shown(desk)

    def test_the_list_leads_here_with_those_selected(self, desk: Client) -> None:
        teams = [a_team(), a_team(), a_team()]
        form = {"action": "archive", "_selected_action": [teams[0].pk, teams[2].pk]}
        answer = desk.post(LIST, form)
        assert answer["Location"] == f"{URL}?teams={teams[0].pk},{teams[2].pk}"
        assert [name for name, *_ in listed(shown(desk, answer["Location"].removeprefix(URL)))] == [
            str(teams[0]),
            str(teams[2]),
        ]
        assert f'href="{URL}"' in desk.get(LIST).content.decode()

    def test_the_queries_do_not_grow(self, desk: Client, django_assert_max_num_queries: Any) -> None:
        counts = []
        for number in (3, 30):
            for n in range(number):
                team = a_team(held=1, owner=an_owner(f"{n}@{number}.x.co"), **EXPIRED)
                a_person(team, f"p{n}@{number}.example.com"), a_code(team=team)
            desk.get(URL)
            with django_assert_max_num_queries(20) as asked:
                desk.get(URL)
            counts.append(len(asked))
        assert counts[0] == counts[1]

    def test_no_secret_is_in_it_and_both_languages_are_there(self, desk: Client) -> None:
        a_team(access_token=SECRET, owner=an_owner(session_token=SECRET), **EXPIRED)
        for language, word in (("en", "Archive 1 Team"), ("zh-hans", "归档 1 个 Team")):
            desk.cookies["django_language"] = language
            text = shown(desk)
            assert word in text
            assert SECRET not in text


class TestArchive:
    def archive(self, desk: Client, *teams: Team, **more: Any) -> Any:
        return desk.post(URL, {"team": [team.pk for team in teams]} | more)

    def test_it_voids_bound_codes_unless_told_otherwise(self, desk: Client) -> None:
        team, bound, free = a_team(**EXPIRED), None, a_code()
        bound = a_code(team=team)
        answer = self.archive(desk, team, cleaning="yes")
        assert answer["Location"] == f"{LIST}?state=archived"
        team.refresh_from_db(), bound.refresh_from_db(), free.refresh_from_db()
        assert team.archived_at is not None
        assert (bound.voided_at is None, free.voided_at) == (False, None)
        assert AuditEvent.objects.get(action="team_archived").actor == "olga"

    def test_it_points_them_to_a_team_that_stays(self, desk: Client) -> None:
        team, new = a_team(), a_team()
        bound = a_code(team=team)
        self.archive(desk, team, codes=str(new.pk))
        bound.refresh_from_db()
        assert (bound.team, bound.voided_at) == (new, None)

    @pytest.mark.parametrize("codes", ["0", "x", "", "9" * 40])
    def test_a_target_that_is_none_archives_nothing(self, desk: Client, codes: str) -> None:
        team = a_team()
        a_code(team=team)
        answer = self.archive(desk, team, codes=codes)
        assert answer.status_code == 400
        assert "Choose a Team that stays." in answer.content.decode()
        assert not Team.objects.filter(archived_at__isnull=False).exists()

    def test_codes_are_not_pointed_to_a_team_that_goes(self, desk: Client) -> None:
        team, other = a_team(), a_team()
        assert self.archive(desk, team, other, codes=str(other.pk)).status_code == 400
        assert not Team.objects.filter(archived_at__isnull=False).exists()

    def test_one_that_came_back_meanwhile_is_left(self, desk: Client) -> None:
        over, back = a_team(**EXPIRED), a_team()
        text = desk.get(self.archive(desk, over, back, cleaning="yes")["Location"]).content.decode()
        assert "1 Team archived. 1 was left: it changed meanwhile." in text
        assert list(Team.objects.filter(archived_at=None)) == [back]

    def test_its_people_are_listed_next(self, desk: Client) -> None:
        team, empty, new = a_team(held=1, **EXPIRED), a_team(**EXPIRED), a_team()
        a_person(team)
        answer = self.archive(desk, team, empty, cleaning="yes")
        assert answer["Location"] == f"{reverse('admin:team_reseat')}?teams={team.pk}"
        text = desk.get(answer["Location"]).content.decode()
        assert "2 Teams archived." in text
        assert "Re-seat 1 person</button>" in text
        assert str(new) in text
        assert SeatGrant.objects.live().get().team == team, "nobody is moved by archiving"

    def test_sending_it_twice_changes_nothing(self, desk: Client) -> None:
        team = a_team(**EXPIRED)
        self.archive(desk, team)
        first = Team.objects.get().archived_at
        self.archive(desk, team)
        assert Team.objects.get().archived_at == first


class TestDoors:
    def test_nobody_without_the_right_comes_in(self, client: Client) -> None:
        team = a_team(**EXPIRED)
        assert client.get(URL).status_code == 302
        client.force_login(a_looker())
        assert client.get(URL).status_code == 403
        assert client.post(URL, {"team": team.pk}).status_code == 403
        assert Team.objects.get().archived_at is None

    def test_another_site_cannot_post(self, desk: Client) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = desk.cookies
        assert strict.post(URL, {"team": a_team(**EXPIRED).pk}).status_code == 403

"""The people of a Team's page: what can be done to whom, adding many, allowing and removing strangers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from invites.actions.add_people import Added
from invites.admin.teams.add_and_remove import _WORDS as RESULTS
from invites.departures import carry_out
from invites.models import Departure, Redemption, SeatGrant
from invites.states import DepartureReason, GrantState
from notifications.models import AuditEvent
from teampool.models import AllowedMember, Member, Team
from tests.cast import ANA, OMAR, SAM, a_team
from tests.invites.rows import a_grant, a_member, a_redemption

pytestmark = pytest.mark.django_db
SECRET = "canary-77b1c2"


@pytest.fixture
def desk(olga_client: Client) -> Iterator[Client]:
    olga_client.cookies["django_language"] = "en"
    return olga_client


def a_looker() -> User:
    """Staff who may look at Teams and redemptions, and change neither."""
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=["view_team", "view_redemption"]))
    return clerk


def page_of(team: Team) -> str:
    return reverse("admin:teampool_team_change", args=[team.pk])


def rows(desk: Client, team: Team) -> dict[str, str]:
    """Each line of the people by its e-mail, markup and all."""
    text = desk.get(page_of(team)).content.decode()
    table = text[text.index('<div class="sk-scroll">') :]
    found = re.findall(r"<tr>\s*<td data-label=\"E-mail\">([^<]*)</td>(.*?)</tr>", table, re.S)
    return {email.strip(): line for email, line in found}


def buttons(line: str) -> list[str]:
    return re.findall(r"<button[^>]*>([^<]*)</button>", line)


def actions(line: str) -> dict[str, str]:
    return {name: action for action, name in re.findall(r'formaction="([^"]*)"[^>]*>([^<]*)<', line)}


def a_person(team: Team, email: str, state: GrantState, **fields: Any) -> Redemption:
    redemption = a_redemption(email, **fields)
    a_grant(redemption, state, team=team, at=timezone.now() - timedelta(hours=1))
    return redemption


def a_stranger(team: Team, email: str = SAM, **fields: Any) -> Member:
    return a_member(team, email, role="standard-user", **fields)


class TestButtons:
    def test_each_badge_has_its_own(self, desk: Client) -> None:
        team = a_team(seats=9, held=2)
        a_person(team, ANA, GrantState.VERIFIED)
        a_person(team, "in@example.com", GrantState.JOINED)
        a_member(team, "in@example.com", role="standard-user")
        a_stranger(team)
        a_member(team, OMAR, role="account-owner")
        a_member(team, "adm@example.com", role="account-admin")
        AllowedMember.objects.create(team=team, email="old@example.com", origin="baseline")
        a_member(team, "old@example.com", role="standard-user")
        lines = rows(desk, team)
        assert {email: buttons(line) for email, line in lines.items()} == {
            OMAR: [],
            "adm@example.com": [],
            SAM: ["Allow", "Remove"],
            ANA: ["Send again", "Revoke"],
            "in@example.com": ["Take back", "Re-seat"],
            "old@example.com": [],
        }
        assert "cannot be removed" in lines[OMAR]
        assert "cannot be removed" in lines["adm@example.com"]

    def test_a_hidden_person_can_be_allowed_and_removed_after_a_look(self, desk: Client) -> None:
        team = a_team()
        hidden = a_stranger(team, "")
        (line,) = rows(desk, team).values()
        assert buttons(line) == ["Allow", "Remove"]
        look = desk.get(actions(line)["Remove"]).content.decode()
        assert "this may be somebody with a seat of yours" in look
        assert hidden.upstream_id in look

    def test_whoever_only_looks_has_none(self, client: Client) -> None:
        client.force_login(a_looker())
        client.cookies["django_language"] = "en"
        team = a_team(held=1)
        a_person(team, ANA, GrantState.JOINED)
        a_stranger(team)
        assert [buttons(line) for line in rows(client, team).values()] == [[], []]

    def test_one_on_the_way_out_says_since_when_and_what_went_wrong(self, desk: Client) -> None:
        team = a_team()
        a_stranger(team)
        Departure.objects.create(
            team=team,
            email=SAM,
            reason=DepartureReason.STRANGER,
            opened_at=timezone.now() - timedelta(minutes=12),
            last_problem=carry_out.UNAVAILABLE,
        )
        line = rows(desk, team)[SAM]
        assert buttons(line) == []
        for words in ("Being removed", "12 min ago", "the Team cannot be reached"):
            assert words in line

    def test_upstream_texts_are_not_shown(self, desk: Client) -> None:
        team = a_team()
        a_stranger(team)
        Departure.objects.create(team=team, email=SAM, reason=DepartureReason.STRANGER, last_problem=SECRET)
        assert SECRET not in desk.get(page_of(team)).content.decode()
        assert "ChatGPT could not be asked" in rows(desk, team)[SAM]

    def test_a_hidden_member_on_the_way_out_is_found_by_id(self, desk: Client) -> None:
        team = a_team()
        member = a_stranger(team, "")
        Departure.objects.create(team=team, email=member.upstream_id, reason=DepartureReason.STRANGER)
        assert "Being removed" in desk.get(page_of(team)).content.decode()

    def test_a_seat_on_the_way_out_has_no_button(self, desk: Client) -> None:
        team = a_team(held=1)
        grant = a_person(team, ANA, GrantState.JOINED).grants.get()
        Departure.objects.create(team=team, email=ANA, grant=grant, reason=DepartureReason.RESEATED)
        line = rows(desk, team)[ANA]
        assert (buttons(line), "Being moved" in line) == ([], True)

    def test_the_queries_do_not_grow_with_the_people(self, desk: Client, django_assert_max_num_queries: Any) -> None:
        counts = []
        for number in (3, 30):
            team = a_team(seats=100, held=number)
            for n in range(number):
                a_person(team, f"p{n}@{number}.example.com", GrantState.JOINED)
                a_stranger(team, f"s{n}@{number}.example.com")
            desk.get(page_of(team))
            with django_assert_max_num_queries(25) as asked:
                assert len(rows(desk, team)) == 2 * number
            counts.append(len(asked))
        assert counts[0] == counts[1]


class TestAllow:
    def test_it_lets_a_stranger_stay_at_once(self, desk: Client) -> None:
        team = a_team()
        a_stranger(team)
        answer = desk.post(actions(rows(desk, team)[SAM])["Allow"], follow=True)
        assert "sam@example.com may stay in this Team." in answer.content.decode()
        assert AllowedMember.objects.get().email == SAM
        assert buttons(rows(desk, team)[SAM]) == []
        assert AuditEvent.objects.get(action="person_allowed").actor == "olga"

    def test_a_link_allows_nobody(self, desk: Client) -> None:
        team = a_team()
        assert desk.get(reverse("admin:team_person_allow", args=[team.pk, a_stranger(team).pk])).status_code == 405
        assert not AllowedMember.objects.exists()

    def test_one_who_left_meanwhile_is_not_allowed(self, desk: Client) -> None:
        team = a_team()
        answer = desk.post(reverse("admin:team_person_allow", args=[team.pk, 999]), follow=True)
        assert "is not in the Team any more" in answer.content.decode()

    def test_a_member_of_another_team_is_nobody_here(self, desk: Client) -> None:
        member = a_stranger(a_team())
        desk.post(reverse("admin:team_person_allow", args=[a_team().pk, member.pk]))
        assert not AllowedMember.objects.exists()


class TestRemove:
    def test_it_shows_who_first_and_then_writes_it_down(self, desk: Client) -> None:
        team = a_team()
        a_stranger(team)
        action = actions(rows(desk, team)[SAM])["Remove"]
        shown = desk.post(action).content.decode()
        assert SAM in shown
        assert "Remove 1 person</button>" in shown
        assert not Departure.objects.exists()
        answer = desk.post(action, {"confirmed": "yes"}, follow=True).content.decode()
        assert f"Started: {SAM} is being removed." in answer
        assert Departure.objects.get().email == SAM
        desk.post(action, {"confirmed": "yes"})
        assert Departure.objects.count() == 1

    def test_an_admin_is_refused_whatever_is_posted(self, desk: Client) -> None:
        team = a_team()
        admin = a_member(team, "adm@example.com", role="account-admin")
        url = reverse("admin:team_person_remove", args=[team.pk, admin.pk])
        answer = desk.post(url, {"confirmed": "yes"}, follow=True).content.decode()
        assert "owners and admins are never removed" in answer
        assert not Departure.objects.exists()


class TestAdd:
    def url(self, team: Team) -> str:
        return reverse("admin:team_people_add", args=[team.pk])

    def test_each_address_has_its_result(self, desk: Client) -> None:
        team = a_team(seats=2)
        text = f"{ANA}\nnot an address\n{ANA}\nb@example.com\nc@example.com"
        answer = desk.post(self.url(team), {"addresses": text}).content.decode()
        table = answer[answer.index("<tbody>") : answer.index("</tbody>")]
        found = re.findall(r'data-label="E-mail">([^<]*)</td><td data-label="Result">([^<]*)<', table)
        assert found == [
            (ANA, "being invited"),
            ("not an address", "not a complete e-mail address"),
            (ANA, "stands there twice"),
            ("b@example.com", "being invited"),
            ("c@example.com", "no seat free in this Team"),
        ]
        assert "Started for 2 of 5 addresses." in answer
        assert ">not an address\nc@example.com</textarea>" in answer
        assert set(SeatGrant.objects.values_list("email", "team")) == {(ANA, team.pk), ("b@example.com", team.pk)}

    def test_markup_in_an_address_is_text(self, desk: Client) -> None:
        answer = desk.post(self.url(a_team()), {"addresses": "<script>alert(1)</script>"}).content.decode()
        assert "<script>alert" not in answer

    def test_an_empty_box_says_so(self, desk: Client) -> None:
        assert "Write at least one address." in desk.post(self.url(a_team()), {"addresses": " \n"}).content.decode()

    def test_every_outcome_has_words(self) -> None:
        assert set(RESULTS) == set(Added)


class TestDoors:
    def urls(self, team: Team, member: Member) -> list[str]:
        return [
            reverse("admin:team_people_add", args=[team.pk]),
            reverse("admin:team_person_allow", args=[team.pk, member.pk]),
            reverse("admin:team_person_remove", args=[team.pk, member.pk]),
        ]

    def test_nobody_without_the_right_comes_in(self, client: Client) -> None:
        team = a_team()
        urls = self.urls(team, a_stranger(team))
        form = {"addresses": ANA, "confirmed": "yes"}
        for url in urls:
            assert client.post(url, form).status_code == 302, "to the log-in"
        client.force_login(a_looker())
        for url in urls:
            assert client.post(url, form).status_code == 403
        assert [model.objects.count() for model in (SeatGrant, AllowedMember, Departure)] == [0, 0, 0]

    def test_another_site_cannot_post(self, desk: Client) -> None:
        team = a_team()
        strict = Client(enforce_csrf_checks=True)
        strict.cookies = desk.cookies
        for url in self.urls(team, a_stranger(team)):
            assert strict.post(url, {"addresses": ANA, "confirmed": "yes"}).status_code == 403

    @pytest.mark.parametrize(("language", "word"), [("en", "Add people"), ("zh-hans", "添加成员")])
    def test_both_languages(self, desk: Client, language: str, word: str) -> None:
        desk.cookies["django_language"] = language
        team = a_team(access_token=SECRET)
        for url in (self.urls(team, a_stranger(team))[0], page_of(team)):
            text = desk.get(url).content.decode()
            assert word in text
            assert SECRET not in text

"""The list of Teams and the page of one."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from invites.states import GrantState
from notifications.models import AuditEvent
from teampool.models import AllowedMember, Member, Owner, Team, TeamLogin
from tests.cast import OMAR, a_team, an_owner
from tests.invites.rows import a_grant, a_redemption

LIST = "/admin/teampool/team/"
SECRET = "canary-5f1d0e"


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return olga_client


def page_of(team: Team) -> str:
    return reverse("admin:teampool_team_change", args=[team.pk])


def listed(desk: Client, query: str = "") -> list[str]:
    """The names of the Teams, in the order of the list."""
    text = desk.get(LIST + query).content.decode()
    return re.findall(r'>([\w -]+) <span class="sk-id">', text)


def text_of(desk: Client, path: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", desk.get(path).content.decode()))


class TestList:
    def test_an_empty_one_leads_to_the_import(self, desk: Client) -> None:
        text = desk.get(LIST).content.decode()
        assert "There is no Team yet." in text
        assert f'href="{reverse("admin:import_teams")}"' in text

    def test_red_ones_come_first_then_the_last_invitation(self, desk: Client) -> None:
        now = timezone.now()
        a_team(name="never")
        a_team(name="older", last_invite_at=now - timedelta(hours=2))
        a_team(name="newer", last_invite_at=now - timedelta(hours=1))
        a_team(name="red", token_state=Team.Token.EXPIRED)
        assert listed(desk) == ["red", "newer", "older", "never"]

    def test_a_row_says_what_counts(self, desk: Client) -> None:
        a_team(name="Shanghai", held=2, outsiders=1, account_id="a1b2c3d4-0000-4000-8000-000000000000")
        text = text_of(desk, LIST)
        for words in ("Shanghai a1b2c3d4", "3/4", "outsiders 1", "Available", OMAR, "1 min ago"):
            assert words in text
        assert "a1b2c3d4-0000" not in text

    def test_a_failed_sync_is_marked_and_its_text_is_not_shown(self, desk: Client) -> None:
        a_team(sync_problem="upstream said: " + SECRET)
        text = text_of(desk, LIST)
        assert "Sync failed" in text
        assert SECRET not in text

    def test_archived_ones_show_only_when_asked_for(self, desk: Client) -> None:
        a_team(name="here")
        a_team(name="gone", archived_at=timezone.now())
        assert listed(desk) == ["here"]
        assert listed(desk, "?state=archived") == ["gone"]

    @pytest.mark.parametrize(
        ("query", "names"),
        [
            ("?state=red", ["expired", "over"]),
            ("?state=full", ["full"]),
            ("?state=over_full", ["over"]),
            ("?free=yes", ["expired", "roomy"]),
            ("?free=now", ["roomy"]),
            ("?held=yes", ["full", "over"]),
            ("?renewal=yes", ["roomy"]),
            ("?renewal=no", ["expired", "full", "over"]),
            ("?q=roo", ["roomy"]),
            ("?q=otto@", ["roomy"]),
            ("?q=c0ffee", ["full"]),
            ("?state=red&held=yes", ["over"]),
        ],
    )
    def test_it_narrows_down(self, desk: Client, query: str, names: list[str]) -> None:
        otto = an_owner("otto@example.com", session_token=SECRET)
        a_team(name="roomy", owner=otto)
        a_team(name="full", held=4, account_id="c0ffee00-0000-4000-8000-000000000000")
        a_team(name="over", held=5)
        a_team(name="expired", token_state=Team.Token.EXPIRED)
        assert sorted(listed(desk, query)) == names

    def test_a_login_that_died_does_not_renew_itself(self, desk: Client) -> None:
        owner = an_owner("otto@example.com", session_token=SECRET, login=Owner.Login.EXPIRED)
        a_team(name="dead", owner=owner)
        assert listed(desk, "?renewal=no") == ["dead"]

    def test_a_refresh_token_renews_only_with_its_client_id(self, desk: Client) -> None:
        proven = {"client_id": "app_1", "client_state": Owner.Client.PROVEN}
        a_team(name="with", owner=an_owner("w@example.com", refresh_token=SECRET, **proven))
        a_team(name="untried", owner=an_owner("u@example.com", refresh_token=SECRET, client_id="app_1"))
        a_team(name="without", owner=an_owner("o@example.com", refresh_token=SECRET))
        assert listed(desk, "?renewal=yes") == ["with"]

    def test_its_queries_do_not_grow(self, desk: Client, django_assert_max_num_queries: Any) -> None:
        counts = []
        for teams in (3, 27):
            for n in range(teams):
                a_team(owner=an_owner(f"{teams}-{n}@example.com"))
            desk.get(LIST)  # fills what the process keeps
            with django_assert_max_num_queries(12) as asked:
                desk.get(LIST)
            counts.append(len(asked))
        assert counts[0] == counts[1]

    def test_500_teams_are_listed_quickly(self, desk: Client, capsys: pytest.CaptureFixture[str]) -> None:
        owner, now = an_owner(session_token=SECRET), timezone.now()
        Team.objects.bulk_create(
            Team(owner=owner, account_id=f"team-{n}", access_token=SECRET, seat_total=4, seat_cap=4, opened_at=now)
            for n in range(500)
        )
        desk.get(LIST)
        started = time.perf_counter()
        response = desk.get(LIST)
        with capsys.disabled():
            print(f"\nTeam list, 500 Teams: {(time.perf_counter() - started) * 1000:.0f} ms")  # noqa: T201
        assert response.context["cl"].result_count == 500
        assert len(response.context["cl"].result_list) == 50

    def test_no_secret_is_in_it(self, desk: Client) -> None:
        owner = an_owner(session_token=SECRET, refresh_token=SECRET)
        a_team(owner=owner, access_token=SECRET)
        assert SECRET not in desk.get(LIST).content.decode()


class TestActions:
    def run(self, desk: Client, action: str, *teams: Team, **more: Any) -> str:
        form = {"action": action, "_selected_action": [team.pk for team in teams], **more}
        return desk.post(LIST, form, follow=True).content.decode()

    def test_pause_and_let_them_take_people_again(self, desk: Client) -> None:
        teams = [a_team(), a_team(), a_team()]
        assert "2 Teams changed." in self.run(desk, "pause", *teams[:2])
        assert list(Team.objects.order_by("pk").values_list("is_enabled", flat=True)) == [False, False, True]
        assert "2 Teams changed." in self.run(desk, "resume", *teams)
        assert not Team.objects.filter(is_enabled=False).exists()
        assert AuditEvent.objects.filter(action="team_changed", actor="olga").count() == 4

    def test_the_cap_is_asked_for_on_a_page_that_names_the_teams(self, desk: Client) -> None:
        team = a_team(name="Shanghai")
        text = self.run(desk, "cap", team)
        assert "Shanghai" in text
        assert Team.objects.get().operator_cap is None

    def test_a_large_number_stays_one_number(self, desk: Client) -> None:
        text = self.run(desk, "cap", a_team(id=1234))
        assert 'name="_selected_action" value="1234"' in text

    def test_the_cap_is_set_for_all_of_them(self, desk: Client) -> None:
        teams = [a_team(seats=8), a_team(seats=8)]
        self.run(desk, "cap", *teams, seats="3")
        assert list(Team.objects.values_list("operator_cap", "seat_total")) == [(3, 3), (3, 3)]

    def test_an_empty_cap_takes_it_away(self, desk: Client) -> None:
        self.run(desk, "cap", a_team(operator_cap=2, seats=5, seat_total=2), seats="")
        assert Team.objects.get().seat_total == 5

    @pytest.mark.parametrize("seats", ["0", "1001", "many"])
    def test_a_cap_out_of_bounds_changes_nothing(self, desk: Client, seats: str) -> None:
        text = self.run(desk, "cap", a_team(), seats=seats)
        assert 'class="sk-error"' in text
        assert Team.objects.get().operator_cap is None

    def test_sync_of_some(self, desk: Client, django_capture_on_commit_callbacks: Any) -> None:
        teams = [a_team(), a_team()]
        with django_capture_on_commit_callbacks(execute=True):
            text = self.run(desk, "sync", teams[0])
        assert "Started: the sync of 1 Team." in text
        assert [(row.func(), tuple(row.task["args"])) for row in OrmQ.objects.all()] == [
            ("invites.tasks.sync_team", (teams[0].pk,))
        ]

    def test_sync_of_all(self, desk: Client, django_capture_on_commit_callbacks: Any) -> None:
        a_team(), a_team()
        with django_capture_on_commit_callbacks(execute=True):
            response = desk.post(reverse("admin:teampool_team_sync_all"), follow=True)
        assert "Started: the sync of 2 Teams." in response.content.decode()
        assert [row.func() for row in OrmQ.objects.all()] == ["invites.tasks.sync"]

    def test_looking_at_a_link_syncs_nothing(self, desk: Client) -> None:
        assert desk.get(reverse("admin:teampool_team_sync_all")).status_code == 405
        assert desk.get(reverse("admin:teampool_team_sync", args=[a_team().pk])).status_code == 405

    def test_whoever_may_only_look_changes_nothing(self, client: Client, db: None) -> None:
        from django.contrib.auth.models import Permission

        clerk = User.objects.create_user("clerk", is_staff=True)
        clerk.user_permissions.add(Permission.objects.get(codename="view_team"))
        client.force_login(clerk)
        team = a_team()
        self.run(client, "pause", team)
        client.post(page_of(team), {"name": "Mine", "operator_cap": "1"})
        assert client.post(reverse("admin:teampool_team_sync", args=[team.pk])).status_code == 403
        team.refresh_from_db()
        assert (team.is_enabled, team.operator_cap) == (True, None)
        assert team.name != "Mine"


class TestPage:
    def test_saving_writes_the_three_fields_only(self, desk: Client) -> None:
        team = a_team(name="Old", held=2, seats=8)
        form = {"name": "New", "operator_cap": "5", "seats_held": "0", "seat_total": "99", "access_token": "x"}
        assert desk.post(page_of(team), form).status_code == 302
        team = Team.objects.get()
        assert (team.name, team.is_enabled, team.operator_cap) == ("New", False, 5)
        assert (team.seats_held, team.seat_total, team.access_token) == (2, 5, "not-a-real-token")
        assert AuditEvent.objects.get().actor == "olga"

    def test_a_seat_taken_while_the_page_was_open_stays_taken(self, desk: Client) -> None:
        team = a_team()
        desk.get(page_of(team))
        Team.objects.filter(pk=team.pk).update(seats_held=4)
        desk.post(page_of(team), {"name": "New", "is_enabled": "on", "operator_cap": ""})
        assert Team.objects.get().seats_held == 4

    def test_a_cap_out_of_bounds_is_refused_at_its_field(self, desk: Client) -> None:
        team = a_team(name="Old")
        response = desk.post(page_of(team), {"name": "New", "operator_cap": "0"})
        assert response.status_code == 200
        assert "operator_cap" in response.context["adminform"].form.errors
        assert Team.objects.get().name == "Old"

    def test_it_says_why_and_where_the_cap_comes_from(self, desk: Client) -> None:
        text = text_of(desk, page_of(a_team(held=5)))
        assert "More people than seats." in text
        assert "5/4 Over-full" in text
        assert "Seats 4 = bought 5 − owner 1" in text

    def test_the_parts_of_the_bar_add_up(self, desk: Client) -> None:
        team = a_team(seats=6, held=3, outsiders=1)
        for n, state in enumerate((GrantState.JOINED, GrantState.VERIFIED, GrantState.RESERVED)):
            a_grant(a_redemption(f"{n}@example.com"), state, team=team)
        assert "4/6 · joined 1 · waiting 2 · outsiders 1 · free 2" in text_of(desk, page_of(team))

    def test_it_shows_the_credentials_without_their_values(self, desk: Client) -> None:
        owner = an_owner(session_token=SECRET, refresh_token=SECRET, client_id="app_1")
        team = a_team(owner=owner, access_token=SECRET)
        response = desk.get(page_of(team))
        assert SECRET not in response.content.decode()
        text = text_of(desk, page_of(team))
        assert text.count(" Set") >= 3
        assert f"{reverse('admin:import_teams')}?owner={owner.pk}" in response.content.decode()

    def test_it_lists_the_people_with_their_right(self, desk: Client) -> None:
        team = a_team(held=1)
        redemption = a_redemption("ana@example.com")
        a_grant(redemption, GrantState.JOINED, team=team)
        Member.objects.create(team=team, kind="member", upstream_id="user-1", email="ana@example.com")
        Member.objects.create(team=team, kind="member", upstream_id="user-2", email="sam@example.com")
        text = text_of(desk, page_of(team))
        assert "ana@example.com" in text
        assert f"{redemption.code.dashed} → {redemption.reference}" in text
        assert "Stranger" in text

    def test_it_shows_its_history(self, desk: Client) -> None:
        team = a_team(name="Old")
        desk.post(page_of(team), {"name": "New", "is_enabled": "on"})
        assert "Team changed: name Old → New" in text_of(desk, page_of(team))

    def test_a_failed_sync_says_which_list_this_is(self, desk: Client) -> None:
        text = text_of(desk, page_of(a_team(sync_problem=SECRET)))
        assert "The last sync failed; this is the list of" in text
        assert SECRET not in text

    def test_sync_rings_and_comes_back(self, desk: Client, django_capture_on_commit_callbacks: Any) -> None:
        team = a_team()
        with django_capture_on_commit_callbacks(execute=True):
            response = desk.post(reverse("admin:teampool_team_sync", args=[team.pk]))
        assert response["Location"] == page_of(team)
        assert [row.func() for row in OrmQ.objects.all()] == ["invites.tasks.sync_team"]

    @pytest.mark.parametrize("number", ["999", "x", "-1"])
    def test_a_team_that_is_not_there_is_no_error(self, desk: Client, number: str) -> None:
        assert desk.get(f"{LIST}{number}/change/").status_code in (302, 404)

    def test_its_log_ins_the_one_in_use_first(self, desk: Client) -> None:
        team = a_team(owner=an_owner("z@x.co"))
        TeamLogin.objects.create(team=team, owner=an_owner("a@x.co"))
        TeamLogin.objects.create(team=team, owner=an_owner("b@x.co"), problem="access_lost")
        page = re.sub(r"<[^>]+>", " ", desk.get(page_of(team)).content.decode())
        assert re.search(r"z@x\.co\W+in use\W+a@x\.co\W+spare\W+b@x\.co\W+no access", page)

    def test_its_queries_do_not_grow(self, desk: Client, django_assert_max_num_queries: Any) -> None:
        team = a_team(seats=60, held=0)
        counts = []
        for people in (3, 27):
            for n in range(people):
                a_grant(a_redemption(f"{people}-{n}@example.com"), GrantState.JOINED, team=team)
                Member.objects.create(
                    team=team, kind="member", upstream_id=f"u{people}-{n}", email=f"{people}-{n}@example.com"
                )
                AllowedMember.objects.create(team=team, email=f"{people}-{n}-b@example.com", origin="baseline")
            desk.get(page_of(team))  # fills what the process keeps
            with django_assert_max_num_queries(20) as asked:
                desk.get(page_of(team))
            counts.append(len(asked))
        assert counts[0] == counts[1]

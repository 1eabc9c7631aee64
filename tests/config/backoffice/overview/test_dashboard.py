"""The first screen."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from guardian.clockwork import heartbeats
from invites.states import GrantState
from teampool.models import Team
from tests.cast import a_batch, a_team, an_owner, noon
from tests.invites.rows import a_grant, a_redemption


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return olga_client


def html(desk: Client) -> str:
    return desk.get("/admin/").content.decode()


def text(desk: Client) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html(desk)))


class TestFreshInstall:
    def test_it_shows_the_three_steps_and_the_box(self, desk: Client) -> None:
        page = text(desk)
        assert "<details open><summary>How to get it" in desk.get("/admin/").content.decode()
        assert "<details><summary>How to get it" in desk.get("/admin/import/").content.decode()
        for words in ("① Import your first Team", "② Make codes", "③ Send this address to your users", "make demo"):
            assert words in page
        assert '<textarea class="sk-input" id="import-text" name="text"' in html(desk)
        assert 'action="/admin/import/"' in html(desk)
        assert 'value="http://testserver/"' in html(desk)

    def test_it_shows_nothing_else(self, desk: Client) -> None:
        assert "Needs you now" not in text(desk)
        assert "Free seats" not in text(desk)

    def test_the_first_step_ticks_itself_off(self, desk: Client) -> None:
        a_team()
        page = text(desk)
        assert "✓ Done Import your first Team" in page
        assert "② Make codes" in page
        assert "<textarea" not in html(desk)
        assert "Free seats" in page

    def test_they_go_when_all_is_done(self, desk: Client) -> None:
        a_team()
        a_batch()
        assert "✓ Done Make codes" in text(desk)
        a_redemption()
        assert "Make codes" not in text(desk)
        assert "Import your first Team" not in text(desk)


class TestNumbers:
    @pytest.fixture(autouse=True)
    def pool(self, db: None) -> None:
        a_redemption()
        self.team = a_team(seats=5, held=3, outsiders=1)
        a_team(seats=4, held=1, is_enabled=False)
        a_team(seats=9, archived_at=timezone.now())
        states = (GrantState.JOINED, GrantState.VERIFIED, GrantState.INVITED)
        for n, state in enumerate(states):
            a_grant(a_redemption(f"{n}@example.com"), state, team=self.team)

    def test_they_are_those_of_the_pool(self, desk: Client) -> None:
        page = text(desk)
        for words in ("1 Free seats", "4 Held", "2 of these waiting", "1 / 2 Available Teams"):
            assert words in page

    def test_the_parts_of_the_bar_add_up_to_every_seat(self, desk: Client) -> None:
        seats = desk.get("/admin/").context["seats"]
        assert (seats.joined, seats.waiting, seats.outsiders, seats.free, seats.unavailable) == (2, 2, 1, 1, 3)
        assert seats.total == 9
        assert "Joined 2 · waiting 2 · outsiders 1 · free 1 · unavailable 3" in text(desk)

    def test_each_opens_its_list(self, desk: Client) -> None:
        links = re.findall(r'<a href="([^"]+)"><b>', html(desk))
        assert len(links) == 4
        sizes = [desk.get(link).context["cl"].result_count for link in links]
        assert sizes == [1, 2, 2, 2]


class TestRedemptionsADay:
    def test_each_day_opens_its_list(self, desk: Client, time_machine: Any) -> None:
        time_machine.move_to(noon())
        a_team()
        a_redemption("today@example.com")
        a_redemption("refused@example.com", state="refused")
        a_redemption("before@example.com", created_at=timezone.now() - timedelta(days=1))
        assert "accepted 2 · refused 1" in html(desk)
        today = desk.get("/admin/").context["chart"].rows[0][1]
        found = desk.get(today).context["cl"].result_list
        assert {one.email for one in found} == {"today@example.com", "refused@example.com"}


class TestNeedsYouNow:
    def test_it_says_so_when_there_is_nothing(self, desk: Client) -> None:
        a_team(seats=11)
        heartbeats.beat(timezone.now())
        assert "Nothing needs you now." in text(desk)

    def test_each_line_leads_where_it_says(self, desk: Client) -> None:
        heartbeats.beat(timezone.now())
        owner = an_owner("a@x.co")
        a_team(owner=owner, token_state=Team.Token.EXPIRED)
        page = html(desk)
        assert "Login of a@x.co expired; 1 Team takes no one" in page
        assert f'href="/admin/import/?owner={owner.pk}">Paste new session</a>' in page
        assert desk.get(f"/admin/import/?owner={owner.pk}").status_code == 200

    def test_what_is_done_at_once_is_a_button_and_its_words_lead_to_the_list(self, desk: Client) -> None:
        redemption = a_redemption(created_at=timezone.now() - timedelta(minutes=11))
        a_grant(redemption, GrantState.INVITED)
        page = html(desk)
        found = re.search(r'<a class="text-link" href="([^"]+)">1 invitation unconfirmed for 10 min</a>', page)
        assert found is not None
        assert desk.get(found[1]).context["cl"].result_count == 1
        form = re.search(r'<form method="post" action="/admin/invites/redemption/check/">.*?</form>', page)
        assert form is not None
        assert '<button class="sk-button">Check again</button>' in form[0]
        answer = desk.post("/admin/invites/redemption/check/", {"next": "/admin/"}, follow=True)
        assert answer.redirect_chain == [("/admin/", 302)]

    def test_a_silent_worker_says_how_to_restart(self, desk: Client) -> None:
        a_team()
        assert "Background work has not started; no invitation goes out" in text(desk)
        assert 'href="/admin/doctor/">How to restart</a>' in html(desk)
        assert desk.get("/admin/doctor/").status_code == 200

    def test_what_people_are_called_is_only_text(self, desk: Client) -> None:
        a_team(held=5, name="<script>alert(1)</script>")
        assert "<script>alert(1)" not in html(desk)


class TestState:
    def test_it_says_when_it_last_looked_and_that_the_worker_runs(self, desk: Client) -> None:
        now = timezone.now()
        a_team(now=now, snapshot_started_at=now - timedelta(minutes=3))
        heartbeats.beat(now - timedelta(seconds=10))
        assert re.search(r"Last sync 3 min ago · background work runs, 1\d s ago", text(desk))

    def test_it_says_that_the_worker_stands_still(self, desk: Client) -> None:
        a_team()
        heartbeats.beat(timezone.now() - timedelta(hours=3))
        assert "background work stands still, 3 h ago" in text(desk)


class TestCost:
    def test_its_queries_do_not_grow(self, desk: Client, django_assert_max_num_queries: Any) -> None:
        counts = []
        for teams in (3, 27):
            for n in range(teams):
                owner = an_owner(f"{teams}-{n}@example.com")
                team = a_team(owner=owner, held=5, token_state=Team.Token.EXPIRED)
                a_team(owner=owner, held=1, workspace_state=Team.Workspace.SUSPENDED)
                a_grant(a_redemption(f"{teams}-{n}@example.com"), GrantState.INVITED, team=team)
            desk.get("/admin/")  # fills what the process keeps
            with django_assert_max_num_queries(33) as asked:
                desk.get("/admin/")
            counts.append(len(asked))
        assert counts[0] == counts[1]

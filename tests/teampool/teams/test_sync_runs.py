"""How far a sync got that an operator asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from teampool.models import SyncRun, Team
from teampool.teams import changes, sync_runs
from tests.cast import a_team

PROGRESS = "/admin/teampool/team/sync/progress/"
NOW = timezone.now()
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.cookies["django_language"] = "en"
    return olga_client


def a_run(*teams: Team, ago: timedelta = MINUTE) -> SyncRun:
    return SyncRun.objects.create(team_ids=[team.pk for team in teams], started_at=NOW - ago)


def newest(**options: Any) -> tuple[int, int, int, int] | None:
    found = sync_runs.newest(NOW, **options)
    return found and (found.done, found.total, found.failed, found.waiting)


class TestNewest:
    def test_a_team_is_done_once_it_was_looked_at_since(self) -> None:
        before, since = a_team(sync_tried_at=NOW - 2 * MINUTE), a_team(sync_tried_at=NOW)
        a_run(before, since, a_team(sync_tried_at=None))
        assert newest() == (1, 3, 0, 0)

    def test_one_somebody_is_at_is_not_done(self) -> None:
        a_run(a_team(sync_tried_at=NOW, sync_lease_until=NOW + MINUTE))
        assert newest() == (0, 1, 0, 0)

    def test_one_whose_worker_died_is(self) -> None:
        a_run(a_team(sync_tried_at=NOW, sync_lease_until=NOW - timedelta(seconds=1)))
        assert newest() == (1, 1, 0, 0)

    def test_those_that_failed_are_counted(self) -> None:
        a_run(a_team(sync_tried_at=NOW, sync_problem="timeout"), a_team(sync_tried_at=NOW))
        assert newest() == (2, 2, 1, 0)

    def test_nobody_waits_for_one_that_cools_down(self) -> None:
        a_run(a_team(sync_tried_at=None, cooldown_until=NOW + MINUTE), a_team(sync_tried_at=NOW))
        assert newest() == (1, 2, 0, 1)
        found = sync_runs.newest(NOW)
        assert found is not None
        assert found.is_over

    def test_one_archived_meanwhile_does_not_count(self) -> None:
        a_run(a_team(sync_tried_at=NOW, archived_at=NOW), a_team(sync_tried_at=NOW))
        assert newest() == (1, 1, 0, 0)

    def test_it_is_news_for_a_quarter_of_an_hour(self) -> None:
        a_run(a_team(), ago=16 * MINUTE)
        assert newest() is None

    def test_the_page_of_a_team_shows_only_its_own(self) -> None:
        team, other = a_team(sync_tried_at=None), a_team()
        a_run(team)
        assert newest(team_id=other.pk) is None
        assert newest(team_id=team.pk) == (0, 1, 0, 0)

    def test_the_page_of_a_team_says_nothing_of_the_others(self) -> None:
        team, other = a_team(sync_tried_at=NOW), a_team(sync_tried_at=NOW, sync_problem="timeout")
        a_run(team, other)
        assert newest(team_id=team.pk) == (1, 1, 0, 0)
        assert newest(team_id=other.pk) == (1, 1, 1, 0)

    def test_a_new_one_drops_those_of_yesterday(self) -> None:
        a_run(a_team(), ago=timedelta(days=2))
        changes.want_sync_of_all()
        assert SyncRun.objects.count() == 1


class TestLine:
    def test_it_is_polled_until_all_are_done(self, desk: Client) -> None:
        team = a_team(sync_tried_at=None)
        SyncRun.objects.create(team_ids=[team.pk])
        for page in (PROGRESS, "/admin/teampool/team/", f"/admin/teampool/team/{team.pk}/change/"):
            text = desk.get(page).content.decode()
            assert "<b>0/1</b>" in text
            assert 'hx-trigger="every 2s"' in text
        Team.objects.update(sync_tried_at=timezone.now(), sync_problem="canary")
        text = desk.get(PROGRESS).content.decode()
        assert "<b>1/1</b>" in text
        assert "Sync failed: ChatGPT cannot be reached; 1 Team keeps the data it had" in text
        assert "hx-trigger" not in text
        assert "canary" not in text

    def test_the_list_names_those_that_failed_and_the_page_of_another_does_not(self, desk: Client) -> None:
        good, *bad = (a_team(name=f"Team {n}", sync_tried_at=timezone.now()) for n in range(8))
        Team.objects.exclude(pk=good.pk).update(sync_problem="timeout")
        SyncRun.objects.create(team_ids=[good.pk, *(team.pk for team in bad)], started_at=NOW - MINUTE)
        assert " · ".join(f"{team}" for team in bad[:5]) + " …" in desk.get(PROGRESS).content.decode()
        assert "Sync failed" not in desk.get(f"{PROGRESS}?team={good.pk}").content.decode()

    def test_nothing_is_shown_when_nothing_was_asked_for(self, desk: Client) -> None:
        a_team()
        assert "sync-progress" not in desk.get("/admin/teampool/team/").content.decode()

    def test_it_costs_the_same_for_many(self, desk: Client, django_assert_num_queries: Any) -> None:
        counts = []
        for number in (3, 30):
            changes.want_sync(team_ids=[a_team().pk for _ in range(number)])
            desk.get(PROGRESS)
            with django_assert_num_queries(4) as asked:  # session, user, run, Teams
                desk.get(PROGRESS)
            counts.append(len(asked))
        assert counts[0] == counts[1]

    def test_only_operators_see_it(self, client: Client) -> None:
        assert client.get(PROGRESS).status_code == 302

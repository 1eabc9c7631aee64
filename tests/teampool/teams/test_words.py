"""Sentences about one Team: why it stands as it does, its log-in, where its cap comes from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from teampool import stored_snapshot
from teampool.models import Owner, Team
from teampool.teams import words
from teampool.teams.badges import BADGES, badge_for
from tests.cast import a_team, an_owner
from tests.teampool.teams.test_badges import many_teams

NOW = timezone.now()

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shanghai")]


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


class TestWhy:
    def test_every_badge_has_a_sentence_of_its_own(self) -> None:
        said = {badge_for(team, NOW).key: words.why(team, NOW) for team in many_teams()}
        assert set(said) == {badge.key for badge in BADGES}
        assert len(set(said.values())) == len(said)

    @pytest.mark.parametrize("state", ["suspended", "access_lost", "insufficient_role", "restricted"])
    def test_a_lost_workspace_says_in_which_way(self, state: str) -> None:
        others = {words.why(a_team(workspace_state=other), NOW) for other in Team.Workspace.values if other != state}
        assert words.why(a_team(workspace_state=state), NOW) not in others

    @pytest.mark.parametrize("problem", [stored_snapshot.OWN_LOGIN_MISSING, stored_snapshot.OTHER_WORKSPACE])
    def test_a_list_that_is_not_believed_asks_for_a_session(self, problem: str) -> None:
        said = words.why(a_team(snapshot_has_self=False, sync_problem=problem), NOW)
        assert "not believed" in said
        assert "session" in said

    def test_without_a_list_the_next_sync_is_enough(self) -> None:
        said = words.why(a_team(snapshot_has_self=False, sync_problem="page 1: no items"), NOW)
        assert said == "There is no complete list of its people yet. The next sync fetches one."

    def test_an_available_team_says_how_many_seats_are_free(self) -> None:
        assert "3 seats" in words.why(a_team(held=1), NOW)


class TestCredential:
    def said(self, *, renews_itself: bool = False, **fields: Any) -> str:
        return words.credential(a_team(now=NOW, **fields), renews_itself=renews_itself, now=NOW).text

    def test_a_login_with_tokens_renews_itself(self) -> None:
        assert self.said(renews_itself=True) == "Renews itself"

    def test_a_lone_token_says_until_when(self) -> None:
        end = NOW.replace(year=NOW.year + 1, month=3, day=2, hour=6, minute=30)
        assert self.said(access_expires_at=end) == f"Until {end.year}-03-02 14:30"

    def test_a_token_that_is_over_is_expired(self) -> None:
        assert self.said(access_expires_at=NOW - timedelta(seconds=1)) == "Expired"

    def test_a_refused_token_is_expired_whatever_its_date(self) -> None:
        assert self.said(renews_itself=True, token_state=Team.Token.EXPIRED) == "Expired"

    def test_a_dead_login_does_not_renew_itself(self) -> None:
        owner = an_owner(login=Owner.Login.EXPIRED)
        assert self.said(owner=owner, renews_itself=True).startswith("Until ")

    def test_an_unknown_end_is_a_dash(self) -> None:
        assert self.said(access_expires_at=None) == "–"


class TestListProblem:
    @pytest.mark.parametrize(
        ("problem", "said"),
        [
            ("page 2: 502, server_error", "The list is incomplete (page 2 failed); this is the one of <time"),
            ("canary", "The last sync failed; this is the list of <time"),
        ],
    )
    def test_it_says_which_page_failed_and_nothing_of_upstreams(self, problem: str, said: str) -> None:
        text = words.list_problem(a_team(sync_problem=problem))
        assert said in text
        assert "canary" not in text

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"workspace_state": "suspended"}, "the Team is suspended"),
            ({"token_state": "expired"}, "the login expired"),
            ({"workspace_state": "access_lost"}, "the login no longer reaches the Team"),
            ({"sync_problem": "page 1: no items"}, "the list is incomplete"),
            ({"sync_problem": stored_snapshot.OTHER_WORKSPACE}, "the list is that of another Team"),
            ({"sync_problem": "canary"}, "ChatGPT cannot be reached"),
        ],
    )
    def test_a_failed_sync_has_a_reason_in_our_words(self, fields: dict[str, str], said: str) -> None:
        assert words.sync_reason(a_team(**fields)) == said

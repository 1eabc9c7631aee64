"""The one word for a Team, in memory and in the database."""

from __future__ import annotations

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from teampool.models import Team
from teampool.teams.badges import BADGES, BY_KEY, RED, badge_for, need_a_person, with_badge
from tests.cast import a_team, an_owner, noon

# These write wall-clock times as people read them.
pytestmark = pytest.mark.usefixtures("shanghai")

NOW = timezone.now()
PAST, FUTURE = NOW - timedelta(hours=1), NOW + timedelta(hours=1)


def word(**fields: Any) -> str:
    team = a_team(now=NOW, **fields)
    with translation.override("en"):
        return badge_for(team, NOW).text(team, NOW)


@pytest.mark.django_db
class TestBadgeFor:
    def test_a_team_with_room_is_available(self) -> None:
        assert word() == "Available"

    def test_a_team_without_a_free_seat_is_full(self) -> None:
        assert word(held=3, outsiders=1) == "Full"

    def test_a_team_upstream_calls_full_is_full(self) -> None:
        assert word(upstream_full_at=PAST) == "Full"

    def test_a_team_with_too_many_people_is_over_full(self) -> None:
        assert word(held=4, outsiders=1) == "Over-full"

    def test_the_operators_pause(self) -> None:
        assert word(is_enabled=False) == "Paused"

    def test_a_cool_down_says_until_when(self) -> None:
        now = noon()
        team = Team(cooldown_until=now + timedelta(minutes=20))
        with translation.override("en"):
            assert BY_KEY["cooling"].text(team, now) == "Cooling down until 12:20"
            team.cooldown_until += timedelta(days=1)
            assert BY_KEY["cooling"].text(team, now) == "Cooling down until 2026-07-16 12:20"

    @pytest.mark.parametrize("fields", [{"seats_known": "unread"}, {"seats_read_at": NOW - timedelta(hours=25)}])
    def test_a_team_whose_number_nobody_knows_takes_no_one(self, fields: dict[str, Any]) -> None:
        assert word(**fields) == "Seats not read"

    def test_a_cool_down_that_is_over_is_none(self) -> None:
        assert word(cooldown_until=PAST) == "Available"

    @pytest.mark.parametrize(
        ("state", "said"),
        [
            ("suspended", "Suspended"),
            ("access_lost", "No access"),
            ("insufficient_role", "Role too low"),
            ("restricted", "Invitations dropped"),
        ],
    )
    def test_each_state_of_a_workspace_has_its_word(self, state: str, said: str) -> None:
        assert word(workspace_state=state) == said

    @pytest.mark.parametrize("fields", [{"workspace_state": "delinquent"}, {"subscription_until": PAST}])
    def test_an_unpaid_team_has_no_subscription(self, fields: dict[str, Any]) -> None:
        assert word(**fields) == "Subscription ended"

    @pytest.mark.parametrize("state", ["expired", "disabled"])
    def test_a_dead_token_is_expired(self, state: str) -> None:
        assert word(token_state=state) == "Token expired"

    @pytest.mark.parametrize(
        "fields",
        [
            {"opened_at": None},
            {"snapshot_started_at": None},
            {"snapshot_has_self": False},
            {"opened_at": NOW, "snapshot_started_at": PAST},
        ],
    )
    def test_a_team_nobody_has_looked_into_waits(self, fields: dict[str, Any]) -> None:
        assert word(**fields) == "Waiting for sync"

    def test_the_worst_word_wins(self) -> None:
        everything = {"archived_at": NOW, "workspace_state": "suspended", "token_state": "expired"}
        assert word(**everything, held=5, is_enabled=False) == "Archived"
        assert word(**(everything | {"archived_at": None}), held=5, is_enabled=False) == "Suspended"

    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"token_state": "expired"}, "Token expired"),
            ({"subscription_until": PAST}, "Subscription ended"),
            ({"held": 5}, "Over-full"),
        ],
    )
    def test_what_passes_by_itself_hides_nothing_that_needs_a_person(self, fields: dict[str, Any], said: str) -> None:
        assert word(workspace_state="restricted", **fields) == said

    def test_whatever_is_red_comes_before_every_other_word(self) -> None:
        tones = [badge.tone == "danger" for badge in BADGES if badge.key != "archived"]
        assert tones == sorted(tones, reverse=True)

    def test_only_a_team_that_takes_people_is_called_available(self) -> None:
        teams = many_teams()
        allocatable = set(Team.objects.allocatable(NOW).values_list("pk", flat=True))
        assert {team.pk for team in teams if badge_for(team, NOW).key == "available"} == allocatable


def many_teams() -> list[Team]:
    """Three hundred Teams whose every column was thrown with a fixed die."""
    die = random.Random(7)
    owner = an_owner()

    def some_time() -> datetime | None:
        return die.choice([None, PAST, PAST, FUTURE])

    teams = []
    for _ in range(300):
        total, held, outsiders = die.randint(0, 4), die.randint(0, 4), die.randint(0, 2)
        teams.append(
            Team(
                owner=owner,
                account_id=str(uuid.UUID(int=die.getrandbits(128))),
                archived_at=die.choice([None] * 9 + [PAST]),
                workspace_state=die.choice(["active"] * 6 + Team.Workspace.values),
                token_state=die.choice(["healthy"] * 6 + Team.Token.values),
                subscription_until=die.choice([None, None, FUTURE, FUTURE, PAST]),
                is_enabled=die.random() < 0.85,
                cooldown_until=die.choice([None, None, None, PAST, FUTURE]),
                upstream_full_at=die.choice([None, None, None, None, PAST]),
                opened_at=die.choice([PAST, PAST, PAST, PAST, None, FUTURE]),
                snapshot_started_at=die.choice([NOW, NOW, NOW, NOW, None, PAST]),
                snapshot_has_self=die.random() < 0.9,
                seat_total=total,
                seats_held=held,
                outsiders=outsiders,
                seats_taken=held + outsiders,
                seats_bought=die.choice([None, total, total]),
                seats_known=die.choice(["pools"] * 8 + Team.SeatsKnown.values),
                seats_read_at=die.choice([NOW, NOW, NOW, None, NOW - timedelta(hours=24), NOW - timedelta(days=2)]),
                cap_set_at=die.choice([None, None, PAST, NOW - timedelta(days=3)]),
                is_codex_only=None,
                seat_cap=max(total - outsiders, held),
            )
        )
    return Team.objects.bulk_create(teams)


@pytest.mark.django_db
class TestWithBadge:
    def test_it_says_the_same_as_the_function(self) -> None:
        teams = many_teams()
        stored = dict(with_badge(Team.objects.all(), NOW).values_list("pk", "badge_key"))
        assert stored == {team.pk: badge_for(team, NOW).key for team in teams}
        assert set(stored.values()) == {badge.key for badge in BADGES}  # the die met every rule


@pytest.mark.django_db
class TestNeedAPerson:
    def test_it_counts_the_red_ones_but_those_lost_and_empty(self) -> None:
        teams = many_teams()
        red = [team for team in teams if badge_for(team, NOW).key in RED]
        lost = [team for team in red if team.workspace_state in (Team.Workspace.SUSPENDED, Team.Workspace.ACCESS_LOST)]
        well = [team for team in lost if team.token_state == Team.Token.HEALTHY and not team.is_over_full]
        empty = [team for team in well if not team.seats_held]
        assert need_a_person(NOW) == len(red) - len(empty)
        assert empty

    @pytest.mark.parametrize(("fields", "count"), [({}, 0), ({"held": 1}, 1), ({"token_state": Team.Token.EXPIRED}, 1)])
    def test_a_suspended_one_is_for_its_people_or_its_login(self, fields: dict[str, Any], count: int) -> None:
        a_team(workspace_state=Team.Workspace.SUSPENDED, **fields)
        assert need_a_person(NOW) == count

"""A subscription about to end unrenewed: each end is told once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from base.times import day, full
from notifications.models import AuditEvent, Message, Setting
from notifications.texts.notices import line
from teampool import tasks
from teampool.models import Team
from teampool.teams import words
from teampool.teams.subscriptions import warn_of_ends
from tests.cast import a_team, run_together

NOW = timezone.now()
DAY = timedelta(days=1)


def an_ending(days: int = 3, **fields: Any) -> Team:
    return a_team(**({"subscription_until": NOW + days * DAY, "will_renew": False} | fields))


@pytest.mark.django_db(transaction=True)
class TestWarning:
    @pytest.fixture(autouse=True)
    def bark(self, transactional_db: None) -> None:
        Setting.objects.create(key="notifications.bark_url", secret="https://bark.example.com/key", updated_at=NOW)

    def test_operators_are_told_which_and_until_when(self) -> None:
        team = an_ending()
        tasks.warn_of_subscriptions()
        (message,) = Message.objects.all()
        assert message.event == "subscription_ends"
        assert message.context == {"team": str(team), "until": (NOW + 3 * DAY).isoformat()}
        with translation.override("en"):
            told = f"The subscription of {team} ends {full(NOW + 3 * DAY)} and is not renewed"
            assert line(message.event, message.context) == told
        assert AuditEvent.objects.get(action="subscription_ends").object_id == str(team.pk)

    def test_each_end_is_told_once(self) -> None:
        team = an_ending()
        assert [warn_of_ends(now=NOW + hour * DAY / 24) for hour in range(3)] == [1, 0, 0]
        Team.objects.update(subscription_until=NOW + 3 * DAY + timedelta(minutes=1))
        assert warn_of_ends(now=NOW) == 0
        Team.objects.filter(pk=team.pk).update(subscription_until=NOW + 33 * DAY)
        assert warn_of_ends(now=NOW + DAY) == 0
        assert warn_of_ends(now=NOW + 27 * DAY) == 1

    def test_nodes_that_look_at_once_tell_once(self) -> None:
        an_ending()
        assert sum(run_together(*(lambda: warn_of_ends(now=NOW) for _ in range(6)))) == 1
        assert Message.objects.count() == 1

    @pytest.mark.parametrize(
        "fields",
        [
            {"will_renew": True},
            {"will_renew": None},
            {"subscription_until": NOW + 8 * DAY},
            {"subscription_until": NOW - DAY},
            {"subscription_until": None},
            {"archived_at": NOW},
            {"workspace_state": "suspended"},
        ],
        ids=["renewed", "unknown", "later", "over", "without an end", "archived", "suspended"],
    )
    def test_of_others_nobody_is_told(self, fields: dict[str, Any]) -> None:
        an_ending(**fields)
        assert warn_of_ends(now=NOW) == 0


class TestTeamPage:
    def test_it_says_so_beside_how_the_team_stands(self, db: None) -> None:
        team = an_ending(seats=2)
        with translation.override("en"):
            assert words.why(team, NOW) == (
                f"It takes people: 2 seats are free. Its subscription ends {full(NOW + 3 * DAY)} and is not renewed."
            )

    def test_a_renewed_one_is_no_news(self, db: None) -> None:
        with translation.override("en"):
            assert words.why(an_ending(seats=2, will_renew=True), NOW) == "It takes people: 2 seats are free."


@pytest.mark.django_db
class TestWords:
    @pytest.mark.parametrize(
        ("fields", "text", "tone"),
        [
            ({"will_renew": True}, "until {day} · renews", ""),
            ({"will_renew": False}, "until {day} · not renewed", "warning"),
            ({"will_renew": False, "subscription_until": NOW + 20 * DAY}, "until {later} · not renewed", ""),
            (
                {"will_renew": False, "cancellation_outcome": "deactivate", "subscription_until": NOW + 20 * DAY},
                "until {later} · will be deactivated",
                "danger",
            ),
            ({"will_renew": None}, "until {day}", "warning"),
            ({"subscription_until": None}, "–", ""),
        ],
    )
    def test_the_end_and_what_it_does(self, fields: dict[str, Any], text: str, tone: str) -> None:
        with translation.override("en"):
            said = words.subscription(an_ending(**fields), NOW)
        assert said.text == text.format(day=day(NOW + 3 * DAY), later=day(NOW + 20 * DAY))
        assert said.tone == tone

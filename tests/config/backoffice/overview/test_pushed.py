"""What is pushed reads as the line of the first screen does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import timezone, translation

from base.actors import job
from config.backoffice.overview import dashboard
from guardian import mode
from notifications.models import Message
from notifications.texts import notices
from teampool.models import Team
from teampool.teams import health
from teampool.upstream.types import Failure
from tests.cast import a_team, an_owner
from tests.notifications.conftest import settle

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = job("test")


@pytest.fixture(autouse=True)
def pushed_in_english() -> Iterator[None]:
    settle(bark_url="https://api.day.app/KEY")
    with translation.override("en"):
        yield


def fail(team: Team, failure: Failure) -> None:
    version = team.owner.credential_version
    health.note_failure(team=team, failure=failure, version=version, now=timezone.now(), actor=ACTOR)


def pushed() -> str:
    message = Message.objects.latest("pk")
    return notices.line(message.event, message.context)


def shown() -> str:
    now = timezone.now()
    (line,) = (line for line in dashboard.attention(now, heartbeat=now) if line.kind != "low_stock")
    return line.text


class TestTheSameWords:
    def test_a_token_refused_again_and_again_is_its_logins(self) -> None:
        owner = an_owner("a@x.co")
        for _team in range(2):
            team = a_team(owner=owner)
            for _time in range(5):
                fail(team, Failure.TOKEN_REJECTED)
            assert pushed() == shown()
        assert shown() == "Login of a@x.co expired; 2 Teams take no one"

    def test_removals_that_are_paused(self) -> None:
        mode.pause_removals(stood_still_hours=3.2)
        assert pushed() == shown()

    def test_a_team_that_was_suspended(self) -> None:
        team = a_team(held=2)
        fail(team, Failure.WORKSPACE_SUSPENDED)
        assert Team.objects.get(pk=team.pk).workspace_state == Team.Workspace.SUSPENDED
        assert pushed() == shown()

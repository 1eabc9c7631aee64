"""After an upgrade that called every number of seats unread, `up` has them read at once, and says so."""

from __future__ import annotations

import pytest
from django_q.models import OrmQ

from config.service import startup
from teampool.models import Team
from tests.cast import a_team

pytestmark = pytest.mark.django_db(transaction=True)


def said() -> list[str]:
    lines: list[str] = []
    startup.read_seats_anew(lines.append)
    return lines


def test_it_reads_every_team_anew_once() -> None:
    for _ in range(3):
        a_team(seats_known="unread", sync_tried_at=None)
    assert said() == ["Reading the seats of 3 Teams anew…"]
    assert [row.func() for row in OrmQ.objects.all()] == ["invites.tasks.sync"]
    Team.objects.update(sync_tried_at=Team.objects.earliest("pk").created_at)
    assert said() == []


def test_it_says_nothing_of_teams_that_are_read_or_were_never_looked_at() -> None:
    a_team(sync_tried_at=None)
    a_team(seats_known="unread", sync_tried_at=None, snapshot_started_at=None)
    assert said() == []

"""What the shared builders promise the other tests."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from invites.models import RedeemCode
from teampool.models import Team
from teampool.upstream.client import Upstream
from tests import cast


class TestATeam:
    def test_it_is_allocatable(self, db):
        team = cast.a_team(seats=3, held=1, outsiders=1)
        assert list(Team.objects.allocatable(timezone.now())) == [team]
        assert team.seats_free == 1

    def test_it_can_be_over_full(self, db):
        team = cast.a_team(seats=1, held=2)
        assert team.is_over_full
        assert not Team.objects.allocatable(timezone.now()).exists()


class TestImportSandboxTeam:
    def test_its_token_opens_the_workspace(self, db, sandbox):
        team = cast.import_sandbox_team(sandbox, seats=3)
        with Upstream(team.access_token, team.account_id, str(team.owner.device_id)) as upstream:
            assert [row.email for row in upstream.members().rows] == [team.owner.email]
        assert sandbox.dump()["workspaces"][0]["free"] == team.seats_free == 3

    def test_it_takes_a_workspace_that_is_there(self, db, sandbox):
        sandbox.seed(teams=2)
        account_id = sandbox.dump()["workspaces"][1]["account_id"]
        assert cast.import_sandbox_team(sandbox, account_id).account_id == account_id


class TestACode:
    def test_it_is_unused(self, db):
        code = cast.a_code()
        assert list(RedeemCode.objects.unused(timezone.now())) == [code]


class TestRunTogether:
    @pytest.mark.django_db(transaction=True)
    def test_every_thread_sees_what_the_test_committed(self):
        cast.a_team()
        assert cast.run_together(Team.objects.count, Team.objects.count) == [1, 1]

    def test_it_hands_back_what_went_wrong(self):
        answers = cast.run_together(lambda: 1 / 0)
        assert isinstance(answers[0], ZeroDivisionError)


@pytest.mark.django_db
def test_the_sqlite_test_database_is_a_file():
    if connection.vendor == "sqlite":
        assert "mode=memory" not in connection.settings_dict["NAME"]

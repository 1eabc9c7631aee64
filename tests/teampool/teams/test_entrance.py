"""Who else lets people in: read once a day, warned of on the Team's page; a refusal is no fault of the Team."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from sandbox.server import SandboxServer
from teampool import tasks
from teampool.models import Team
from teampool.teams import entrance
from teampool.upstream.readers import Unreadable, read_entrance
from tests.cast import a_team, import_sandbox_team

NOW = timezone.now()
SOON = timedelta(minutes=1)


@pytest.mark.django_db(transaction=True)
class TestReading:
    def test_the_page_warns_of_members_and_of_requests(self, sandbox: SandboxServer, olga_client: Client) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.set_workspace(team.account_id, members_may_invite=True, auto_accept_requests=True)
        tasks.read_entrances()
        page = olga_client.get(f"/admin/teampool/team/{team.pk}/change/", headers={"accept-language": "en"})
        text = page.content.decode()
        assert "members may invite others" in text
        assert "ChatGPT accepts requests to join by itself" in text

    def test_it_asks_once_a_day(self, sandbox: SandboxServer) -> None:
        import_sandbox_team(sandbox)
        now = timezone.now()
        asked = [entrance.read_due(now=now + hours * timedelta(hours=1), until=now + SOON) for hours in (0, 1, 23, 24)]
        assert asked == [1, 0, 0, 1]
        assert len(sandbox.log(op="settings")) == 2

    @pytest.mark.parametrize("answer", ["403", "404", "500"])
    def test_a_refusal_changes_nothing_but_the_time(self, answer: str, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox, members_may_invite=True)
        sandbox.set_workspace(team.account_id, settings_answer=answer)
        before = Team.objects.filter(pk=team.pk).values().get()
        now = timezone.now()
        assert entrance.read_due(now=now, until=now + SOON) == 1
        after = Team.objects.filter(pk=team.pk).values().get()
        assert {key for key in after if after[key] != before[key]} == {"entrance_read_at"}

    def test_teams_that_need_a_person_are_left_alone(self) -> None:
        a_team(token_state=Team.Token.EXPIRED)
        a_team(workspace_state=Team.Workspace.SUSPENDED)
        a_team(archived_at=NOW)
        a_team(cooldown_until=NOW + timedelta(hours=1))
        assert entrance.due(NOW) == []


class TestWords:
    @pytest.mark.parametrize(("flag", "count"), [(True, 2), (False, 0), (None, 0)])
    def test_only_what_is_known_to_be_open_is_warned_of(self, flag: bool | None, count: int) -> None:
        team = Team(members_may_invite=flag, accepts_requests=flag)
        assert len(entrance.warnings(team)) == count


class TestReader:
    def test_what_is_no_flag_is_unknown(self) -> None:
        said = read_entrance({"auto_accept_requests": "yes", "members_can_invite": 1})
        assert (said.members_may_invite, said.accepts_requests) == (None, None)

    @pytest.mark.parametrize("data", [None, [], "on"])
    def test_it_refuses_what_is_no_object(self, data: object) -> None:
        with pytest.raises(Unreadable):
            read_entrance(data)

"""What a look asks ChatGPT for, and never more than is needed; what it learns when the seats cannot be read."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone, translation

from invites.following.sync import sync_team
from sandbox.server import SandboxServer
from teampool.models import Team
from teampool.pool import stored
from teampool.pool.capacity_words import explain
from tests.cast import SAM, import_sandbox_team
from tests.invites.clock import pass_time

pytestmark = pytest.mark.django_db(transaction=True)
LISTS = ["invites", "members", "subscription"]
UNREAD: dict[str, Any] = {"reading": None, "seats_known": "unread", "seats_read_at": None, "seat_total": 0}


def asked_by(sandbox: SandboxServer, team: Team) -> list[str]:
    """The calls of one look; the hold list is told from the plain one."""
    before = len(sandbox.log())
    sync_team(team_id=team.pk)
    team.refresh_from_db()
    holds = "active_vacancy_hold_seat_type"
    return ["holds" if holds in row["query"] else row["op"] for row in sandbox.log()[before:]]


class TestCalls:
    def test_a_plain_look_is_three_calls(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        assert asked_by(sandbox, team) == LISTS

    def test_the_hold_list_is_asked_for_only_when_an_invitation_may_be_among_the_held(
        self, sandbox: SandboxServer
    ) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.set_workspace(team.account_id, pending_in_held=True)
        assert asked_by(sandbox, team) == LISTS
        sandbox.invite_from_web(account_id=team.account_id, email=SAM)
        assert asked_by(sandbox, team) == [*LISTS, "holds"]
        assert (team.seat_total, team.outsiders) == (4, 1)

    def test_the_account_check_is_asked_once_a_day_and_only_without_a_pool(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.shape(seat_capacity="missing")
        assert asked_by(sandbox, team) == [*LISTS, "account_check"]
        assert (team.is_codex_only, team.seats_known, team.seat_total) == (False, "entitled", 4)
        assert asked_by(sandbox, team) == LISTS
        pass_time(25 * 3600)
        assert asked_by(sandbox, team) == [*LISTS, "account_check"]

    def test_a_number_that_is_kept_needs_no_account_check(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.set_workspace(team.account_id, subscription_answer="503")
        assert asked_by(sandbox, team) == LISTS
        assert (team.seat_total, team.seats_known) == (4, "pools")


class TestRefusals:
    @pytest.mark.parametrize(("answer", "status"), [("401", 401), ("404", 404)])
    def test_a_definite_no_twice_is_assumed_to_be_the_default(
        self, sandbox: SandboxServer, answer: str, status: int
    ) -> None:
        team = import_sandbox_team(sandbox, **UNREAD)
        sandbox.set_workspace(team.account_id, subscription_answer=answer)
        asked_by(sandbox, team)
        assert (team.seat_total, team.seats_known, team.seats_refused_status) == (0, "unread", status)
        pass_time(11 * 60)
        asked_by(sandbox, team)
        assert (team.seat_total, team.seats_known) == (4, "assumed")
        with translation.override("en"):
            assert "an assumption" in explain(stored.capacity(team, timezone.now()))

    def test_an_answer_forgets_them(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox, **UNREAD)
        sandbox.set_workspace(team.account_id, subscription_answer="401")
        asked_by(sandbox, team)
        sandbox.set_workspace(team.account_id, subscription_answer="normal")
        asked_by(sandbox, team)
        assert (team.seats_refused_at, team.seats_known) == (None, "pools")

    def test_trouble_on_the_way_is_no_refusal(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox, **UNREAD)
        sandbox.set_workspace(team.account_id, subscription_answer="500")
        for _ in range(3):
            asked_by(sandbox, team)
            pass_time(11 * 60)
        assert (team.seats_refused_at, team.seats_known, team.seat_total) == (None, "unread", 0)

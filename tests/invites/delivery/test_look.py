"""Looks for one person in a Team's lists."""

from __future__ import annotations

import pytest

from base.actors import job
from invites.delivery.look import Look, look_for
from sandbox.server import SandboxServer
from teampool.access import Access
from teampool.models import Member, Team
from tests.cast import ANA, SAM, import_sandbox_team

pytestmark = pytest.mark.django_db(transaction=True)


def look(team: Team, **person: str) -> Look:
    with Access(team, actor=job("deliver")) as access:
        return access.ask(lambda upstream: look_for(upstream, **person))  # type: ignore[arg-type]


class TestLookFor:
    @pytest.mark.parametrize("order", [(ANA, SAM), (SAM, ANA)])
    def test_the_id_goes_before_the_e_mail_wherever_it_stands(
        self, sandbox: SandboxServer, order: tuple[str, str]
    ) -> None:
        team = import_sandbox_team(sandbox)
        ids = {email: sandbox.member(team.account_id, email, lag=0)["user_id"] for email in order}
        found = look(team, email=ANA, user_id=ids[SAM])
        assert (found.found, found.user_id) == (Member.Kind.MEMBER, ids[SAM])

    def test_an_empty_e_mail_is_not_a_hidden_one(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.member(team.account_id, SAM, lag=0, hide_email=True)
        assert look(team, email="").found is None

    def test_a_request_to_join_is_no_invitation(self, sandbox: SandboxServer) -> None:
        team = import_sandbox_team(sandbox)
        sandbox.join_request(team.account_id, ANA)
        seen = look(team, email=ANA)
        assert (seen.found, seen.is_complete) == (None, True)

"""No user of a stored log-in is invited anywhere or taken out of anywhere, whichever Team the log-in leads."""

from __future__ import annotations

import pytest

from base.actors import Actor
from invites.actions import outsiders
from invites.actions.seat import Refused
from invites.delivery.drain import deliver
from invites.following.sync import sync_team
from invites.models import Departure, Redemption
from invites.reconcile import reconcile
from invites.redeeming.redeem import redeem
from invites.states import Refusal
from sandbox.server import SandboxServer
from teampool.models import Member
from tests.cast import a_code, an_owner, import_sandbox_team

pytestmark = pytest.mark.django_db(transaction=True)
OTTO = "otto@example.com"


def test_whose_address_it_is_is_answered_as_if_chatgpt_refused_it(sandbox: SandboxServer) -> None:
    import_sandbox_team(sandbox)
    an_owner(OTTO)
    code = a_code()
    redeem(email=OTTO, code=code.code)
    deliver()
    assert Redemption.objects.get().refusal == Refusal.EMAIL_REFUSED
    code.refresh_from_db()
    assert code.uses_held == 0
    assert "invite" not in [row["op"] for row in sandbox.log()]


def test_one_who_is_a_member_elsewhere_stays(sandbox: SandboxServer) -> None:
    team = import_sandbox_team(sandbox)
    user_id = sandbox.member(team.account_id, OTTO, lag=0, hide_email=False)["user_id"]
    an_owner("otto.now@example.com", upstream_user_id=user_id)
    sync_team(team_id=team.pk)
    with pytest.raises(Refused, match="manager"):
        outsiders.remove(member_id=Member.objects.get(email=OTTO).pk, actor=Actor("operator", "olga"))
    assert not Departure.objects.exists()
    assert OTTO in sandbox.books(team.account_id)["members"]


def test_one_who_becomes_a_log_in_while_they_are_to_leave_stays(sandbox: SandboxServer) -> None:
    team = import_sandbox_team(sandbox)
    user_id = sandbox.member(team.account_id, OTTO, lag=0, hide_email=False)["user_id"]
    sync_team(team_id=team.pk)
    outsiders.remove(member_id=Member.objects.get(email=OTTO).pk, actor=Actor("operator", "olga"))
    an_owner("otto.now@example.com", upstream_user_id=user_id)
    reconcile()
    assert (Departure.objects.get().state, Departure.objects.get().last_problem) == (
        "dropped",
        "owners and admins are never removed",
    )
    assert OTTO in sandbox.books(team.account_id)["members"]

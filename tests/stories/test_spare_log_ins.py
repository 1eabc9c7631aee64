"""The users of our log-ins, whichever Team they lead: never removed or invited, and counted as people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from base import actors
from guardian.models import Finding, Sweep
from guardian.settings import Policy
from guardian.sweeping.judging import judge
from invites.actions import outsiders
from invites.actions.seat import Refused
from invites.delivery.drain import deliver
from invites.departures.carry_out import carry_out
from invites.following.sync import sync_team
from invites.models import Departure, SeatGrant
from invites.redeeming.redeem import redeem
from invites.states import RedemptionState
from teampool.models import Member, Owner, Team, TeamLogin
from tests.cast import a_code, an_owner, import_sandbox_team

ACTOR = actors.command("tests")
SECOND = "second@example.com"

pytestmark = pytest.mark.django_db(transaction=True)


def with_a_spare(sandbox: Any, *, role: str = "account-admin", seat_type: str = "default") -> Team:
    """A Team whose spare log-in's user is in it, and was not there when it was imported."""
    team = import_sandbox_team(sandbox)
    row = sandbox.member(team.account_id, SECOND, role=role, seat_type=seat_type)
    owner = an_owner(SECOND, upstream_user_id=row["user_id"])
    TeamLogin.objects.create(team=team, owner=owner, access_token="not-a-real-token")
    sync_team(team_id=team.pk)
    team.refresh_from_db()
    return team


class TestCounting:
    @pytest.mark.parametrize(("seat_type", "taken"), [("default", 1), ("prolite", 0)])
    def test_a_second_admin_takes_the_place_they_sit_in(self, sandbox, seat_type, taken):
        team = with_a_spare(sandbox, seat_type=seat_type)
        assert (team.outsiders, team.seats_taken, team.seats_free) == (taken, taken, 4 - taken)

    def test_the_first_one_does_when_the_second_leads(self, sandbox):
        team = with_a_spare(sandbox)
        Owner.objects.filter(pk=team.owner_id).update(login=Owner.Login.EXPIRED)
        TeamLogin.objects.filter(owner__email=SECOND).update(access_token=team.access_token)
        Team.objects.filter(pk=team.pk).update(owner=Owner.objects.get(email=SECOND))
        sync_team(team_id=team.pk)
        team.refresh_from_db()
        assert (team.outsiders, team.seats_free) == (1, 3)


class TestNeverRemoved:
    def test_the_guardian_finds_no_stranger_in_a_spare_one_who_was_demoted(self, sandbox):
        team = with_a_spare(sandbox, role="standard-user")
        sandbox.member(team.account_id, "stranger@example.com")
        sync_team(team_id=team.pk)
        judge(
            Sweep.objects.create(started_at=timezone.now() - timedelta(minutes=30), mode="report"),
            Policy(is_enabled=True),
        )
        assert list(Finding.objects.values_list("email", flat=True)) == ["stranger@example.com"]

    def test_nor_under_another_e_mail(self, sandbox):
        team = with_a_spare(sandbox, role="standard-user")
        Owner.objects.filter(email=SECOND).update(email="renamed@example.com")
        judge(
            Sweep.objects.create(started_at=timezone.now() - timedelta(minutes=30), mode="report"),
            Policy(is_enabled=True),
        )
        assert not Finding.objects.filter(team=team).exists()

    def test_an_operator_is_refused(self, sandbox):
        team = with_a_spare(sandbox, role="standard-user")
        row = Member.objects.get(team=team, email=SECOND)
        with pytest.raises(Refused) as caught:
            outsiders.remove(member_id=row.pk, actor=ACTOR)
        assert caught.value.code == "manager"

    def test_a_departure_that_is_open_lets_them_stay(self, sandbox):
        team = with_a_spare(sandbox, role="standard-user")
        departure = Departure.objects.create(team=team, email=SECOND, reason="stranger", due_at=timezone.now())
        carry_out(departure_id=departure.pk)
        assert not sandbox.log(op="remove")
        departure.refresh_from_db()
        assert departure.last_problem == "owners and admins are never removed"


class TestNeverInvited:
    @pytest.mark.parametrize("whose", ["first", "second"])
    def test_their_address_is_answered_as_one_that_chatgpt_refuses(self, sandbox, whose):
        team = import_sandbox_team(sandbox)
        an_owner(SECOND)
        code = a_code()
        redemption = redeem(email=team.owner.email if whose == "first" else SECOND, code=code.code)
        deliver()
        redemption.refresh_from_db()
        assert (redemption.state, redemption.refusal) == (RedemptionState.REFUSED, "email_refused")
        assert not sandbox.log(op="invite")
        assert not SeatGrant.objects.live().exists()
        code.refresh_from_db()
        assert code.uses_held == 0

    @pytest.mark.parametrize("whose", ["first", "second"])
    def test_whom_a_list_shows_is_there_already(self, sandbox, whose):
        team = with_a_spare(sandbox)
        code = a_code()
        redemption = redeem(email=team.owner.email if whose == "first" else SECOND, code=code.code)
        deliver()
        code.refresh_from_db()
        assert (redemption.state, code.uses_held) == (RedemptionState.ALREADY, 0)
        assert not sandbox.log(op="invite")

"""Several log-ins of one Team: who leads, who takes over when the leader ends, and who is never tried twice."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone, translation
from django_q.models import OrmQ

from base import actors
from invites.delivery.drain import deliver
from invites.following.sync import sync_team
from invites.models import SeatGrant
from invites.redeeming.redeem import redeem
from invites.states import GrantState
from notifications.models import AuditEvent, Message, Setting
from notifications.texts.notices import line
from teampool import tasks
from teampool.access import Access
from teampool.login import renew, take_over
from teampool.login.keep_alive import renew_due
from teampool.login.tokens import end_login
from teampool.models import Owner, Team, TeamLogin
from teampool.teams import health
from teampool.upstream.claims import read_claims
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure
from tests.cast import ANA, a_code, a_team, an_owner, import_sandbox_team, run_together
from tests.teampool.imports.bringing import bring_one

ACTOR = actors.command("tests")
SECOND = "second@example.com"
THIRD = "third@example.com"
Problem = TeamLogin.Problem

pytestmark = pytest.mark.django_db(transaction=True)


def co_admin(sandbox: Any, team: Team, email: str = SECOND, *, token: str | None = None, **means: str) -> TeamLogin:
    """Another admin of this workspace, stored as a spare log-in: with the means and the token that are asked for."""
    sandbox.member(team.account_id, email, role="account-admin")
    login = credentials(sandbox, email)
    renewing = means or {"session_token": login["session_token"]}
    owner = an_owner(
        email, upstream_user_id=login["user_id"], **{key: value for key, value in renewing.items() if value}
    )
    return TeamLogin.objects.create(
        team=team, owner=owner, access_token=login["access_token"] if token is None else token
    )


def credentials(sandbox: Any, email: str) -> dict[str, Any]:
    known = {one["email"]: one for one in sandbox.credentials()}
    if email not in known:
        sandbox.workspace(email)
        known = {one["email"]: one for one in sandbox.credentials()}
    return known[email]


def fresh(team: Team) -> Team:
    return Team.objects.select_related("owner").get(pk=team.pk)


def problem(team: Team, email: str) -> str:
    return TeamLogin.objects.get(team=team, owner__email=email).problem


def led_by(team: Team) -> str:
    return fresh(team).owner.email


def look(team: Team) -> None:
    """One look at the Team through its Access; its failure is in the rows."""
    with Access(fresh(team), actor=ACTOR) as access, contextlib.suppress(UpstreamError):
        access.ask(lambda upstream: upstream.members(), is_look=True)


def removed(sandbox: Any, team: Team, email: str) -> None:
    sandbox.leave(team.account_id, email)


class TestTheLeaderLosesAccess:
    def test_the_second_takes_over_and_nobody_is_re_seated(self, sandbox):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        redeem(email=ANA, code=a_code().code)
        deliver()
        sandbox.accept(account_id=team.account_id, email=ANA)
        sync_team(team_id=team.pk)
        first = led_by(team)
        removed(sandbox, team, first)
        sync_team(team_id=team.pk)
        now = fresh(team)
        assert (now.owner.email, now.workspace_state, now.sync_problem) == (SECOND, Team.Workspace.ACTIVE, "")
        assert problem(team, first) == Problem.ACCESS_LOST
        assert now.opened_at <= now.snapshot_started_at
        assert Team.objects.allocatable(timezone.now()).filter(pk=team.pk).exists()
        assert list(SeatGrant.objects.values_list("team", "state")) == [(team.pk, GrantState.JOINED)]

    def test_a_person_who_is_being_invited_gets_in_by_the_second(self, sandbox):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        redeem(email=ANA, code=a_code().code)
        removed(sandbox, team, led_by(team))
        deliver()
        grant = SeatGrant.objects.get()
        assert (grant.team_id, grant.state) == (team.pk, GrantState.VERIFIED)
        assert led_by(team) == SECOND
        assert [one["status"] for one in sandbox.log(op="invite")] == [404, 200]

    def test_nobody_new_gets_in_before_the_second_has_read_the_list(self, sandbox):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        removed(sandbox, team, led_by(team))
        look(team)
        assert led_by(team) == SECOND
        assert not Team.objects.allocatable(timezone.now()).exists()
        assert "invites.tasks.sync_team" in [row.task["func"] for row in OrmQ.objects.all()]
        sync_team(team_id=team.pk)
        assert Team.objects.allocatable(timezone.now()).exists()

    def test_operators_are_told_who_runs_it_now(self, sandbox, told):
        team = import_sandbox_team(sandbox)
        first = led_by(team)
        co_admin(sandbox, team)
        removed(sandbox, team, first)
        look(team)
        event = AuditEvent.objects.filter(action="team_changed").latest("pk")
        assert event.details == {
            "before": {"owner": first},
            "after": {"owner": SECOND},
            "cause": "access_lost",
        }
        assert told() == [f"{first} no longer reaches {team}; {SECOND} runs it now"]

    def test_it_is_lost_only_when_each_was_tried(self, sandbox):
        team = import_sandbox_team(sandbox)
        first = led_by(team)
        for email in (SECOND, THIRD):
            co_admin(sandbox, team, email)
        for email in (first, SECOND):
            removed(sandbox, team, email)
            look(team)
            assert fresh(team).workspace_state == Team.Workspace.ACTIVE
        assert led_by(team) == THIRD
        removed(sandbox, team, THIRD)
        look(team)
        assert fresh(team).workspace_state == Team.Workspace.ACCESS_LOST
        assert set(TeamLogin.objects.values_list("problem", flat=True)) == {Problem.ACCESS_LOST}

    def test_all_at_once_are_tried_in_one_call(self, sandbox, told):
        team = import_sandbox_team(sandbox)
        first = led_by(team)
        for email in (SECOND, THIRD):
            co_admin(sandbox, team, email)
        for email in (first, SECOND, THIRD):
            removed(sandbox, team, email)
        look(team)
        assert fresh(team).workspace_state == Team.Workspace.ACCESS_LOST
        assert told()[-1] == f"The login no longer reaches {team}; 0 people lost their seat"

    def test_a_lone_log_in_s_loss_is_the_team_s_at_once(self, sandbox):
        team = import_sandbox_team(sandbox)
        removed(sandbox, team, led_by(team))
        look(team)
        assert fresh(team).workspace_state == Team.Workspace.ACCESS_LOST


class TestTheLeaderIsDemoted:
    def test_the_second_takes_over(self, sandbox):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        first = led_by(team)
        sandbox.demote(team.account_id, first)
        redeem(email=ANA, code=a_code().code)
        deliver()
        assert (led_by(team), problem(team, first)) == (SECOND, Problem.ROLE_TOO_LOW)
        assert SeatGrant.objects.get().state == GrantState.VERIFIED
        assert fresh(team).workspace_state == Team.Workspace.ACTIVE

    def test_one_who_is_still_in_keeps_the_team_from_being_lost(self, sandbox):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        sandbox.demote(team.account_id, led_by(team))
        redeem(email=ANA, code=a_code().code)
        deliver()
        removed(sandbox, team, SECOND)
        look(team)
        assert fresh(team).workspace_state == Team.Workspace.INSUFFICIENT_ROLE

    def test_a_list_that_shows_it_as_admin_again_lets_it_lead_again(self, sandbox):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        first = led_by(team)
        sandbox.demote(team.account_id, first)
        redeem(email=ANA, code=a_code().code)
        deliver()
        sandbox.demote(team.account_id, first, role="account-owner")
        sync_team(team_id=team.pk)
        assert problem(team, first) == Problem.NONE
        removed(sandbox, team, SECOND)
        look(team)
        assert (led_by(team), problem(team, SECOND)) == (first, Problem.ACCESS_LOST)

    def test_a_spare_one_who_is_demoted_is_not_tried(self, sandbox):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        sandbox.demote(team.account_id, SECOND)
        sync_team(team_id=team.pk)
        assert problem(team, SECOND) == Problem.ROLE_TOO_LOW
        first = led_by(team)
        removed(sandbox, team, first)
        look(team)
        assert led_by(team) == first


class TestTheLeaderSLogInEnds:
    def test_a_dead_token_that_cannot_be_renewed(self, sandbox):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        first = fresh(team).owner
        Owner.objects.filter(pk=first.pk).update(session_token="", refresh_token="")
        sandbox.invalidate_tokens(first.email)
        look(team)
        now = fresh(team)
        assert (now.owner.email, now.token_state) == (SECOND, Team.Token.HEALTHY)
        first.refresh_from_db()
        assert (first.login, first.login_ended_at is not None) == (Owner.Login.EXPIRED, True)

    def test_one_notice_says_who_takes_over(self, sandbox, told):
        team = import_sandbox_team(sandbox)
        first = fresh(team).owner
        co_admin(sandbox, team)
        end_login(owner_id=first.pk, version=first.credential_version, login="expired", cause="dead", actor=ACTOR)
        tasks.take_over()
        assert led_by(team) == SECOND
        assert told() == [f"Login of {first.email} expired; {SECOND} takes over 1 Team"]

    def test_some_have_another_and_some_have_not(self, sandbox, told):
        team = import_sandbox_team(sandbox)
        first = fresh(team).owner
        co_admin(sandbox, team)
        alone = a_team(owner=first)
        end_login(owner_id=first.pk, version=first.credential_version, login="expired", cause="dead", actor=ACTOR)
        tasks.take_over()
        assert (led_by(team), led_by(alone)) == (SECOND, first.email)
        assert fresh(alone).token_state == Team.Token.EXPIRED
        assert told() == [
            f"Login of {first.email} expired; {SECOND} takes over 1 Team, 1 without another log-in take no one"
        ]

    def test_a_banned_user(self, sandbox):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        sandbox.ban(led_by(team))
        look(team)
        assert (led_by(team), fresh(team).token_state) == (SECOND, Team.Token.HEALTHY)

    def test_one_without_a_token_for_this_team_gets_it_first(self, sandbox):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team, token="")
        removed(sandbox, team, led_by(team))
        look(team)
        now = fresh(team)
        assert now.owner.email == SECOND
        assert read_claims(now.access_token).account_id == team.account_id

    def test_a_log_in_that_gets_no_token_for_this_team_is_passed_over(self, sandbox):
        team = import_sandbox_team(sandbox)
        first = led_by(team)
        co_admin(sandbox, team, token="")
        co_admin(sandbox, team, THIRD, token="")
        removed(sandbox, team, first)
        removed(sandbox, team, SECOND)  # its session answers for its other workspace
        look(team)
        assert (led_by(team), problem(team, SECOND)) == (THIRD, Problem.EXCHANGE_REFUSED)

    def test_no_token_today_is_asked_for_again_in_an_hour(self, sandbox):
        team = import_sandbox_team(sandbox)
        first = led_by(team)
        login = co_admin(sandbox, team, token="")
        removed(sandbox, team, first)
        health.note_refused(team.pk, login.owner_id, Problem.EXCHANGE_REFUSED, timezone.now())
        look(team)
        tasks.take_over()
        assert (led_by(team), fresh(team).workspace_state) == (first, Team.Workspace.ACCESS_LOST)
        TeamLogin.objects.filter(pk=login.pk).update(problem_since=timezone.now() - timedelta(hours=2))
        tasks.take_over()
        assert (led_by(team), problem(team, SECOND)) == (SECOND, Problem.NONE)

    @pytest.mark.parametrize(
        ("said", "noted"),
        [
            ("exchange_removed", Problem.ACCESS_LOST),
            ("exchange_not_found", Problem.ACCESS_LOST),
            ("exchange_deactivated", Problem.EXCHANGE_REFUSED),
        ],
    )
    def test_what_its_session_says_of_the_workspace_is_a_clear_no(self, sandbox, said, noted):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team, token="")
        sandbox.fault("session", said, times=0)
        removed(sandbox, team, led_by(team))
        look(team)
        assert (problem(team, SECOND), fresh(team).workspace_state) == (noted, Team.Workspace.ACCESS_LOST)
        asked = len(sandbox.log(op="session"))
        tasks.take_over()
        assert len(sandbox.log(op="session")) == asked


class TestTheOrder:
    def test_who_renews_itself_first_then_whose_token_lasts_longest(self):
        team = a_team()
        now = timezone.now()
        short = TeamLogin.objects.create(
            team=team, owner=an_owner("s@x.co"), access_token="s", access_expires_at=now + timedelta(days=1)
        )
        long = TeamLogin.objects.create(
            team=team, owner=an_owner("l@x.co"), access_token="l", access_expires_at=now + timedelta(days=9)
        )
        renews = TeamLogin.objects.create(team=team, owner=an_owner("r@x.co", session_token="r"))
        TeamLogin.objects.create(
            team=team, owner=an_owner("o@x.co"), access_token="o", access_expires_at=now - timedelta(days=1)
        )
        TeamLogin.objects.create(team=team, owner=an_owner("e@x.co", session_token="e", login="expired"))
        TeamLogin.objects.create(team=team, owner=an_owner("p@x.co", session_token="p"), problem="access_lost")
        assert list(TeamLogin.objects.spare().able(now).in_order_of_choice()) == [renews, long, short]


class TestTheFence:
    def test_a_late_refusal_of_the_old_leader_says_nothing_of_the_new_one(self, sandbox):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        late = fresh(team)
        version = late.owner.credential_version
        removed(sandbox, team, late.owner.email)
        look(team)
        for failure in (Failure.TOKEN_REJECTED, Failure.WORKSPACE_NOT_FOUND, Failure.PERMISSION_DENIED):
            health.note_failure(team=late, failure=failure, version=version, now=timezone.now(), actor=ACTOR)
        now = fresh(team)
        assert (now.owner.email, now.failures, now.workspace_state) == (SECOND, 0, Team.Workspace.ACTIVE)
        assert problem(team, SECOND) == Problem.NONE

    def test_nor_does_one_of_an_earlier_lead(self, sandbox):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        before = fresh(team)
        Owner.objects.filter(pk=before.owner_id).update(login=Owner.Login.EXPIRED)
        assert take_over.settle(team.pk)
        Owner.objects.filter(pk=before.owner_id).update(login=Owner.Login.OK)
        Owner.objects.filter(email=SECOND).update(login=Owner.Login.EXPIRED)
        assert take_over.settle(team.pk)
        assert led_by(team) == before.owner.email
        version = before.owner.credential_version
        health.note_failure(
            team=before, failure=Failure.TOKEN_REJECTED, version=version, now=timezone.now(), actor=ACTOR
        )
        assert fresh(team).failures == 0

    def test_two_workers_hand_it_over_once(self, sandbox):
        team = import_sandbox_team(sandbox)
        for email in (SECOND, THIRD):
            co_admin(sandbox, team, email, token="")
        removed(sandbox, team, led_by(team))
        run_together(*[lambda: look(team)] * 2)
        handed = [e for e in AuditEvent.objects.filter(action="team_changed") if "owner" in e.details["after"]]
        assert len(handed) == 1
        assert led_by(team) in (SECOND, THIRD)
        assert fresh(team).workspace_state == Team.Workspace.ACTIVE


class TestOneOfThreeTeams:
    def test_what_one_team_refuses_says_nothing_of_the_others(self, sandbox):
        teams = [import_sandbox_team(sandbox) for _ in range(3)]
        for team in teams:
            if team.pk == teams[0].pk:
                co_admin(sandbox, team)
            else:
                sandbox.member(team.account_id, SECOND, role="account-admin")
                TeamLogin.objects.create(team=team, owner=Owner.objects.get(email=SECOND))
        removed(sandbox, teams[1], SECOND)
        for team in teams:
            removed(sandbox, team, led_by(team))
            look(team)
        assert [led_by(team) == SECOND for team in teams] == [True, False, True]
        assert [fresh(team).workspace_state for team in teams] == ["active", "access_lost", "active"]
        assert Owner.objects.get(email=SECOND).login == Owner.Login.OK


class TestACrash:
    def test_after_the_mark_the_sweep_hands_it_over(self, sandbox, monkeypatch):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        removed(sandbox, team, led_by(team))
        with monkeypatch.context() as patch:
            patch.setattr(take_over, "settle", lambda team_id: False)
            look(team)
        assert led_by(team) != SECOND
        tasks.take_over()
        assert led_by(team) == SECOND

    def test_between_getting_the_token_and_the_lead(self, sandbox, monkeypatch):
        team = import_sandbox_team(sandbox)
        login = co_admin(sandbox, team, token="")
        removed(sandbox, team, led_by(team))
        with monkeypatch.context() as patch:
            patch.setattr(take_over, "_lead", dies)
            with pytest.raises(Killed):
                look(team)
        login.refresh_from_db()
        assert login.access_token
        calls = len(sandbox.log(op="session"))
        tasks.take_over()
        assert led_by(team) == SECOND
        assert len(sandbox.log(op="session")) == calls  # the token is not asked for again

    def test_inside_the_lead_nothing_is_half_done(self, sandbox, monkeypatch):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        first = led_by(team)
        removed(sandbox, team, first)
        with monkeypatch.context() as patch:
            patch.setattr(take_over.events, "login_took_over", dies)
            with pytest.raises(Killed):
                look(team)
        assert led_by(team) == first
        assert TeamLogin.objects.get(owner__email=SECOND).access_token
        tasks.take_over()
        assert led_by(team) == SECOND

    def test_before_the_team_says_that_nobody_leads(self, sandbox, monkeypatch):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        for email in (led_by(team), SECOND):
            removed(sandbox, team, email)
        login = TeamLogin.objects.get(owner__email=SECOND)
        with monkeypatch.context() as patch:
            patch.setattr(take_over, "settle", lambda team_id: False)
            look(team)
        TeamLogin.objects.filter(pk=login.pk).update(problem=Problem.EXCHANGE_REFUSED)
        assert fresh(team).workspace_state == Team.Workspace.ACTIVE
        tasks.take_over()
        assert fresh(team).workspace_state == Team.Workspace.ACCESS_LOST

    def test_after_the_log_in_ended(self, sandbox):
        team = import_sandbox_team(sandbox)
        co_admin(sandbox, team)
        Owner.objects.filter(pk=team.owner_id).update(login=Owner.Login.EXPIRED)
        tasks.take_over()
        assert led_by(team) == SECOND


class TestChatGPTIsAway:
    def test_the_team_waits_and_nothing_is_concluded(self, sandbox):
        team = import_sandbox_team(sandbox)
        first = led_by(team)
        co_admin(sandbox, team, token="")
        removed(sandbox, team, first)
        sandbox.fault("session", "503_json", times=0)
        look(team)
        now = fresh(team)
        assert (now.owner.email, now.workspace_state, problem(team, SECOND)) == (first, "active", Problem.NONE)
        assert now.cooldown_until > timezone.now()
        sandbox.clear_faults()
        Team.objects.update(cooldown_until=None)
        tasks.take_over()
        assert led_by(team) == SECOND


class TestImport:
    def test_a_short_lived_token_is_kept_beside_a_log_in_that_renews_itself(self, sandbox):
        team = import_sandbox_team(sandbox)
        first = led_by(team)
        sandbox.member(team.account_id, SECOND, role="account-admin")
        second = credentials(sandbox, SECOND)
        brought = bring_one(json.dumps({"access_token": second["access_token"], "account_id": team.account_id}))
        assert brought.state == "updated"
        assert brought.teams[0]["is_spare"]
        assert led_by(team) == first
        spare = TeamLogin.objects.get(owner__email=SECOND)
        assert spare.access_token == second["access_token"]
        # It dies; the owner's log-in still runs the Team.
        sandbox.invalidate_tokens(SECOND)
        redeem(email=ANA, code=a_code().code)
        deliver()
        assert (led_by(team), SeatGrant.objects.get().state) == (first, GrantState.VERIFIED)

    def test_one_that_renews_itself_displaces_one_that_does_not(self, sandbox):
        team = import_sandbox_team(sandbox)
        first = fresh(team).owner
        Owner.objects.filter(pk=first.pk).update(session_token="", refresh_token="")
        sandbox.member(team.account_id, SECOND, role="account-admin")
        second = credentials(sandbox, SECOND)
        brought = bring_one(json.dumps({"sessionToken": second["session_token"], "account": {"id": team.account_id}}))
        assert brought.state == "updated"
        assert not brought.teams[0]["is_spare"]
        assert led_by(team) == SECOND
        assert TeamLogin.objects.get(owner=first).access_token == team.access_token
        assert not Team.objects.allocatable(timezone.now()).exists()  # until it has read the list

    @pytest.mark.parametrize(
        "ended",
        [{"workspace_state": "access_lost"}, {"workspace_state": "insufficient_role"}, {"token_state": "expired"}],
        ids=str,
    )
    def test_a_leader_that_has_ended_here_is_displaced(self, sandbox, ended):
        team = import_sandbox_team(sandbox, **ended)
        sandbox.member(team.account_id, SECOND, role="account-admin")
        second = credentials(sandbox, SECOND)
        bring_one(json.dumps({"access_token": second["access_token"], "account_id": team.account_id}))
        assert led_by(team) == SECOND

    def test_imported_anew_it_may_be_tried_again(self, sandbox):
        team = import_sandbox_team(sandbox)
        login = co_admin(sandbox, team)
        TeamLogin.objects.filter(pk=login.pk).update(problem=Problem.ACCESS_LOST)
        second = credentials(sandbox, SECOND)
        bring_one(json.dumps({"access_token": second["access_token"], "account_id": team.account_id}))
        assert problem(team, SECOND) == Problem.NONE


class TestRenewASpareOne:
    def test_its_token_stands_beside_the_one_in_use(self, sandbox):
        team = import_sandbox_team(sandbox)
        login = co_admin(sandbox, team, token="")
        token = renew.renew(team_id=team.pk, rejected_token="", owner_id=login.owner_id)
        login.refresh_from_db()
        assert login.access_token == token
        assert fresh(team).access_token == team.access_token
        assert read_claims(token).email == SECOND

    def test_one_refresh_serves_all_its_teams(self, sandbox):
        team = import_sandbox_team(sandbox)
        second = credentials(sandbox, SECOND)
        means = {"refresh_token": second["refresh_token"], "client_id": second["client_id"]}
        login = co_admin(sandbox, team, token="", **means)
        own = a_team(owner=login.owner)
        renew.renew(team_id=own.pk, rejected_token=own.access_token)
        login.refresh_from_db()
        assert login.access_token == fresh(own).access_token != own.access_token
        assert len(sandbox.log(op="token")) == 1


class TestKeepAlive:
    def keep_alive(self) -> tuple[int, int]:
        return renew_due(now=timezone.now(), until=timezone.now() + timedelta(seconds=45))

    def test_one_call_for_a_log_in_that_leads_no_team(self, sandbox):
        teams = [import_sandbox_team(sandbox) for _ in range(3)]
        owner = co_admin(sandbox, teams[0], token="").owner
        for team in teams[1:]:
            sandbox.member(team.account_id, SECOND, role="account-admin")
            TeamLogin.objects.create(team=team, owner=owner)
        assert self.keep_alive() == (1, 0)
        assert len(sandbox.log(op="session")) == 1
        assert TeamLogin.objects.filter(owner=owner).exclude(access_token="").count() == 1

    def test_one_that_leads_a_team_is_alive_by_that(self, sandbox):
        team = import_sandbox_team(sandbox)
        login = co_admin(sandbox, team, token="")
        a_team(owner=login.owner)
        assert self.keep_alive() == (0, 0)

    def test_a_dead_session_is_found_out_before_it_is_needed(self, sandbox):
        team = import_sandbox_team(sandbox)
        login = co_admin(sandbox, team, token="")
        Owner.objects.filter(pk=login.owner_id).update(session_token="not-a-session")
        assert self.keep_alive() == (0, 1)
        assert self.keep_alive() == (0, 0)  # not again for half a day

    def test_what_a_team_refused_is_not_asked_for(self, sandbox):
        team = import_sandbox_team(sandbox)
        login = co_admin(sandbox, team, token="")
        TeamLogin.objects.filter(pk=login.pk).update(problem=Problem.ROLE_TOO_LOW)
        assert self.keep_alive() == (0, 0)


class Killed(BaseException):
    """What a process that dies looks like from inside: nothing catches it."""


def dies(*args: Any, **kwargs: Any) -> None:
    raise Killed


@pytest.fixture
def told() -> Any:
    """What operators were told, in English."""
    address = "https://bark.example.com/key"
    Setting.objects.create(key="notifications.bark_url", secret=address, updated_at=timezone.now())

    def lines() -> list[str]:
        with translation.override("en"):
            return [line(one.event, one.context) for one in Message.objects.order_by("pk")]

    return lines

"""What a web session says, and what the product makes of it: each line of upstream §11 over real HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from base import actors
from invites.following.sync import sync_team
from teampool.access import Access
from teampool.login import by_session, doubt, keep_alive, refused, token_chain
from teampool.login.renew import CannotRenew, renew
from teampool.login.tokens import store_tokens
from teampool.models import Owner, RefusedToken, Team
from teampool.upstream.claims import read_claims
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure
from tests.cast import import_sandbox_team, run_together

ACTOR = actors.command("tests")
LATER = doubt.AGAIN_AFTER + timedelta(seconds=1)
STRIKES = ["session_empty", "session_warning", "session_error", "session_error_stale", "session_401", "session_403"]

pytestmark = pytest.mark.django_db(transaction=True)


def a_team(sandbox, *, refresh: bool = False, account_id: str | None = None, **fields) -> Team:
    """A Team whose log-in has a session, and a refresh token only with `refresh`."""
    team = import_sandbox_team(sandbox, account_id, **fields)
    if not refresh:
        Owner.objects.update(refresh_token="")
    return Team.objects.select_related("owner").get(pk=team.pk)


def kill(sandbox, team: Team) -> str:
    """The Team's token dies at ChatGPT; the token."""
    sandbox.invalidate_tokens(team.owner.email)
    return team.access_token


def refusal(team: Team, **how) -> CannotRenew:
    team = Team.objects.get(pk=team.pk)
    with pytest.raises(CannotRenew) as caught:
        renew(team_id=team.pk, rejected_token=team.access_token, **how)
    return caught.value


def invite(team: Team):
    fresh = Team.objects.select_related("owner").get(pk=team.pk)
    with Access(fresh, actor=ACTOR) as access:
        return access.ask(lambda upstream: upstream.invite("ana@example.com", submission_id="s", flow_id="f"))


def calls(sandbox) -> list[dict]:
    return sandbox.log(op="session")


def forced(sandbox) -> list[dict]:
    return [entry for entry in calls(sandbox) if entry["query"].get("refresh")]


def state(team: Team) -> tuple[str, str, str]:
    team = Team.objects.select_related("owner").get(pk=team.pk)
    return team.workspace_state, team.token_state, team.owner.login


WELL = ("active", "healthy", "ok")


class TestDoubt:
    """An `error`, or no token: dead only when it is said twice, ten minutes apart, with no good answer between."""

    @pytest.mark.parametrize("fault", STRIKES)
    def test_the_first_ends_nothing(self, sandbox, fault):
        team = a_team(sandbox)
        dead = kill(sandbox, team)
        sandbox.fault("session", fault)
        invite(team)
        assert state(team) == WELL
        team.refresh_from_db()
        assert (team.access_token, team.failures) == (dead, 0)
        assert not Team.objects.allocatable(timezone.now()).exists()
        with time_machine.travel(timezone.now() + LATER, tick=True):
            assert sync_team(team_id=team.pk).problem == ""
            assert Team.objects.allocatable(timezone.now()).exists()
        assert state(team) == WELL
        assert Owner.objects.get().doubted_at is None

    @pytest.mark.parametrize("fault", STRIKES)
    def test_the_second_ten_minutes_later_ends_the_login(self, sandbox, fault):
        team = a_team(sandbox)
        kill(sandbox, team)
        sandbox.fault("session", fault, times=0)
        assert not refusal(team).is_permanent
        with time_machine.travel(timezone.now() + LATER, tick=True):
            error = refusal(team)
            assert error.is_permanent
            assert Owner.objects.get().login_problem == by_session.NO_TOKEN_AT_ALL
        assert state(team) == ("active", "expired", "expired")
        assert len(calls(sandbox)) == 2

    def test_within_ten_minutes_nobody_asks_again(self, sandbox):
        team = a_team(sandbox)
        sibling = a_team(sandbox, account_id=sandbox.workspace(team.owner.email)["account_id"])
        kill(sandbox, team)
        sandbox.fault("session", "session_error", times=0)
        for one in (team, sibling, team):
            error = refusal(one)
            assert (error.is_permanent, error.failure) == (False, Failure.SESSION_DOUBTFUL)
            assert error.retry_after <= doubt.AGAIN_AFTER
        assert len(calls(sandbox)) == 1
        assert state(team) == state(sibling) == WELL

    @pytest.mark.parametrize("good", ["a token", "a refusal of one workspace", "a session pasted"])
    def test_a_good_answer_between_forgets_the_first(self, sandbox, good):
        team = a_team(sandbox)
        sibling = a_team(sandbox, account_id=sandbox.workspace(team.owner.email)["account_id"])
        kill(sandbox, team)
        sandbox.fault("session", "session_error")
        refusal(team)
        now = timezone.now()
        with time_machine.travel(now + LATER, tick=True):
            if good == "a session pasted":
                pasted = {"session_token": team.owner.session_token, "is_session_proven": True}
                store_tokens(owner_id=team.owner_id, source="import", actor=ACTOR, **pasted)
            elif good == "a token":
                renew(team_id=sibling.pk, rejected_token=sibling.access_token)
            else:
                sandbox.fault("session", "exchange_unknown")
                refusal(sibling)
        sandbox.fault("session", "session_error", times=0)
        with time_machine.travel(now + 2 * LATER, tick=True):
            assert not refusal(team).is_permanent
        assert state(team) == WELL
        with time_machine.travel(now + 3 * LATER, tick=True):
            assert refusal(team).is_permanent

    @pytest.mark.parametrize("fault", ["html_403", "html_200", "unusual_403", "503", "429", "reset_before", "200_null"])
    def test_a_block_or_trouble_on_the_way_is_no_strike(self, sandbox, fault):
        team = a_team(sandbox)
        kill(sandbox, team)
        sandbox.fault("session", fault)
        assert not refusal(team).is_permanent
        assert Owner.objects.get().doubted_at is None
        assert renew(team_id=team.pk, rejected_token=team.access_token)

    @pytest.mark.parametrize("fault", ["503", "500_html", "reset_before", "200_null", "html_403", "redirect_login"])
    def test_trouble_on_the_way_is_no_failure_of_the_team_however_often(self, sandbox, fault):
        team = a_team(sandbox)
        kill(sandbox, team)
        sandbox.fault("session", fault, times=0)
        for _person in range(6):
            invite(team)
        assert state(team) == WELL
        team.refresh_from_db()
        assert (team.failures, team.cooldown_until > timezone.now()) == (0, True)
        sandbox.clear_faults()
        assert invite(team).verdict == "sent"

    def test_an_answer_with_an_error_stores_no_token_but_a_rotated_session(self, sandbox):
        team = a_team(sandbox)
        before = team.owner.session_token
        sandbox.shape(session_rotation="cookie")
        sandbox.fault("session", "session_error_stale")
        refusal(team, is_refused=False)
        assert Team.objects.get().access_token == team.access_token
        assert Owner.objects.get().session_token == token_chain.newest(before) != before

    def test_an_error_in_somebody_else_s_name_brings_in_no_session(self, sandbox):
        sandbox.workspace("sam@example.com")
        team = a_team(sandbox)
        kill(sandbox, team)
        sandbox.shape(session_rotation="both")
        sandbox.fault(
            "session", {"preset": "session_error_stale", "tweak": {"identity": "other"}}, email=team.owner.email
        )
        assert not refusal(team).is_permanent
        assert Owner.objects.get().session_token == team.owner.session_token

    def test_a_refresh_token_beside_a_doubted_session_goes_on(self, sandbox):
        team = a_team(sandbox, refresh=True)
        kill(sandbox, team)
        sandbox.fault("session", "session_error", times=0)
        assert renew(team_id=team.pk, rejected_token=team.access_token)
        assert state(team) == WELL

    def test_a_dead_refresh_token_beside_a_doubted_session_ends_nothing(self, sandbox):
        team = a_team(sandbox, refresh=True)
        sandbox.invalidate_tokens(refresh=True)
        sandbox.fault("session", "session_error", times=0)
        assert not refusal(team).is_permanent
        assert state(team) == WELL
        with time_machine.travel(timezone.now() + LATER, tick=True):
            assert refusal(team).is_permanent

    def test_two_at_once_are_one_strike(self, sandbox):
        team = a_team(sandbox)
        kill(sandbox, team)
        sandbox.fault("session", "session_error", times=0)
        said = run_together(*[lambda: refusal(team)] * 3)
        assert [error.is_permanent for error in said] == [False] * 3
        assert len(calls(sandbox)) == 1

    def test_the_token_in_hand_serves_meanwhile(self, sandbox):
        now = timezone.now()
        team = a_team(sandbox, access_expires_at=now + timedelta(hours=2))
        sandbox.fault("session", "session_error")
        assert keep_alive.renew_due(now=now, until=now + timedelta(minutes=5)) == (0, 1)
        assert invite(team).failure is None
        assert Team.objects.allocatable(timezone.now()).exists()


class TestOneWorkspace:
    """`workspaceTokenExchangeError`: about one workspace only; the session lives."""

    @pytest.mark.parametrize("form", ["", "_text", "_with_token", "_text_with_token"])
    @pytest.mark.parametrize(
        ("name", "becomes"),
        [("deactivated", "suspended"), ("removed", "access_lost"), ("not_found", "access_lost"), ("unknown", "active")],
    )
    def test_it_touches_that_workspace_alone(self, sandbox, name, becomes, form):
        teams = [a_team(sandbox)]
        for _ in range(2):
            account_id = sandbox.workspace(teams[0].owner.email)["account_id"]
            teams.append(a_team(sandbox, account_id=account_id))
        lost, *siblings = teams
        dead = kill(sandbox, lost)
        sandbox.fault("session", f"exchange_{name}{form}", account_id=lost.account_id, times=0)
        for team in teams:
            for _ in range(6):
                invite(team)
        assert state(lost) == (becomes, "healthy", "ok")
        assert Team.objects.get(pk=lost.pk).access_token == dead
        assert [state(team) for team in siblings] == [WELL] * 2
        assert {team.pk for team in siblings} == set(
            Team.objects.allocatable(timezone.now()).values_list("pk", flat=True)
        )
        assert Owner.objects.get().doubted_at is None
        assert forced(sandbox) == []

    def test_it_is_asked_again_later_and_later(self, sandbox):
        team = a_team(sandbox)
        kill(sandbox, team)
        sandbox.fault("session", "exchange_unknown", times=0)
        now, asked_at = timezone.now(), []
        for minute in range(0, 120, 5):
            before = len(calls(sandbox))
            with time_machine.travel(now + timedelta(minutes=minute, seconds=minute), tick=True):
                error = refusal(team)
                assert (error.failure, error.cause) == (Failure.EXCHANGE_FAILED, by_session.NO_TOKEN_HERE)
            asked_at += [minute] * (len(calls(sandbox)) - before)
        assert asked_at == [0, 10, 30, 70]
        sandbox.clear_faults()
        with time_machine.travel(now + timedelta(hours=4), tick=True):
            assert renew(team_id=team.pk, rejected_token=team.access_token)

    def test_a_rotated_session_is_kept_and_an_empty_one_is_not(self, sandbox):
        team = a_team(sandbox)
        before = team.owner.session_token
        sandbox.shape(session_rotation="both")
        sandbox.fault("session", "exchange_removed")
        refusal(team)
        kept = Owner.objects.get().session_token
        assert kept == token_chain.newest(before) != before
        sandbox.shape(session_rotation="none")
        said = {"sessionToken": "", "workspaceTokenExchangeError": "removed"}
        sandbox.fault("session", {"preset": "exchange_removed", "edit": {"set": said}})
        refusal(team)
        assert Owner.objects.get().session_token == kept

    def test_ahead_of_time_it_only_waits(self, sandbox):
        """The token in hand works: what the exchange says of the workspace waits until a call says the same."""
        now = timezone.now()
        team = a_team(sandbox, access_expires_at=now + timedelta(hours=2))
        sandbox.fault("session", "exchange_removed", times=0)
        assert keep_alive.renew_due(now=now, until=now + timedelta(minutes=5)) == (0, 1)
        assert state(team) == WELL
        assert invite(team).failure is None
        assert RefusedToken.objects.count() == 0

    def test_what_the_sync_says(self, sandbox):
        team = a_team(sandbox)
        kill(sandbox, team)
        sandbox.fault("session", "exchange_unknown", times=0)
        assert sync_team(team_id=team.pk).problem == by_session.NO_TOKEN_HERE
        assert Team.objects.get().sync_problem == by_session.NO_TOKEN_HERE

    def test_a_workspace_that_returns_comes_back_by_itself(self, sandbox):
        team = a_team(sandbox)
        kill(sandbox, team)
        sandbox.fault("session", "exchange_deactivated")
        invite(team)
        assert state(team)[0] == "suspended"
        sync_team(team_id=team.pk)
        assert state(team) == WELL


class TestWhichWorkspace:
    @pytest.mark.parametrize("honours", ["query", "cookie", "setCurrentAccountWithoutRedirect", "account_switcher"])
    def test_each_way_of_asking_gets_its_token(self, sandbox, honours):
        sandbox.workspace("omar@example.com")
        second = sandbox.workspace("omar@example.com")["account_id"]
        team = a_team(sandbox, account_id=second)
        sandbox.shape(session_exchange=honours)
        kill(sandbox, team)
        token = renew(team_id=team.pk, rejected_token=team.access_token)
        assert read_claims(token).account_id == second
        reasons = [entry["reason"] for entry in calls(sandbox)]
        assert reasons == list(by_session.REASONS[: 2 if honours == "account_switcher" else 1])
        assert {entry["account_cookie"] for entry in calls(sandbox)} == {second}
        assert not any(entry["authorization"] for entry in calls(sandbox))

    @pytest.mark.parametrize("answers", ["parent", "personal"])
    def test_another_workspace_s_token_is_refused_and_ours_kept(self, sandbox, answers):
        sandbox.workspace("omar@example.com")
        team = a_team(sandbox, account_id=sandbox.workspace("omar@example.com")["account_id"])
        sandbox.shape(session_exchange=answers)
        dead = kill(sandbox, team)
        for _ in range(4):
            error = refusal(team)
        assert (error.failure, len(calls(sandbox))) == (Failure.EXCHANGE_FAILED, 2)
        assert Team.objects.get(pk=team.pk).access_token == dead
        assert state(team) == WELL


class TestTheSameDeadToken:
    """ChatGPT goes on handing out a token that it refuses."""

    def test_one_forced_refresh_brings_it_back_by_itself(self, sandbox):
        team = a_team(sandbox)
        sandbox.set_workspace(team.account_id, changes_kill_tokens=True)
        sandbox.shape(session_cache="until_forced")
        sandbox.buy_seats(team.account_id)
        assert sync_team(team_id=team.pk).problem == ""
        assert state(team) == WELL
        [entry] = forced(sandbox)
        assert entry["failed_iat"] == str(read_claims(team.access_token).issued_at)
        assert len(calls(sandbox)) <= refused.MOST_CALLS

    def test_only_one_reason_helps_and_the_token_is_stuck_as_well(self, sandbox):
        sandbox.workspace("omar@example.com")
        team = a_team(sandbox, account_id=sandbox.workspace("omar@example.com")["account_id"])
        sandbox.shape(session_exchange="account_switcher", session_cache="until_forced")
        kill(sandbox, team)
        token = renew(team_id=team.pk, rejected_token=team.access_token)
        assert read_claims(token).account_id == team.account_id
        assert len(calls(sandbox)) <= refused.MOST_CALLS

    def test_one_that_stays_costs_three_calls_whoever_meets_it(self, sandbox):
        now = timezone.now()
        team = a_team(sandbox, access_expires_at=now + timedelta(hours=2))
        sandbox.shape(session_cache="for_good")
        dead = kill(sandbox, team)
        for _ in range(6):
            invite(team)
            fresh = Team.objects.select_related("owner").get()
            with pytest.raises(UpstreamError) as caught, Access(fresh, actor=ACTOR) as access:
                access.ask(lambda upstream: upstream.members(), is_look=True)
            assert caught.value.failure is Failure.TOKEN_REPEATED
        assert sync_team(team_id=team.pk).problem == by_session.SAME_TOKEN
        Team.objects.update(token_state=Team.Token.HEALTHY)  # as it is for whoever still believes in it
        for hours in (0, 2, 30):
            with time_machine.travel(now + timedelta(hours=hours), tick=True):
                keep_alive.renew_due(now=timezone.now(), until=timezone.now() + timedelta(minutes=5))
                sync_team(team_id=team.pk)
        assert len(calls(sandbox)) == refused.MOST_CALLS
        assert [entry["failed_iat"] for entry in forced(sandbox)] == [str(read_claims(dead).issued_at)]

    def test_it_counts_until_the_token_is_called_expired(self, sandbox):
        team = a_team(sandbox)
        sandbox.shape(session_cache="for_good")
        kill(sandbox, team)
        for _ in range(5):
            assert state(team) == WELL
            invite(team)
        assert state(team) == ("active", "expired", "ok")

    def test_a_new_session_token_brings_it_back(self, sandbox):
        team = a_team(sandbox)
        sandbox.shape(session_cache="for_good")
        kill(sandbox, team)
        refusal(team)
        sandbox.shape(session_cache="none")
        fresh = sandbox.credentials()[0]["session_json"]["accessToken"]
        store_tokens(owner_id=team.owner_id, team_id=team.pk, access_token=fresh, source="import", actor=ACTOR)
        kill(sandbox, team)
        assert renew(team_id=team.pk, rejected_token=fresh) != fresh

    def test_processes_that_meet_it_together_force_once(self, sandbox):
        team = a_team(sandbox)
        sandbox.shape(session_cache="for_good")
        kill(sandbox, team)
        said = run_together(*[lambda: refusal(team)] * 4)
        assert {error.failure for error in said} == {Failure.TOKEN_REPEATED}
        assert (len(calls(sandbox)), len(forced(sandbox))) == (refused.MOST_CALLS, 1)

    def test_two_teams_with_one_token_force_it_once(self, sandbox):
        team = a_team(sandbox)
        account_id = sandbox.workspace(team.owner.email)["account_id"]
        other = a_team(sandbox, account_id=account_id, access_token=team.access_token)
        sandbox.shape(session_cache="for_good")
        sandbox.fault("session", {"edit": {"set": {"accessToken": team.access_token}}}, account_id=account_id, times=0)
        kill(sandbox, team)
        refusal(team)
        refusal(other)
        assert len(forced(sandbox)) == 1

    def test_a_process_killed_on_the_way_costs_no_second_force(self, sandbox, monkeypatch):
        team = a_team(sandbox)
        sandbox.shape(session_cache="for_good")
        kill(sandbox, team)

        class Killed(BaseException):
            """Stands for SIGKILL: nothing after this instruction happens."""

        def die(*args, **kwargs):
            real(*args, **kwargs)
            raise Killed

        real = by_session.refresh_session
        monkeypatch.setattr(by_session, "refresh_session", die)
        with pytest.raises(Killed):
            renew(team_id=team.pk, rejected_token=team.access_token)
        monkeypatch.undo()
        for _ in range(3):
            refusal(team)
        assert (len(calls(sandbox)), len(forced(sandbox))) == (refused.MOST_CALLS, 1)

    def test_trouble_on_the_way_does_not_use_up_the_calls(self, sandbox):
        team = a_team(sandbox)
        sandbox.shape(session_cache="until_forced")
        kill(sandbox, team)
        sandbox.fault("session", "503", times=4)
        for _ in range(4):
            refusal(team)
        assert renew(team_id=team.pk, rejected_token=team.access_token)

    def test_an_unclear_refusal_forces_nothing(self, sandbox):
        team = a_team(sandbox)
        for _ in range(3):
            assert refusal(team, is_certain=False).failure is Failure.TOKEN_REPEATED
        assert (len(calls(sandbox)), forced(sandbox)) == (1, [])
        sandbox.shape(session_cache="until_forced")
        kill(sandbox, team)
        assert renew(team_id=team.pk, rejected_token=team.access_token)
        assert len(calls(sandbox)) <= refused.MOST_CALLS

    def test_an_older_dead_token_is_the_same_story(self, sandbox):
        """The session swaps between two dead tokens: neither is taken for news."""
        team = a_team(sandbox)
        first = kill(sandbox, team)
        second = renew(team_id=team.pk, rejected_token=first)
        kill(sandbox, team)
        sandbox.fault("session", {"edit": {"set": {"accessToken": first}}}, times=0)
        for _ in range(3):
            refusal(team)
        assert Team.objects.get().access_token == second
        assert len(calls(sandbox)) == 1 + refused.MOST_CALLS

    def test_rows_are_forgotten_once_no_token_lives_that_long(self, sandbox):
        team = a_team(sandbox)
        kill(sandbox, team)
        renew(team_id=team.pk, rejected_token=team.access_token)
        assert refused.claim_force_of("a token that an import brought")
        RefusedToken.objects.update(created_at=timezone.now() - refused.KEPT_FOR - timedelta(days=1))
        team = Team.objects.select_related("owner").get()
        kill(sandbox, team)
        renew(team_id=team.pk, rejected_token=team.access_token)
        assert [row.digest for row in RefusedToken.objects.all()] == [refused.digest(team.access_token)]

"""Renewing a refused access token: one at a time, the right person's, and never twice with the same token."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from django_q.models import OrmQ

from base import actors
from invites.following.sync import sync_team
from notifications.models import AuditEvent
from teampool.login import by_refresh, by_session, doubt, token_chain
from teampool.login import renew as credentials
from teampool.login.renew import CannotRenew, renew
from teampool.login.tokens import store_tokens
from teampool.models import Owner, Team, TeamLogin
from teampool.upstream.claims import read_claims
from teampool.upstream.web_session import NO_TOKEN_NOW
from tests.cast import a_team, an_owner, import_sandbox_team, run_together

ACTOR = actors.command("tests")
DEAD = "a-token-that-was-refused"

pytestmark = pytest.mark.django_db(transaction=True)


def refused_team(sandbox, *, session: bool = True, refresh: bool = True, **fields) -> Team:
    """A Team whose access token upstream no longer takes; its Owner has what is asked for."""
    team = import_sandbox_team(sandbox, access_token=DEAD, **fields)
    Owner.objects.filter(pk=team.owner_id).update(
        **({} if session else {"session_token": ""}), **({} if refresh else {"refresh_token": ""})
    )
    return Team.objects.select_related("owner").get(pk=team.pk)


def refuse(team: Team) -> CannotRenew:
    with pytest.raises(CannotRenew) as caught:
        renew(team_id=team.pk, rejected_token=DEAD)
    return caught.value


def sent(sandbox, op: str) -> int:
    return len(sandbox.log(op=op))


class TestBySession:
    def test_it_gets_a_token_for_this_very_workspace(self, sandbox):
        first = sandbox.workspace("omar@example.com")
        second = sandbox.workspace("omar@example.com")
        team = import_sandbox_team(sandbox, second["account_id"], access_token=DEAD)
        token = renew(team_id=team.pk, rejected_token=DEAD)
        team.refresh_from_db()
        assert token == team.access_token
        assert read_claims(token).account_id == second["account_id"] != first["account_id"]
        assert sent(sandbox, "token") == 0

    def test_a_rotated_session_is_kept_and_leads_on(self, sandbox):
        team = refused_team(sandbox)
        before = team.owner.session_token
        sandbox.shape(session_rotation="cookie")
        renew(team_id=team.pk, rejected_token=DEAD)
        after = Owner.objects.get().session_token
        assert after != before
        assert token_chain.newest(before) == after

    def test_another_workspace_s_token_is_refused_but_the_login_lives(self, sandbox):
        sandbox.workspace("omar@example.com")
        team = import_sandbox_team(sandbox, sandbox.workspace("omar@example.com")["account_id"], access_token=DEAD)
        Owner.objects.update(refresh_token="")
        sandbox.fault("session", "session_wrong_workspace", times=2)
        error = refuse(team)
        assert not error.is_permanent
        team.refresh_from_db()
        assert (team.access_token, team.token_state) == (DEAD, Team.Token.HEALTHY)
        assert Owner.objects.get().login == Owner.Login.OK

    @pytest.mark.parametrize("refresh", [False, True], ids=["no refresh token", "a dead refresh token"])
    def test_the_same_token_again_is_nothing_new_and_no_end(self, sandbox, refresh):
        sandbox.shape(session_cache="for_good")
        team = import_sandbox_team(sandbox)
        sandbox.invalidate_tokens(access=False, refresh=True)
        Owner.objects.update(**({} if refresh else {"refresh_token": ""}))
        with pytest.raises(CannotRenew) as caught:
            renew(team_id=team.pk, rejected_token=team.access_token)
        assert not caught.value.is_permanent
        assert Owner.objects.get().login == Owner.Login.OK
        assert Team.objects.get().token_state == Team.Token.HEALTHY

    def test_somebody_else_s_session_is_neither_used_nor_kept(self, sandbox):
        sandbox.workspace("sam@example.com")
        team = refused_team(sandbox, refresh=False)
        before = team.owner.session_token
        sandbox.shape(session_rotation="both")
        sandbox.fault("session", "session_other_identity")
        error = refuse(team)
        assert error.is_permanent
        owner = Owner.objects.get()
        assert (owner.login, owner.session_token) == (Owner.Login.MISMATCH, before)
        assert Team.objects.get(pk=team.pk).access_token == DEAD

    @pytest.mark.parametrize("fault", ["html_403", "503", "429", "reset_before", "200_invalid_json"])
    def test_trouble_on_the_way_ends_nothing_and_spends_nothing(self, sandbox, fault):
        team = refused_team(sandbox)
        sandbox.fault("session", fault)
        assert not refuse(team).is_permanent
        owner = Owner.objects.get()
        assert (owner.login, owner.refresh_lease_until, owner.refresh_sent_at) == (Owner.Login.OK, None, None)
        assert sent(sandbox, "token") == 0

    def test_a_dead_session_gives_way_to_the_refresh_token(self, sandbox):
        team = refused_team(sandbox)
        sandbox.fault("session", "session_empty")
        assert renew(team_id=team.pk, rejected_token=DEAD)
        assert sent(sandbox, "token") == 1


class TestByRefreshToken:
    def test_one_token_serves_every_team_of_the_owner(self, sandbox):
        first = refused_team(sandbox, session=False)
        other = import_sandbox_team(sandbox, sandbox.workspace(first.owner.email)["account_id"], access_token=DEAD)
        archived = import_sandbox_team(
            sandbox,
            sandbox.workspace(first.owner.email)["account_id"],
            access_token=DEAD,
            archived_at=timezone.now(),
        )
        token = renew(team_id=first.pk, rejected_token=DEAD)
        assert token != DEAD
        assert renew(team_id=other.pk, rejected_token=DEAD) == token
        archived.refresh_from_db()
        assert archived.access_token == DEAD
        assert sent(sandbox, "token") == 1

    def test_the_rotated_token_is_stored_before_the_new_access_token_is(self, sandbox, monkeypatch):
        team = refused_team(sandbox, session=False)
        before = team.owner.refresh_token

        class Killed(BaseException):
            """Stands for SIGKILL: nothing after this instruction happens."""

        def die(*args, **kwargs):
            raise Killed

        monkeypatch.setattr(by_refresh, "identity_of", die)
        with pytest.raises(Killed):
            renew(team_id=team.pk, rejected_token=DEAD)
        owner = Owner.objects.get()
        assert owner.refresh_token == token_chain.newest(before) != before
        assert owner.refresh_sent_at is None
        monkeypatch.undo()
        assert renew(team_id=team.pk, rejected_token=DEAD)

    def test_killed_before_the_owner_has_it_the_chain_still_does(self, sandbox, monkeypatch):
        team = refused_team(sandbox, session=False)
        before = team.owner.refresh_token
        token_chain.spend(refresh_token=before, client_id=team.owner.client_id, patience=timedelta(0))
        assert Owner.objects.get().refresh_token == before
        assert renew(team_id=team.pk, rejected_token=DEAD)
        assert Owner.objects.get().refresh_token == token_chain.newest(before)
        assert len({entry["body"]["refresh_token"] for entry in sandbox.log(op="token")}) == 2

    def test_sending_is_written_down_first(self, sandbox, monkeypatch):
        team = refused_team(sandbox, session=False)
        seen = []
        real = token_chain.refresh_oauth

        def watched(*args):
            seen.append(Owner.objects.get().refresh_sent_at)
            return real(*args)

        monkeypatch.setattr(token_chain, "refresh_oauth", watched)
        renew(team_id=team.pk, rejected_token=DEAD)
        assert seen[0] is not None
        assert Owner.objects.get().refresh_sent_at is None

    def test_a_lost_answer_leaves_the_outcome_open_and_one_try(self, sandbox):
        team = refused_team(sandbox, session=False)
        sandbox.fault("token", "reset_after")
        assert not refuse(team).is_permanent
        owner = Owner.objects.get()
        assert owner.refresh_sent_at is not None
        assert owner.login == Owner.Login.OK
        assert refuse(team).is_permanent
        assert Owner.objects.get().login == Owner.Login.EXPIRED
        assert Team.objects.get().token_state == Team.Token.EXPIRED

    def test_reused_while_another_stored_its_successor_uses_that(self, sandbox, monkeypatch):
        team = refused_team(sandbox, session=False)
        old = team.owner.refresh_token
        successor = token_chain.refresh_oauth(old, team.owner.client_id).refresh_token  # by a process without our rows
        real = token_chain.refresh_oauth

        def meanwhile(token, client_id):
            Owner.objects.update(refresh_token=successor)
            return real(token, client_id)

        monkeypatch.setattr(token_chain, "refresh_oauth", meanwhile)
        assert renew(team_id=team.pk, rejected_token=DEAD)
        assert Owner.objects.get().login == Owner.Login.OK

    def test_another_person_s_token_is_refused_and_the_grant_kept(self, sandbox):
        sandbox.workspace("sam@example.com")
        team = refused_team(sandbox, session=False)
        before = team.owner.refresh_token
        sandbox.fault("token", "oauth_other_identity")
        assert refuse(team).is_permanent
        owner = Owner.objects.get()
        assert owner.login == Owner.Login.MISMATCH
        assert owner.refresh_token == token_chain.newest(before) != before
        assert Team.objects.get(pk=team.pk).access_token == DEAD

    @pytest.mark.parametrize("fault", ["500", "html_403", "429", "country_403"])
    def test_transient_answers_end_nothing(self, sandbox, fault):
        team = refused_team(sandbox, session=False)
        sandbox.fault("token", fault)
        assert not refuse(team).is_permanent
        assert Owner.objects.get().refresh_sent_at is None
        assert renew(team_id=team.pk, rejected_token=DEAD)

    @pytest.mark.parametrize("fault", ["503", "500_html", "reset_after", "429", "country_403", "no_access_token"])
    def test_trouble_on_the_way_is_no_failure_of_the_team_however_often(self, sandbox, fault):
        team = refused_team(sandbox, session=False)
        sandbox.fault("token", fault, times=0)
        for _look in range(5):
            sync_team(team_id=team.pk)
        team = Team.objects.select_related("owner").get(pk=team.pk)
        assert (team.token_state, team.look_failures, team.owner.login) == ("healthy", 0, "ok")
        assert team.cooldown_until > timezone.now()
        assert team.sync_problem == NO_TOKEN_NOW


CONFIGURATION = ["invalid_client", "unauthorized_client", "missing_required_parameter"]


class TestAWrongClientId:
    """It says nothing of the refresh token, which is kept, and not sent under that id again."""

    @pytest.mark.parametrize("fault", CONFIGURATION)
    def test_the_token_is_kept_and_not_sent_again(self, sandbox, fault):
        team = refused_team(sandbox, session=False)
        other = import_sandbox_team(sandbox, sandbox.workspace(team.owner.email)["account_id"])
        sandbox.fault("token", fault, times=0)
        for _ in range(3):
            assert "wrong client id" in refuse(team).cause or sent(sandbox, "token") == 1
        assert sent(sandbox, "token") == 1
        owner = Owner.objects.get()
        assert (owner.refresh_token, owner.client_id) == (team.owner.refresh_token, team.owner.client_id)
        assert (owner.client_state, owner.login, owner.is_renewing) == ("wrong", Owner.Login.OK, False)
        # Of its Teams only the one whose token was refused takes nobody.
        states = dict(Team.objects.values_list("pk", "token_state"))
        assert states == {team.pk: Team.Token.EXPIRED, other.pk: Team.Token.HEALTHY}
        event = AuditEvent.objects.get(action="owner_changed")
        assert event.details["after"] == {"client_state": "wrong"}

    @pytest.mark.parametrize("fault", CONFIGURATION)
    def test_beside_a_living_session_nothing_ends(self, sandbox, fault):
        sandbox.shape(session_cache="for_good")
        team = import_sandbox_team(sandbox)
        sandbox.fault("token", fault, times=0)
        for _ in range(2):
            with pytest.raises(CannotRenew) as caught:
                renew(team_id=team.pk, rejected_token=team.access_token)
            assert not caught.value.is_permanent
        owner = Owner.objects.get()
        assert owner.refresh_token
        assert (owner.login, owner.client_state) == (Owner.Login.OK, "wrong")
        assert sent(sandbox, "token") == 1

    def test_before_the_access_token_ends_nothing_expires(self, sandbox):
        team = refused_team(sandbox, session=False)
        sandbox.fault("token", "invalid_client")
        with pytest.raises(CannotRenew):
            renew(team_id=team.pk, rejected_token=DEAD, is_certain=False)
        assert Team.objects.get().token_state == Team.Token.HEALTHY
        assert Owner.objects.get().login == Owner.Login.OK

    @pytest.mark.parametrize(("state", "kept"), [("given", False), ("named", True), ("proven", False)])
    def test_token_expired_blames_the_id_only_when_nobody_gave_it(self, sandbox, state, kept):
        team = refused_team(sandbox, session=False)
        Owner.objects.update(client_state=state)
        sandbox.fault("token", "oauth_token_expired")
        refuse(team)
        owner = Owner.objects.get()
        assert owner.refresh_token
        assert (owner.login == Owner.Login.EXPIRED, owner.client_state == "wrong") == (not kept, kept)

    def test_a_token_without_client_id_is_never_sent(self, sandbox):
        team = refused_team(sandbox, session=False)
        Owner.objects.update(client_id="")
        assert "no client id" in refuse(team).cause
        assert sent(sandbox, "token") == 0
        assert Owner.objects.get().refresh_token == team.owner.refresh_token

    def test_a_refresh_that_succeeds_proves_it(self, sandbox):
        team = refused_team(sandbox, session=False)
        assert not Owner.objects.get().is_proven
        renew(team_id=team.pk, rejected_token=DEAD)
        assert Owner.objects.get().is_proven


class TestADeadRefreshTokenBesideALivingSession:
    @pytest.mark.parametrize("answer", ["refresh_token_invalidated", "refresh_token_reused"])
    def test_it_is_sent_once_and_not_kept(self, sandbox, answer):
        sandbox.shape(session_cache="for_good")
        team = import_sandbox_team(sandbox)
        sandbox.fault(op="token", action={"preset": answer}, times=0)
        for _ in range(3):
            with pytest.raises(CannotRenew) as caught:
                renew(team_id=team.pk, rejected_token=team.access_token)
            assert not caught.value.is_permanent
        assert sent(sandbox, "token") == 1
        owner = Owner.objects.get()
        assert (owner.login, owner.refresh_token, bool(owner.session_token)) == (Owner.Login.OK, "", True)
        event = AuditEvent.objects.get(action="owner_changed")
        assert (event.details["before"], event.details["after"]) == ({"refresh_token": "•••"}, {"refresh_token": ""})
        assert event.details["cause"]

    def test_one_that_was_stored_meanwhile_stays(self, sandbox, monkeypatch):
        sandbox.shape(session_cache="for_good")
        team = import_sandbox_team(sandbox)
        sandbox.invalidate_tokens(access=False, refresh=True)
        real = token_chain.refresh_oauth

        def meanwhile(token, client_id):
            Owner.objects.update(refresh_token="rt_a-newer-one")
            return real(token, client_id)

        monkeypatch.setattr(token_chain, "refresh_oauth", meanwhile)
        with pytest.raises(CannotRenew):
            renew(team_id=team.pk, rejected_token=team.access_token)
        assert Owner.objects.get().refresh_token == "rt_a-newer-one"


class TestPermanently:
    def test_login_and_teams_expire_with_an_event_each(self, sandbox):
        team = refused_team(sandbox, refresh=False)
        Owner.objects.update(doubted_at=timezone.now() - doubt.AGAIN_AFTER)
        sandbox.invalidate_tokens(session=True)
        assert refuse(team).is_permanent
        owner, team = Owner.objects.get(), Team.objects.get()
        assert (owner.login, team.token_state) == (Owner.Login.EXPIRED, Team.Token.EXPIRED)
        assert owner.login_problem
        assert set(AuditEvent.objects.values_list("action", flat=True)) == {"owner_changed", "team_changed"}

    def test_a_banned_user_is_disabled(self, sandbox):
        team = refused_team(sandbox, session=False)
        sandbox.ban(team.owner.email)
        assert refuse(team).is_permanent
        assert Owner.objects.get().login == Owner.Login.DISABLED
        assert Team.objects.get().token_state == Team.Token.DISABLED

    def test_it_is_said_again_without_asking(self, sandbox):
        team = refused_team(sandbox, refresh=False)
        Owner.objects.update(doubted_at=timezone.now() - doubt.AGAIN_AFTER)
        sandbox.invalidate_tokens(session=True)
        refuse(team)
        asked = sent(sandbox, "session")
        assert refuse(team).is_permanent
        assert sent(sandbox, "session") == asked

    def test_with_nothing_to_renew_by_only_this_team_expires(self, sandbox):
        team = refused_team(sandbox, session=False, refresh=False)
        alive = import_sandbox_team(sandbox, sandbox.workspace(team.owner.email)["account_id"])
        assert refuse(team).is_permanent
        assert Team.objects.get(pk=alive.pk).token_state == Team.Token.HEALTHY
        assert Owner.objects.get().login == Owner.Login.OK
        Team.objects.filter(pk=alive.pk).update(access_token=DEAD)
        refuse(alive)
        assert Owner.objects.get().login == Owner.Login.EXPIRED

    def test_a_late_failure_never_hurts_a_fresh_token(self, sandbox, monkeypatch):
        team = refused_team(sandbox, refresh=False)
        fresh = sandbox.credentials()[0]["access_token"]
        Owner.objects.update(doubted_at=timezone.now() - doubt.AGAIN_AFTER)
        real = by_session.exchange

        def import_meanwhile(*args, **kwargs):
            store_tokens(owner_id=team.owner_id, team_id=team.pk, access_token=fresh, source="import", actor=ACTOR)
            return real(*args, **kwargs)

        monkeypatch.setattr(by_session, "exchange", import_meanwhile)
        sandbox.fault("session", "session_empty")
        assert refuse(team).is_permanent
        team.refresh_from_db()
        assert (team.token_state, team.access_token) == (Team.Token.HEALTHY, fresh)
        assert Owner.objects.get().login == Owner.Login.OK


class TestOneAtATime:
    def test_a_token_changed_meanwhile_is_returned_without_a_call(self, sandbox):
        team = refused_team(sandbox)
        assert renew(team_id=team.pk, rejected_token="an older one") == DEAD
        assert sandbox.log() == []

    def test_threads_of_one_owner_refresh_once(self, sandbox):
        sandbox.shape(reuse_revokes_grant=True)
        sandbox.set_latency(0.05)
        team = refused_team(sandbox, session=False)
        others = [
            import_sandbox_team(sandbox, sandbox.workspace(team.owner.email)["account_id"], access_token=DEAD)
            for _ in range(3)
        ]
        renewals = [lambda pk=one.pk: renew(team_id=pk, rejected_token=DEAD) for one in [team, *others] * 2]
        tokens = run_together(*renewals)
        assert len(set(tokens)) == 1
        assert sent(sandbox, "token") == 1
        assert Owner.objects.get().login == Owner.Login.OK

    def test_without_the_lease_the_session_is_asked_by_all(self, sandbox, monkeypatch):
        """The control: what the lease prevents."""
        sandbox.set_latency(0.1)
        team = refused_team(sandbox)
        monkeypatch.setattr(credentials, "_take_lease", lambda owner_id: timezone.now())
        run_together(*[lambda: renew(team_id=team.pk, rejected_token=DEAD)] * 3)
        assert sent(sandbox, "session") > 1

    def test_the_lease_of_the_living_is_waited_for_and_then_reported(self, sandbox, settings):
        settings.UPSTREAM_TIMEOUT = -5
        team = refused_team(sandbox)
        Owner.objects.update(refresh_lease_until=timezone.now() + timedelta(minutes=1))
        error = refuse(team)
        assert not error.is_permanent
        assert sandbox.log() == []

    def test_the_lease_of_the_dead_is_taken_over(self, sandbox):
        team = refused_team(sandbox)
        now = timezone.now()
        Owner.objects.update(refresh_lease_until=now + timedelta(seconds=30), refresh_sent_at=now)
        with time_machine.travel(now + timedelta(seconds=31), tick=True):
            assert renew(team_id=team.pk, rejected_token=DEAD)


class TestStoreTokens:
    def test_absent_fields_erase_nothing(self, sandbox):
        team = refused_team(sandbox)
        before = Owner.objects.values("session_token", "refresh_token", "client_id", "upstream_user_id").get()
        store_tokens(owner_id=team.owner_id, team_id=team.pk, access_token="new", source="import", actor=ACTOR)
        assert Owner.objects.values(*before).get() == before
        assert Team.objects.get().access_token == "new"

    def test_each_write_raises_the_version(self, sandbox):
        team = refused_team(sandbox)
        version = team.owner.credential_version
        store_tokens(owner_id=team.owner_id, session_token="s", source="import", actor=ACTOR)
        store_tokens(owner_id=team.owner_id, team_id=team.pk, access_token="a", source="import", actor=ACTOR)
        assert Owner.objects.get().credential_version == version + 2

    def test_a_new_token_revives_team_and_login(self, sandbox):
        team = refused_team(sandbox, token_state=Team.Token.EXPIRED, failures=5, look_failures=4)
        Owner.objects.update(login=Owner.Login.EXPIRED, login_problem="gone")
        opened_at = team.opened_at
        store_tokens(owner_id=team.owner_id, team_id=team.pk, access_token="a", source="import", actor=ACTOR)
        team.refresh_from_db()
        assert (team.token_state, team.failures, team.look_failures) == (Team.Token.HEALTHY, 0, 0)
        assert team.opened_at > opened_at
        assert not Team.objects.allocatable(timezone.now()).exists()
        assert [row.task["func"] for row in OrmQ.objects.all()] == ["invites.tasks.sync_team"]
        assert Owner.objects.values_list("login", "login_problem").get() == (Owner.Login.OK, "")

    @pytest.mark.parametrize(
        ("ended", "given", "left"),
        [
            # An access token alone renews nothing: what ended the log-in must not seem to.
            ({"login": "expired", "ended": True}, {}, ("", "", False)),
            ({"login": "expired", "ended": True}, {"session_token": "new"}, ("new", "", True)),
            ({"login": "expired", "ended": True}, {"refresh_token": "new", "client_id": "c"}, ("", "new", False)),
            # Ended by an older version, or with its account: the means may be good.
            ({"login": "expired", "ended": False}, {}, ("s", "r", True)),
            ({"login": "disabled", "ended": True}, {}, ("s", "r", True)),
        ],
    )
    def test_what_ended_a_log_in_is_dropped_when_another_token_revives_it(self, ended, given, left):
        ended_at = timezone.now() if ended["ended"] else None
        owner = an_owner(
            login=ended["login"], login_ended_at=ended_at, session_token="s", refresh_token="r", client_id="c"
        )
        store_tokens(owner_id=owner.pk, access_token="a", **given, source="import", actor=ACTOR)
        owner.refresh_from_db()
        assert owner.login == Owner.Login.OK
        assert (owner.session_token, owner.refresh_token, owner.is_proven) == left
        told = AuditEvent.objects.get(action="owner_changed").details
        assert "(set)" not in str(told["after"])

    def test_a_wrong_client_id_ends_no_refresh_token(self):
        owner = an_owner(login="expired", login_ended_at=timezone.now(), refresh_token="r", client_state="wrong")
        store_tokens(owner_id=owner.pk, access_token="a", source="import", actor=ACTOR)
        owner.refresh_from_db()
        assert owner.refresh_token == "r"

    def test_what_stands_against_a_log_in_is_forgotten_after_the_team_was_locked(self, django_assert_max_num_queries):
        team = a_team()
        TeamLogin.objects.update(problem=TeamLogin.Problem.TOKEN_REFUSED)
        with django_assert_max_num_queries(20) as queries:
            means = {"access_token": "a", "session_token": "s"}
            store_tokens(owner_id=team.owner_id, team_id=team.pk, **means, source="import", actor=ACTOR)
        said = [query["sql"] for query in queries]
        locked = next(n for n, sql in enumerate(said) if 'FROM "teampool_team" ' in sql)
        assert all('UPDATE "teampool_teamlogin"' not in sql for sql in said[:locked])
        assert TeamLogin.objects.get().problem == TeamLogin.Problem.NONE

    def test_a_team_that_went_to_another_owner_is_left_alone(self, sandbox):
        team = refused_team(sandbox)
        other = Owner.objects.create(email="sam@example.com", device_id=team.owner.device_id)
        store_tokens(owner_id=other.pk, team_id=team.pk, access_token="a", source="import", actor=ACTOR)
        assert Team.objects.get().access_token == DEAD

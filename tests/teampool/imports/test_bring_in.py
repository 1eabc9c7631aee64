"""One record becomes a Team: by access token, session or refresh token; known Teams are renewed, never doubled."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from notifications.models import AuditEvent
from sandbox.clients import IOS
from teampool.imports import bring_in, who
from teampool.imports.worker import work
from teampool.login import refused, renew, token_chain
from teampool.models import AllowedMember, ImportLine, Member, Owner, Team
from teampool.upstream.claims import read_claims
from teampool.upstream.client import exchange_session
from tests.cast import a_team, an_owner, import_sandbox_team, run_together
from tests.teampool.imports.bringing import ACTOR, State, bring, bring_one, csv_line

pytestmark = pytest.mark.django_db(transaction=True)


class TestAnAccessToken:
    def test_it_opens_a_team_with_everyone_there_as_baseline(self, sandbox):
        opened = sandbox.workspace("omar@example.com", members=2, seats=6, name="Shanghai 03")
        sandbox.invite_from_web(opened["account_id"], "late@example.com")
        line = bring_one(opened["credentials"]["access_token"])
        assert (line.state, line.reason, line.email) == (State.CREATED, "", "omar@example.com")
        team = Team.objects.get()
        assert line.teams == [
            {
                "id": team.pk,
                "account_id": opened["account_id"],
                "name": "Shanghai 03",
                "action": "created",
                "baseline": 3,
                "problem": "",
                "is_spare": False,
            }
        ]
        assert (team.seat_total, team.outsiders, team.seats_held, team.seat_cap) == (5, 3, 0, 2)
        assert Team.objects.allocatable(timezone.now()).get() == team
        assert Member.objects.filter(team=team).count() == 4
        baseline = AllowedMember.objects.filter(team=team, origin="baseline")
        assert baseline.count() == 3
        assert not baseline.filter(email="omar@example.com").exists()

    def test_its_secrets_are_gone_from_the_line(self, sandbox):
        line = bring_one(sandbox.workspace("omar@example.com")["credentials"]["access_token"])
        assert line.payload == ""
        assert (line.holds, line.renews_itself) == ("AT", False)
        assert line.access_until > timezone.now() + timedelta(days=8)

    def test_without_an_id_every_workspace_the_login_manages_comes_in(self, sandbox):
        ids = {sandbox.workspace("omar@example.com")["account_id"] for _ in range(3)}
        sandbox.workspace("omar@example.com", role="standard-user")
        sandbox.workspace("omar@example.com", structure="personal")
        suspended = sandbox.workspace("omar@example.com")["account_id"]
        sandbox.set_workspace(suspended, suspended=True)
        line = bring_one(sandbox.credentials()[0]["access_token"])
        assert {team["account_id"] for team in line.teams} == ids
        assert set(Team.objects.values_list("account_id", flat=True)) == ids

    def test_with_an_id_only_that_one(self, sandbox):
        sandbox.workspace("omar@example.com")
        second = sandbox.workspace("omar@example.com")
        token = second["credentials"]["access_token"]
        line = bring_one(json.dumps({"access_token": token, "account_id": second["account_id"]}))
        assert [team["account_id"] for team in line.teams] == [second["account_id"]]

    def test_a_session_copied_in_the_personal_account_means_the_teams(self, sandbox):
        opened = sandbox.workspace("omar@example.com")
        sandbox.shape(personal_account=True)
        body = dict(opened["credentials"]["session_json"])
        personal = who.Upstream(access_token=body["accessToken"])
        with personal:
            account_id = next(one.account_id for one in personal.account_check() if one.structure == "personal")
        body["account"] = {"id": account_id, "structure": "personal"}
        assert bring_one(json.dumps(body)).state == State.CREATED
        assert Team.objects.get().account_id == opened["account_id"]

    @pytest.mark.parametrize("plan", ["business", "self_serve_business", "something_new"])
    def test_the_plan_s_name_decides_nothing(self, sandbox, plan):
        bring_one(sandbox.workspace("omar@example.com", plan_type=plan)["credentials"]["access_token"])
        assert Team.objects.get().plan == plan

    def test_hidden_people_are_baseline_by_their_id(self, sandbox):
        opened = sandbox.workspace("omar@example.com", members=1)
        sandbox.shape(members_email="null")
        bring_one(opened["credentials"]["access_token"])
        assert AllowedMember.objects.get().upstream_user_id.startswith("user-")
        assert Team.objects.get().outsiders == 1

    def test_usage_based_and_deactivated_people_take_no_seat_but_belong(self, sandbox):
        opened = sandbox.workspace("omar@example.com", seats=5)
        sandbox.member(opened["account_id"], "bot@example.com", seat_type="usage_based")
        sandbox.member(opened["account_id"], "gone@example.com", deactivated=True)
        bring_one(opened["credentials"]["access_token"])
        assert (Team.objects.get().outsiders, AllowedMember.objects.count()) == (0, 2)

    def test_unknown_seats_are_none(self, sandbox):
        opened = sandbox.workspace("omar@example.com", seats=30)
        sandbox.shape(seats_entitled="null", seat_capacity="missing")
        bring_one(opened["credentials"]["access_token"])
        team = Team.objects.get()
        assert (team.seat_total, team.seats_known, team.is_codex_only) == (0, "unread", False)

    def test_an_unpaid_team_comes_in_but_takes_nobody(self, sandbox):
        opened = sandbox.workspace("omar@example.com")
        sandbox.set_workspace(opened["account_id"], delinquent=True)
        assert bring_one(opened["credentials"]["access_token"]).state == State.CREATED
        assert Team.objects.get().workspace_state == Team.Workspace.DELINQUENT
        assert not Team.objects.allocatable(timezone.now()).exists()


class TestASession:
    def test_it_is_exchanged_and_kept(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        line = bring_one(csv_line(login, "session_token"))
        assert (line.state, line.email, line.renews_itself) == (State.CREATED, "omar@example.com", True)
        assert Owner.objects.get().session_token == login["session_token"]

    def test_each_workspace_gets_a_token_of_its_own(self, sandbox):
        ids = [sandbox.workspace("omar@example.com")["account_id"] for _ in range(3)]
        bring_one(csv_line(sandbox.credentials()[0], "session_token"))
        scopes = {team.account_id: read_claims(team.access_token).account_id for team in Team.objects.all()}
        assert scopes == {account_id: account_id for account_id in ids}

    def test_the_session_page_pasted_whole_is_enough(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        line = bring_one(json.dumps(login["session_json"], indent=2))
        assert (line.state, line.holds, line.renews_itself) == (State.CREATED, "AT ST", True)

    def test_it_takes_over_from_a_dead_access_token(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        sandbox.invalidate_tokens()
        assert bring_one(csv_line(login, "access_token", "session_token")).state == State.CREATED
        assert Team.objects.get().access_token != login["access_token"]

    @pytest.mark.parametrize("kind", ["cookie", "body", "both", "both_different"])
    def test_a_rotated_session_replaces_the_one_sent(self, sandbox, kind):
        for _ in range(2):
            sandbox.workspace("omar@example.com")
        login = sandbox.credentials()[0]
        sandbox.shape(session_rotation=kind)
        assert bring_one(csv_line(login, "session_token")).state == State.CREATED
        stored = Owner.objects.get().session_token
        assert stored == token_chain.newest(login["session_token"]) != login["session_token"]

    def test_a_dead_token_for_a_second_workspace_does_not_take_the_place_of_the_given_one(self, sandbox):
        """ChatGPT may go on handing out a token that it refuses; which one that is, is known."""
        for _ in range(2):
            sandbox.workspace("omar@example.com")
        login = sandbox.credentials()[0]
        second = sandbox.dump()["workspaces"][1]["account_id"]
        dead = exchange_session(login["session_token"], account_id=second, device_id="d").tokens.access_token
        assert refused.claim_force_of(dead)
        bring_one(csv_line(login, "access_token", "session_token"))
        assert Team.objects.get(account_id=second).access_token == login["access_token"] != dead

    def test_a_session_that_answers_for_another_workspace_gives_no_token(self, sandbox):
        first = sandbox.workspace("omar@example.com")["account_id"]
        second = sandbox.workspace("omar@example.com")["account_id"]
        sandbox.fault("session", "session_wrong_workspace", times=0)
        login = sandbox.credentials()[0]
        line = bring_one(json.dumps({"session_token": login["session_token"], "account_id": first}))
        assert (line.state, line.reason) == (State.FAILED, "no_workspace_token")
        assert not Team.objects.filter(account_id__in=[first, second]).exists()


class TestARefreshToken:
    def test_it_is_spent_once_and_its_successor_kept(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        line = bring_one(csv_line(login, "refresh_token", "client_id"))
        assert (line.state, line.renews_itself) == (State.CREATED, True)
        owner = Owner.objects.get()
        assert owner.refresh_token == token_chain.newest(login["refresh_token"]) != login["refresh_token"]
        assert owner.client_id == login["client_id"]
        assert len(sandbox.log(op="token")) == 1

    def test_the_client_id_may_stand_in_the_access_token(self, sandbox):
        sandbox.workspace("omar@example.com")
        login = sandbox.token_set("omar@example.com", IOS)
        sandbox.invalidate_tokens()
        assert bring_one(csv_line(login, "access_token", "refresh_token")).state == State.CREATED

    def test_beside_a_living_access_token_it_learns_its_client_id_from_that(self, sandbox):
        sandbox.workspace("omar@example.com")
        login = sandbox.token_set("omar@example.com", IOS)
        line = bring_one(csv_line(login, "email", "access_token", "refresh_token"))
        assert (line.state, line.renews_itself, line.note) == (State.CREATED, False, "untried")
        owner = Owner.objects.get()
        assert (owner.client_id, owner.client_state, owner.is_renewing) == (login["client_id"], "named", True)
        sandbox.invalidate_tokens()
        team = Team.objects.get()
        assert renew.renew(team_id=team.pk, rejected_token=team.access_token)

    def test_it_does_not_come_to_another_token_s_client_id(self, sandbox):
        sandbox.workspace("omar@example.com")
        login = sandbox.token_set("omar@example.com", IOS)
        an_owner(login["email"], refresh_token="rt_of-another-app", client_id="app_Another")
        bring_one(csv_line(login, "email", "access_token", "refresh_token"))
        owner = Owner.objects.get()
        newest = token_chain.newest(login["refresh_token"])
        assert (owner.refresh_token, owner.client_id) == (newest, login["client_id"])

    def test_without_any_client_id_it_takes_no_working_pair_s_place(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"] | {"refresh_token": "rt_nobody-knows-it"}
        an_owner(login["email"], refresh_token="rt_of-another-app", client_id="app_Another")
        bring_one(csv_line(login, "email", "refresh_token", "session_token"))
        owner = Owner.objects.get()
        assert (owner.refresh_token, owner.client_id) == ("rt_of-another-app", "app_Another")
        assert owner.session_token

    @pytest.mark.parametrize("with_session", [True, False], ids=["with a session", "with an access token"])
    def test_without_any_client_id_it_takes_the_place_of_one_that_ended(self, sandbox, monkeypatch, with_session):
        login = sandbox.workspace("omar@example.com")["credentials"]
        means = {"refresh_token": "rt_dead", "client_id": login["client_id"]}
        an_owner(login["email"], login=Owner.Login.EXPIRED, login_problem="refresh_token_expired", **means)
        # An access token that does not say which client it is for.
        silent = replace(read_claims(login["access_token"]), client_id="")
        monkeypatch.setattr(who, "_claims", lambda token: silent if token else None)
        other = "session_token" if with_session else "access_token"
        line = bring_one(csv_line(login, "email", "refresh_token", other))
        owner = Owner.objects.get()
        assert (line.state, line.renews_itself, owner.login) == (State.CREATED, True, Owner.Login.OK)
        newest = token_chain.newest(login["refresh_token"])
        assert (owner.refresh_token, owner.client_id, owner.client_state) == (newest, login["client_id"], "proven")
        Owner.objects.update(session_token="")
        sandbox.invalidate_tokens()
        team = Team.objects.get()
        assert renew.renew(team_id=team.pk, rejected_token=team.access_token)

    def test_importing_the_same_file_again_renews_and_does_not_kill_the_grant(self, sandbox):
        sandbox.shape(reuse_revokes_grant=True)
        login = sandbox.workspace("omar@example.com")["credentials"]
        text = csv_line(login, "refresh_token", "client_id")
        states = [bring_one(text).state for _ in range(3)]
        assert states == [State.CREATED, State.UPDATED, State.UPDATED]
        sent = [entry["body"]["refresh_token"] for entry in sandbox.log(op="token")]
        assert len(sent) == len(set(sent))
        assert Owner.objects.get().refresh_token == token_chain.newest(login["refresh_token"])

    def test_an_old_file_does_not_put_back_a_spent_token(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        text = csv_line(login, "access_token", "refresh_token", "client_id")
        bring_one(text)
        team = Team.objects.get()
        Owner.objects.update(session_token="")
        renew.renew(team_id=team.pk, rejected_token=team.access_token)
        rotated = Owner.objects.get().refresh_token
        bring_one(text)
        assert Owner.objects.get().refresh_token == rotated

    @pytest.mark.parametrize("place", ["_with_token", "choose", "open_or_renew", "store_login"])
    def test_killed_right_after_the_refresh_the_new_token_is_there(self, sandbox, monkeypatch, place):
        sandbox.shape(reuse_revokes_grant=True)
        login = sandbox.workspace("omar@example.com")["credentials"]
        module = who if place == "_with_token" else bring_in

        class Killed(BaseException):
            """Stands for SIGKILL: nothing after this instruction happens."""

        def die(*args, **kwargs):
            raise Killed

        monkeypatch.setattr(module, place, die)
        job = importing_job(csv_line(login, "refresh_token", "client_id"))
        line = claim(job)
        with pytest.raises(Killed):
            bring_in.bring_in_line(line, actor=ACTOR)
        kept = bring_in.unpack(ImportLine.objects.get())
        assert kept.refresh_token == token_chain.newest(login["refresh_token"]) != login["refresh_token"]
        assert kept.access_token
        monkeypatch.undo()
        # Another worker takes the line over.
        assert work(job.pk) is False
        assert ImportLine.objects.get().state == State.CREATED
        assert len(sandbox.log(op="token")) == 1

    def test_when_the_rest_fails_the_successor_is_kept_all_the_same(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        sandbox.fault("account_check", "503", times=0)
        line = bring_one(csv_line(login, "refresh_token", "client_id"))
        assert (line.state, line.reason) == (State.FAILED, "unreachable")
        assert bring_in.unpack(line).refresh_token == token_chain.newest(login["refresh_token"])

    def test_an_answer_without_an_access_token_does_not_lose_the_next_one(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        sandbox.fault("token", "no_access_token")
        text = csv_line(login, "refresh_token", "client_id")
        assert bring_one(text).reason == "unreachable"
        assert bring_one(text).state == State.CREATED


def importing_job(text: str):
    from teampool.imports import jobs

    return jobs.accept(text=text, actor=ACTOR, is_rung=False)


def claim(job) -> ImportLine:
    line = job.lines.get()
    line.state, line.attempts = State.WORKING, 1
    line.save(update_fields=["state", "attempts"])
    return line


class TestAKnownTeam:
    def test_it_is_updated_never_doubled(self, sandbox):
        team = import_sandbox_team(sandbox, access_token="old", token_state=Team.Token.EXPIRED, failures=5)
        Owner.objects.update(login=Owner.Login.EXPIRED)
        login = sandbox.credentials()[0]
        line = bring_one(csv_line(login, "access_token"))
        assert (line.state, line.teams[0]["action"]) == (State.UPDATED, "updated")
        team.refresh_from_db()
        assert (team.access_token, team.token_state, team.failures) == (
            login["access_token"],
            Team.Token.HEALTHY,
            0,
        )
        assert Owner.objects.get().login == Owner.Login.OK

    def test_absent_fields_erase_nothing(self, sandbox):
        import_sandbox_team(sandbox)
        before = Owner.objects.values("session_token", "refresh_token", "client_id").get()
        bring_one(csv_line(sandbox.credentials()[0], "access_token"))
        assert Owner.objects.values(*before).get() == before

    def test_seats_and_the_operator_s_choices_stay(self, sandbox):
        team = import_sandbox_team(sandbox, held=2, name="Mine", is_enabled=False, operator_cap=3)
        bring_one(csv_line(sandbox.credentials()[0], "access_token"))
        after = Team.objects.get()
        assert (after.seats_held, after.name, after.is_enabled, after.operator_cap) == (2, "Mine", False, 3)
        assert after.opened_at == team.opened_at

    def test_the_next_look_is_queued(self, sandbox):
        team = import_sandbox_team(sandbox)
        bring_one(csv_line(sandbox.credentials()[0], "access_token"))
        queued = [row.task for row in OrmQ.objects.all()]
        assert [(task["func"], task["args"]) for task in queued] == [("invites.tasks.sync_team", (team.pk,))]

    def test_an_archived_one_returns_and_is_looked_at_first(self, sandbox):
        team = import_sandbox_team(sandbox, archived_at=timezone.now())
        bring_one(csv_line(sandbox.credentials()[0], "access_token"))
        team.refresh_from_db()
        assert team.archived_at is None
        assert not Team.objects.allocatable(timezone.now()).exists()

    def test_another_admin_s_login_takes_it_over(self, sandbox):
        team = import_sandbox_team(sandbox, held=1)
        first = team.owner
        Owner.objects.update(session_token="", refresh_token="")  # one that renews itself would go on leading
        sandbox.member(team.account_id, "second@example.com", role="account-admin")
        sandbox.workspace("second@example.com")
        second = next(one for one in sandbox.credentials() if one["email"] == "second@example.com")
        line = bring_one(json.dumps({"access_token": second["access_token"], "account_id": team.account_id}))
        assert line.state == State.UPDATED
        team.refresh_from_db()
        assert (team.owner.email, team.seats_held) == ("second@example.com", 1)
        assert not Team.objects.allocatable(timezone.now()).exists()  # until the new login was seen in its list
        event = AuditEvent.objects.filter(action="team_changed").first()
        assert event.details["before"] == {"owner": first.email}

    def test_a_plain_member_s_login_does_not(self, sandbox):
        team = import_sandbox_team(sandbox)
        sandbox.member(team.account_id, "second@example.com")
        sandbox.workspace("second@example.com")
        second = next(one for one in sandbox.credentials() if one["email"] == "second@example.com")
        line = bring_one(json.dumps({"access_token": second["access_token"], "account_id": team.account_id}))
        assert (line.state, line.reason) == (State.FAILED, "no_team")
        assert Team.objects.get(pk=team.pk).owner_id == team.owner_id


class TestNotAllThere:
    def test_incomplete_lists_make_a_team_that_is_closed(self, sandbox):
        opened = sandbox.workspace("omar@example.com", members=3)
        sandbox.fault("members", "page_empty", times=0)
        sandbox.shape(max_limit=2)
        line = bring_one(opened["credentials"]["access_token"])
        assert (line.state, line.reason) == (State.FAILED, "unreachable")
        team = Team.objects.get()
        assert team.opened_at is None
        assert not AllowedMember.objects.exists()
        sandbox.clear_faults()
        again = bring_one(opened["credentials"]["access_token"])
        assert (again.state, again.teams[0]["baseline"]) == (State.CREATED, 3)
        assert Team.objects.allocatable(timezone.now()).get() == team

    def test_one_broken_workspace_does_not_keep_the_others_out(self, sandbox):
        ids = [sandbox.workspace("omar@example.com")["account_id"] for _ in range(3)]
        sandbox.fault("members", "503", account_id=ids[1], times=0)
        line = bring_one(sandbox.credentials()[0]["access_token"])
        assert (line.state, line.reason) == (State.FAILED, "unreachable")
        assert set(Team.objects.values_list("account_id", flat=True)) == {ids[0], ids[2]}


class TestRefused:
    def test_another_e_mail_than_the_token_s(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"] | {"email": "sam@example.com"}
        for fields in (("email", "access_token"), ("email", "session_token"), ("email", "refresh_token", "client_id")):
            line = bring_one(csv_line(login, *fields))
            assert (line.state, line.reason) == (State.INVALID, "email_mismatch")
            assert line.payload == ""
        assert not Team.objects.exists()
        assert not Owner.objects.exists()

    def test_the_same_e_mail_written_otherwise_is_the_same(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"] | {"email": "  Omar@Example.COM "}
        assert bring_one(csv_line(login, "email", "access_token")).state == State.CREATED

    def test_another_user_under_a_known_e_mail(self, sandbox):
        team = import_sandbox_team(sandbox)
        Owner.objects.update(upstream_user_id="user-SomebodyElseEntirely0000")
        line = bring_one(csv_line(sandbox.credentials()[0], "access_token"))
        assert line.reason == "email_mismatch"
        assert Team.objects.get().access_token == team.access_token

    def test_a_dead_token_that_cannot_be_renewed(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        sandbox.invalidate_tokens(access=True, session=True, refresh=True)
        for fields, reason in (
            (("access_token",), "token_dead"),
            # A session without a token may have one a minute later.
            (("session_token",), "no_token_now"),
            (("refresh_token", "client_id"), "token_dead"),
            (("access_token", "refresh_token", "session_token", "client_id"), "no_token_now"),
        ):
            line = bring_one(csv_line(login, *fields))
            assert (line.state, line.reason) == (State.FAILED, reason), fields

    def test_a_banned_user(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        sandbox.ban("omar@example.com")
        assert bring_one(csv_line(login, "access_token")).reason == "token_dead"

    def test_a_login_that_manages_nothing(self, sandbox):
        login = sandbox.workspace("omar@example.com", role="standard-user")["credentials"]
        assert bring_one(login["access_token"]).reason == "no_team"
        assert not Owner.objects.exists()

    @pytest.mark.parametrize(
        ("op", "fault", "reason"),
        [
            ("account_check", "429", "slow_down"),
            ("account_check", "html_403", "unreachable"),
            ("account_check", "500", "unreachable"),
            ("account_check", "reset_before", "unreachable"),
            ("account_check", "200_invalid_json", "unreachable"),
            ("account_check", "unknown_401", "unreachable"),
            ("members", "429", "slow_down"),
            ("invites", "html_403", "unreachable"),
            ("members", "deactivated_402", "no_team"),
        ],
    )
    def test_trouble_on_the_way_is_named_and_can_be_retried(self, sandbox, op, fault, reason):
        login = sandbox.workspace("omar@example.com")["credentials"]
        sandbox.fault(op, fault)
        line = bring_one(login["access_token"])
        assert (line.state, line.reason) == (State.FAILED, reason)
        assert line.payload

    def test_a_token_that_is_none(self, sandbox):
        line = bring_one(json.dumps({"access_token": "NEW_ACCESS_TOKEN_OF_YOURS"}))
        assert line.reason == "token_dead"

    def test_an_error_of_ours_is_one_line_s_only_and_says_nothing_secret(self, sandbox, monkeypatch, caplog):
        first = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        second = sandbox.workspace("other@example.com")["credentials"]["access_token"]
        real = bring_in.choose

        def fail(login):
            if login.email == "omar@example.com":
                raise RuntimeError(f"it quotes {first}")
            return real(login)

        monkeypatch.setattr(bring_in, "choose", fail)
        lines = bring(f"{first}\n{second}")
        assert [(line.state, line.reason) for line in lines] == [
            (State.FAILED, "unreachable"),
            (State.CREATED, ""),
        ]
        assert "RuntimeError" in caplog.text
        assert first not in caplog.text


class TestTwoAtOnce:
    @pytest.mark.parametrize("fields", [("access_token",), ("session_token",), ("refresh_token", "client_id")])
    def test_two_importers_of_one_account_make_one_team(self, sandbox, fields):
        sandbox.shape(reuse_revokes_grant=True)
        sandbox.set_latency(0.03)
        opened = sandbox.workspace("omar@example.com", members=2)
        text = csv_line(opened["credentials"], *fields)
        results = run_together(*[lambda: bring_one(text)] * 4)
        assert [result for result in results if isinstance(result, Exception)] == []
        assert {result.state for result in results} <= {State.CREATED, State.UPDATED}
        assert Team.objects.count() == Owner.objects.count() == 1
        assert Team.objects.get().outsiders == 2
        assert AllowedMember.objects.count() == 2
        sent = [entry["body"]["refresh_token"] for entry in sandbox.log(op="token")]
        assert len(sent) == len(set(sent))
        if "refresh_token" in fields:
            assert Owner.objects.get().refresh_token == token_chain.newest(opened["credentials"]["refresh_token"])

    def test_a_team_closed_so_far_is_opened_once(self, sandbox):
        sandbox.set_latency(0.03)
        opened = sandbox.workspace("omar@example.com", members=2)
        owner = Owner.objects.create(email="omar@example.com", device_id="00000000-0000-4000-8000-000000000001")
        a_team(owner=owner, account_id=opened["account_id"], opened_at=None, snapshot_started_at=None)
        results = run_together(*[lambda: bring_one(opened["credentials"]["access_token"])] * 3)
        assert sorted(result.teams[0]["baseline"] for result in results) == [0, 0, 2]
        assert AuditEvent.objects.filter(action="team_changed", details__after__is_open=True).count() == 1

    def test_an_open_team_is_never_opened_again(self, sandbox):
        opened = sandbox.workspace("omar@example.com")
        bring_one(opened["credentials"]["access_token"])
        sandbox.member(opened["account_id"], "stranger@example.com")
        bring_one(opened["credentials"]["access_token"])
        assert not AllowedMember.objects.exists()


class TestTheLineItself:
    def test_one_taken_over_by_another_worker_writes_nothing(self, sandbox, monkeypatch):
        job = importing_job(sandbox.workspace("omar@example.com")["credentials"]["access_token"])
        line = claim(job)
        ImportLine.objects.update(attempts=2)
        bring_in.bring_in_line(line, actor=ACTOR)
        assert ImportLine.objects.get().state == State.WORKING

    def test_superseded_while_rotating_it_stops_there(self, sandbox, monkeypatch):
        job = importing_job(
            csv_line(sandbox.workspace("omar@example.com")["credentials"], "refresh_token", "client_id")
        )
        line = claim(job)
        ImportLine.objects.update(attempts=2)
        monkeypatch.setattr(bring_in, "open_or_renew", pytest.fail)
        bring_in.bring_in_line(line, actor=ACTOR)
        assert not Team.objects.exists()


class TestASessionWithoutAToken:
    """The session gives no token now, or none for this workspace: the line says so, and nothing stored ends."""

    @pytest.mark.parametrize("fault", ["session_empty", "session_warning", "session_error_stale", "session_401"])
    def test_it_may_be_tried_again_and_ends_nothing_stored(self, sandbox, fault):
        login = sandbox.workspace("omar@example.com")["credentials"]
        bring_one(csv_line(login, "session_token"))
        sandbox.fault("session", fault, times=0)
        line = bring_one(csv_line(login, "session_token"))
        assert (line.state, line.reason) == (State.FAILED, "no_token_now")
        owner = Owner.objects.get()
        assert (owner.login, owner.doubted_at) == (Owner.Login.OK, None)

    @pytest.mark.parametrize("answers", ["personal", "cookie", "account_switcher"])
    def test_it_falls_back_to_the_given_token_or_asks_the_other_way(self, sandbox, answers):
        ids = [sandbox.workspace("omar@example.com")["account_id"] for _ in range(2)]
        sandbox.shape(session_exchange=answers)
        line = bring_one(csv_line(sandbox.credentials()[0], "access_token", "session_token"))
        assert line.state == State.CREATED
        assert set(Team.objects.values_list("account_id", flat=True)) == set(ids)

    def test_one_workspace_that_cannot_be_exchanged_is_named_and_the_others_come(self, sandbox):
        ids = [sandbox.workspace("omar@example.com")["account_id"] for _ in range(3)]
        sandbox.fault("session", "exchange_unknown", account_id=ids[1], times=0)
        line = bring_one(csv_line(sandbox.credentials()[0], "session_token"))
        assert line.reason == "no_workspace_token"
        assert set(Team.objects.values_list("account_id", flat=True)) == {ids[0], ids[2]}

    @pytest.mark.parametrize("columns", [("session_token",), ("email", "session_token")])
    def test_a_session_alone_that_hands_out_a_dead_token_is_forced_once(self, sandbox, columns):
        login = sandbox.workspace("omar@example.com")["credentials"]
        sandbox.shape(session_cache="until_forced")
        sandbox.invalidate_tokens()
        assert bring_one(csv_line(login, *columns)).state == State.CREATED
        forced = [row for row in sandbox.log(op="session") if row["failed_iat"]]
        assert (len(forced), len(sandbox.log(op="session"))) == (1, 3)

    def test_one_that_goes_on_handing_it_out_is_dead_after_three_calls(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        sandbox.shape(session_cache="for_good")
        sandbox.invalidate_tokens()
        for _time in range(2):
            assert bring_one(csv_line(login, "session_token")).reason == "token_dead"
        assert len([row for row in sandbox.log(op="session") if row["failed_iat"]]) == 1

    def test_a_stuck_token_is_forced_once(self, sandbox):
        login = sandbox.workspace("omar@example.com")["credentials"]
        sandbox.shape(session_cache="until_forced")
        sandbox.invalidate_tokens()
        assert bring_one(csv_line(login, "access_token", "session_token")).state == State.CREATED
        forced = [row for row in sandbox.log(op="session") if row["failed_iat"]]
        assert (len(forced), len(sandbox.log(op="session"))) == (1, 3)

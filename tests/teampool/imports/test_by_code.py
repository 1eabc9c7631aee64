"""The code of a sign-in as a line of an import: exchanged once, whatever happens."""

from __future__ import annotations

import os
import signal
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.db import connection
from django.utils import timezone, translation

from teampool.imports import jobs, words
from teampool.imports import worker as import_work
from teampool.imports.reading.record import Record
from teampool.imports.worker import LEASE, work
from teampool.models import ImportLine, Owner, SentToken, Team
from teampool.upstream.authorisation import address_of, new_verifier
from teampool.upstream.clients import CODEX
from tests.cast import OMAR, SAM, import_sandbox_team, wait_until
from tests.teampool.imports.bringing import ACTOR, State, finish
from tests.teampool.imports.test_worker import WORKER, start, upstream

pytestmark = pytest.mark.django_db(transaction=True)
VERIFIER = new_verifier()


def code_of(sandbox, email=OMAR, **chosen) -> str:
    landing = sandbox.sign_in(address_of(VERIFIER), email, **chosen)["landing"]
    return parse_qs(urlsplit(landing).query)["code"][0]


def accept(code, **fields):
    record = Record(1, code=code, verifier=VERIFIER, **fields)
    return jobs.accept_records([record], actor=ACTOR, is_rung=False)


def bring(code, **fields) -> ImportLine:
    return finish(accept(code, **fields))[0]


def codes_sent(sandbox) -> list[str]:
    return [entry["body"]["code"] for entry in sandbox.log(op="token") if "code" in (entry["body"] or {})]


class TestAGoodCode:
    def test_it_brings_in_every_workspace_of_the_log_in(self, sandbox):
        first = sandbox.workspace(OMAR, members=2)["account_id"]
        second = sandbox.workspace(OMAR, role="account-admin")["account_id"]
        sandbox.workspace(OMAR, role="standard-user")
        line = bring(code_of(sandbox))
        assert (line.state, line.email, line.holds, line.renews_itself) == (State.CREATED, OMAR, "AT RT", True)
        assert set(Team.objects.values_list("account_id", flat=True)) == {first, second}
        assert Team.objects.allocatable(timezone.now()).count() == 2
        owner = Owner.objects.get()
        assert (owner.email, owner.client_id, owner.can_renew) == (OMAR, CODEX, True)
        assert line.payload == ""

    def test_the_stored_pair_renews_itself(self, sandbox):
        sandbox.workspace(OMAR)
        bring(code_of(sandbox))
        owner = Owner.objects.get()
        assert sandbox.world.tokens.refresh[owner.refresh_token].client_id == CODEX
        assert not sandbox.world.tokens.refresh[owner.refresh_token].is_spent
        assert owner.client_state == Owner.Client.PROVEN

    def test_it_takes_the_place_of_a_pair_that_works(self, sandbox):
        """The exchange proves the new pair, so it need not be spent to be tried."""
        team = import_sandbox_team(sandbox, sandbox.workspace(OMAR)["account_id"])
        before = Owner.objects.get().refresh_token
        line = bring(code_of(sandbox), meant_for=OMAR)
        owner = Owner.objects.get()
        assert (line.state, line.renews_itself) == (State.UPDATED, True)
        assert before != owner.refresh_token
        assert (owner.client_id, owner.client_state) == (CODEX, Owner.Client.PROVEN)
        assert Team.objects.get().pk == team.pk
        assert len(sandbox.log(op="token")) == 1

    def test_the_workspace_the_person_chose_does_not_matter(self, sandbox):
        accounts = {sandbox.workspace(OMAR)["account_id"] for _ in range(3)}
        line = bring(code_of(sandbox, account_id=max(accounts)))
        assert {team["account_id"] for team in line.teams} == accounts

    def test_it_revives_an_owner_whose_log_in_had_ended(self, sandbox):
        sandbox.workspace(OMAR)
        bring(code_of(sandbox))
        Owner.objects.update(login=Owner.Login.EXPIRED, login_problem="x", refresh_token="rt_dead")
        Team.objects.update(token_state=Team.Token.EXPIRED, access_token="dead")
        line = bring(code_of(sandbox), meant_for=OMAR)
        assert (line.state, line.renews_itself) == (State.UPDATED, True)
        assert Owner.objects.get().login == Owner.Login.OK
        assert Team.objects.get().token_state == Team.Token.HEALTHY

    def test_without_an_access_token_the_refresh_token_is_used(self, sandbox):
        sandbox.workspace(OMAR)
        sandbox.fault("token", "no_access_token", times=1)
        line = bring(code_of(sandbox))
        assert (line.state, line.renews_itself) == (State.CREATED, True)

    def test_without_a_refresh_token_it_says_until_when(self, sandbox):
        sandbox.workspace(OMAR)
        sandbox.fault("token", {"edit": {"drop": ["refresh_token"]}}, apply_effect="before")
        line = bring(code_of(sandbox))
        assert (line.state, line.renews_itself) == (State.CREATED, False)
        assert line.access_until is not None


class TestSomebodyElse:
    def test_another_persons_log_in_is_refused_and_nothing_is_stored(self, sandbox):
        sandbox.workspace(SAM)
        line = bring(code_of(sandbox, SAM), meant_for=OMAR)
        assert (line.state, line.reason, line.email, line.payload) == (State.INVALID, "other_login", SAM, "")
        with translation.override("en"):
            assert words.explanation(line) == f"This log-in belongs to {SAM}, not to {OMAR}. Nothing was saved."
        for model in (Owner, Team, SentToken):
            assert not model.objects.exists()
        fresh = next(t.value for t in sandbox.world.tokens.refresh.values() if t.client_id == CODEX)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM teampool_importline")
            assert fresh not in str(cursor.fetchall())

    def test_somebody_without_a_workspace_is_named(self, sandbox):
        sandbox.world.login(OMAR)
        line = bring(code_of(sandbox))
        assert (line.reason, line.email) == ("no_team", OMAR)
        assert not Owner.objects.exists()


class TestABadCode:
    def test_a_refused_code_says_sign_in_again(self, sandbox):
        line = bring("ac_sandbox.unknown")
        assert (line.state, line.reason) == (State.FAILED, "sign_in_refused")
        assert not jobs.retriable(line.job_id).exists()
        assert "ac_sandbox" not in line.payload

    @pytest.mark.parametrize("fault", ["reset_after", "reset_before", "502_html", "429", "200_invalid_json"])
    def test_an_unclear_answer_says_sign_in_again(self, sandbox, fault):
        sandbox.workspace(OMAR)
        code = code_of(sandbox)
        sandbox.fault("token", fault)
        line = bring(code)
        assert (line.state, line.reason) == (State.FAILED, "sign_in_lost")
        assert not jobs.retriable(line.job_id).exists()
        assert len(codes_sent(sandbox)) == 1

    def test_one_that_was_not_sent_may_be_retried(self, sandbox, settings):
        sandbox.workspace(OMAR)
        code = code_of(sandbox)
        settings.UPSTREAM_AUTH_URL = "http://127.0.0.1:1"
        line = bring(code, meant_for=OMAR)
        assert (line.state, line.reason) == (State.FAILED, "unreachable")
        settings.UPSTREAM_AUTH_URL = sandbox.url
        (again,) = finish(jobs.retry_failed(job_id=line.job_id, actor=ACTOR, is_rung=False))
        assert (again.state, again.meant_for) == (State.CREATED, OMAR)
        assert len(codes_sent(sandbox)) == 1

    def test_after_the_exchange_a_retry_needs_no_code(self, sandbox):
        sandbox.workspace(OMAR)
        code = code_of(sandbox)
        sandbox.fault("account_check", "502_html", times=5)
        line = bring(code)
        assert (line.state, line.reason) == (State.FAILED, "unreachable")
        sandbox.clear_faults()
        (again,) = finish(jobs.retry_failed(job_id=line.job_id, actor=ACTOR, is_rung=False))
        assert (again.state, again.renews_itself) == (State.CREATED, True)
        assert len(codes_sent(sandbox)) == 1


class TestKilled:
    @pytest.mark.parametrize("op", ["account_check", "members"])
    def test_after_the_exchange_it_costs_nothing(self, sandbox, process_env, op):
        sandbox.workspace(OMAR)
        job = self.killed(sandbox, process_env, op, {"delay": 30})
        (line,) = self.taken_over(job)
        assert (line.state, line.renews_itself, line.holds) == (State.CREATED, True, "AT RT")
        assert len(codes_sent(sandbox)) == 1

    @pytest.mark.parametrize("fault", ["timeout_after", "timeout_before"])
    def test_with_the_answer_lost_it_says_sign_in_again(self, sandbox, process_env, fault):
        sandbox.workspace(OMAR)
        job = self.killed(sandbox, process_env, "token", fault)
        (line,) = self.taken_over(job)
        assert (line.state, line.reason) == (State.FAILED, "sign_in_lost")
        assert len(codes_sent(sandbox)) == 1

    def test_before_the_code_is_sent_it_costs_nothing(self, sandbox):
        sandbox.workspace(OMAR)
        job = accept(code_of(sandbox))
        ImportLine.objects.update(state=State.WORKING, attempts=1)
        (line,) = finish(job)
        assert (line.state, line.attempts) == (State.CREATED, 2)

    def test_a_worker_that_was_overtaken_sends_no_code(self, sandbox, monkeypatch):
        sandbox.workspace(OMAR)
        job = accept(code_of(sandbox))
        real = import_work.bring_in_line

        def overtaken(line, *, actor):
            ImportLine.objects.filter(pk=line.pk).update(attempts=line.attempts + 1)
            real(line, actor=actor)

        monkeypatch.setattr(import_work, "bring_in_line", overtaken)
        work(job.pk)
        assert codes_sent(sandbox) == []

    def killed(self, sandbox, process_env, op, fault):
        code = code_of(sandbox)
        sandbox.fault(op, fault)
        job = accept(code)
        worker = start(process_env | upstream(sandbox), WORKER.format(job=job.pk))
        wait_until(lambda: sandbox.log(op=op), what=f"the call {op}")
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(10)
        sandbox.clear_faults()
        return job

    def taken_over(self, job):
        assert ImportLine.objects.get().state == State.WORKING
        with time_machine.travel(timezone.now() + LEASE + timedelta(seconds=1), tick=True):
            return finish(job)

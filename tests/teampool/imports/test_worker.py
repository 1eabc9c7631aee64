"""The work on an import: slices, leases, takeovers, real processes killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from django_q.models import OrmQ

from notifications.models import AuditEvent
from teampool import leases, tasks
from teampool.imports import jobs
from teampool.imports import worker as import_work
from teampool.imports.worker import LEASE, work
from teampool.login import token_chain
from teampool.models import AllowedMember, ImportJob, ImportLine, Team
from tests.cast import run_together, wait_until
from tests.teampool.imports.bringing import ACTOR, State, csv_line, finish

pytestmark = pytest.mark.django_db(transaction=True)


def accept(text: str) -> ImportJob:
    return jobs.accept(text=text, actor=ACTOR, is_rung=False)


def logins(sandbox, count: int) -> list[dict]:
    return [sandbox.workspace(f"owner{number}@example.com")["credentials"] for number in range(count)]


def queued() -> list[tuple]:
    return [(row.task["func"], *row.task["args"]) for row in OrmQ.objects.order_by("id")]


class TestSlices:
    def test_out_of_time_it_stops_and_says_that_lines_are_left(self, sandbox):
        job = accept("\n".join(one["access_token"] for one in logins(sandbox, 3)))
        assert work(job.pk, seconds=0) is True
        job.refresh_from_db()
        assert (job.lease_until, job.finished_at) == (None, None)
        assert work(job.pk) is False
        assert Team.objects.count() == 3

    def test_a_finished_import_is_not_begun_again(self, sandbox):
        job = accept(logins(sandbox, 1)[0]["access_token"])
        finish(job)
        asked = len(sandbox.log())
        assert work(job.pk) is False
        assert len(sandbox.log()) == asked

    def test_eight_lines_at_a_time(self, sandbox):
        """The ninth begins when one is done, which takes four calls."""
        sandbox.set_latency(0.5)
        job = accept("\n".join(one["access_token"] for one in logins(sandbox, 9)))
        finish(job)
        checks = [entry["received_at"] for entry in sandbox.log(op="account_check")]
        assert checks[7] - checks[0] < 1.5 <= checks[8] - checks[0]

    def test_four_calls_an_account(self, sandbox):
        job = accept("\n".join(f"{one['email']}----{one['access_token']}" for one in logins(sandbox, 3)))
        finish(job)
        assert Counter(entry["op"] for entry in sandbox.log()) == dict.fromkeys(
            ("account_check", "members", "invites", "subscription"), 3
        )

    def test_when_it_may_not_go_on_no_further_line_is_begun(self, sandbox, monkeypatch):
        monkeypatch.setattr(import_work, "RENEW_EVERY", timedelta(seconds=0.05))
        sandbox.set_latency(0.1)
        job = accept("\n".join(one["access_token"] for one in logins(sandbox, 12)))
        assert work(job.pk, still_mine=lambda: False) is True
        assert 0 < Team.objects.count() < 12
        assert not ImportLine.objects.filter(state=State.WORKING).exists()


class TestTheLease:
    def test_only_one_works_on_an_import(self, sandbox):
        job = accept(logins(sandbox, 1)[0]["access_token"])
        ImportJob.objects.update(lease_until=timezone.now() + LEASE)
        assert work(job.pk) is False
        assert sandbox.log() == []

    def test_two_at_once_do_each_line_once(self, sandbox):
        sandbox.set_latency(0.02)
        job = accept("\n".join(one["access_token"] for one in logins(sandbox, 10)))
        run_together(lambda: work(job.pk), lambda: work(job.pk))
        finish(job)
        assert list(ImportLine.objects.values_list("attempts", flat=True)) == [1] * 10
        assert len(sandbox.log(op="account_check")) == 10

    def test_it_is_renewed_while_a_line_takes_long(self, sandbox, monkeypatch):
        monkeypatch.setattr(import_work, "RENEW_EVERY", timedelta(seconds=0.05))
        job = accept(logins(sandbox, 1)[0]["access_token"])
        ends = []
        real = import_work._renew_lease

        def watched(job_id, lease):
            ends.append(lease)
            return real(job_id, lease)

        monkeypatch.setattr(import_work, "_renew_lease", watched)
        sandbox.set_latency(0.3)
        finish(job)
        assert len(set(ends)) > 2

    def test_one_that_was_taken_over_stops(self, sandbox, monkeypatch):
        monkeypatch.setattr(import_work, "RENEW_EVERY", timedelta(seconds=0.05))
        sandbox.set_latency(0.1)
        job = accept("\n".join(one["access_token"] for one in logins(sandbox, 12)))
        other = timezone.now() + timedelta(hours=1)
        real = import_work._claim

        def steal(job_id):
            ImportJob.objects.filter(pk=job_id).update(lease_until=other)
            return real(job_id)

        monkeypatch.setattr(import_work, "_claim", steal)
        work(job.pk)
        assert Team.objects.count() < 12
        job.refresh_from_db()
        assert (job.lease_until, job.finished_at) == (other, None)


class TestLinesOfTheDead:
    def test_they_are_done_again(self, sandbox):
        job = accept(logins(sandbox, 1)[0]["access_token"])
        ImportLine.objects.update(state=State.WORKING, attempts=1)
        (line,) = finish(job)
        assert (line.state, line.attempts) == (State.CREATED, 2)

    def test_one_that_kills_its_worker_each_time_is_given_up(self, sandbox):
        job = accept("\n".join(one["access_token"] for one in logins(sandbox, 2)))
        ImportLine.objects.filter(number=1).update(state=State.WORKING, attempts=3)
        first, second = finish(job)
        assert (first.state, first.reason, second.state) == (State.FAILED, "unreachable", State.CREATED)
        assert first.payload  # an operator may still send it again


WORKER = "import django; django.setup(); from teampool.imports.worker import work; work({job})"


class TestKilled:
    @pytest.mark.parametrize("op", ["token", "account_check", "invites", "members", "subscription"])
    def test_a_worker_killed_at_any_call_costs_nothing(self, sandbox, process_env, op):
        """SIGKILL while the answer to that call is on its way; then another worker finishes."""
        sandbox.shape(reuse_revokes_grant=True)
        opened = sandbox.workspace("omar@example.com", members=2)
        login = opened["credentials"]
        # A refresh that took effect and was not heard of is the one thing nobody can undo: see below.
        is_refresh = op == "token"
        sandbox.fault(op, "timeout_before" if is_refresh else {"delay": 30})
        job = accept(csv_line(login, "refresh_token", "client_id"))
        worker = start(process_env | upstream(sandbox), WORKER.format(job=job.pk))
        wait_until(lambda: sandbox.log(op=op), what=f"the call {op}")
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(10)
        sandbox.clear_faults()
        assert ImportLine.objects.get().state == State.WORKING
        with time_machine.travel(timezone.now() + LEASE + timedelta(seconds=1), tick=True):
            (line,) = finish(job)
        assert (line.state, line.attempts) == (State.CREATED, 2)
        assert Team.objects.allocatable(timezone.now()).count() == 1
        assert AllowedMember.objects.count() == 2
        sent = [entry["body"]["refresh_token"] for entry in sandbox.log(op="token")]
        assert len(sent) - len(set(sent)) == (1 if is_refresh else 0)
        assert token_chain.newest(login["refresh_token"]) == Team.objects.get().owner.refresh_token

    def test_a_refresh_whose_answer_died_with_its_worker_is_tried_once_more_and_then_named(self, sandbox, process_env):
        login = sandbox.workspace("omar@example.com")["credentials"]
        sandbox.fault("token", "timeout_after")
        job = accept(csv_line(login, "refresh_token", "client_id"))
        worker = start(process_env | upstream(sandbox), WORKER.format(job=job.pk))
        wait_until(lambda: sandbox.log(op="token"), what="the refresh")
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(10)
        with time_machine.travel(timezone.now() + LEASE + timedelta(seconds=1), tick=True):
            (line,) = finish(job)
        assert (line.state, line.reason) == (State.FAILED, "token_dead")
        assert len(sandbox.log(op="token")) == 2

    def test_a_worker_killed_half_way_through_many_lines(self, sandbox, process_env):
        sandbox.set_latency(0.05)
        job = accept("\n".join(one["access_token"] for one in logins(sandbox, 20)))
        worker = start(process_env | upstream(sandbox), WORKER.format(job=job.pk))
        wait_until(lambda: ImportLine.objects.filter(state=State.CREATED).count() >= 4, what="four lines done")
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait(10)
        with time_machine.travel(timezone.now() + LEASE + timedelta(seconds=1), tick=True):
            lines = finish(job)
        assert {line.state for line in lines} <= {State.CREATED, State.UPDATED}
        assert Team.objects.count() == 20
        assert AuditEvent.objects.filter(action="import_finished").count() == 1


def upstream(sandbox) -> dict[str, str]:
    return {"UPSTREAM_BASE_URL": sandbox.url, "UPSTREAM_AUTH_URL": sandbox.url, "UPSTREAM_TIMEOUT": "40"}


def start(env: dict[str, str], code: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", code], env=env | {"PYTHONPATH": os.getcwd()})


class TestTasks:
    def test_a_slice_takes_a_place_and_gives_it_back(self, sandbox, monkeypatch):
        taken = []
        monkeypatch.setattr(tasks, "work", lambda job_id, still_mine: taken.append((job_id, still_mine())) or False)
        job = accept(logins(sandbox, 1)[0]["access_token"])
        tasks.run_import(job.pk)
        assert taken == [(job.pk, True)]
        with leases.slot(ttl=LEASE) as first, leases.slot(ttl=LEASE) as second:
            assert None not in (first, second)

    def test_with_both_places_taken_it_leaves_the_work_for_later(self, sandbox):
        job = accept(logins(sandbox, 1)[0]["access_token"])
        with leases.slot(ttl=LEASE), leases.slot(ttl=LEASE):
            tasks.run_import(job.pk)
        assert sandbox.log() == []
        assert not ImportLine.objects.exclude(state=State.WAITING).exists()

    def test_what_is_left_is_rung_again(self, sandbox, monkeypatch):
        monkeypatch.setattr(import_work, "SLICE", timedelta(0))
        job = accept(logins(sandbox, 1)[0]["access_token"])
        tasks.run_import(job.pk)
        assert queued() == [("teampool.tasks.run_import", job.pk)]

    def test_the_sweep_rings_what_nobody_works_on(self, sandbox):
        tokens = [one["access_token"] for one in logins(sandbox, 4)]
        accepted = [accept(token) for token in tokens]
        ImportJob.objects.filter(pk=accepted[0].pk).update(lease_until=timezone.now() + LEASE)
        ImportJob.objects.filter(pk=accepted[1].pk).update(finished_at=timezone.now())
        tasks.resume_imports()
        assert queued() == [("teampool.tasks.run_import", job.pk) for job in accepted[2:]]

    def test_the_sweep_wipes_old_secrets(self, sandbox):
        accept(logins(sandbox, 1)[0]["access_token"])
        ImportLine.objects.update(state=State.FAILED, finished_at=timezone.now() - timedelta(hours=25))
        tasks.resume_imports()
        assert ImportLine.objects.get().payload == ""

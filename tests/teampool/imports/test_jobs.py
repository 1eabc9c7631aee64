"""Imports as rows: accepting, duplicates, progress, retrying, forgetting."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone, translation
from django_q.models import OrmQ

from notifications.models import AuditEvent
from teampool.imports import jobs
from teampool.imports.reasons import reason_text
from teampool.imports.worker import MOST_ATTEMPTS
from teampool.models import ImportJob, ImportLine, Team
from tests.cast import run_together
from tests.teampool.imports.bringing import ACTOR, State, bring, csv_line, finish

TOKEN = "eyJhbGciOiJub25lIn0.e30.c2lnbmF0dXJl"


def accept(text: str, **options) -> ImportJob:
    return jobs.accept(text=text, actor=ACTOR, **options)


@pytest.mark.django_db
class TestAccept:
    def test_every_line_gets_a_row_with_its_number(self):
        job = accept(f"# a comment\n\nhello\nomar@example.com,,,,\n{TOKEN}\r\n{TOKEN}x,{TOKEN}y")
        rows = list(job.lines.values_list("number", "state", "reason"))
        assert rows == [
            (3, "invalid", "unreadable"),
            (4, "invalid", "no_token"),
            (5, "waiting", ""),
            (6, "invalid", "two_access_tokens"),
        ]
        assert job.total == 4

    def test_secrets_are_encrypted_and_only_there_where_they_are_needed(self):
        job = accept(f"{TOKEN}\n{TOKEN}x,{TOKEN}y")
        with connection.cursor() as cursor:
            cursor.execute("SELECT payload FROM teampool_importline ORDER BY number")
            waiting, invalid = (row[0] for row in cursor.fetchall())
        assert waiting.startswith("enc1:")
        assert invalid == ""
        assert TOKEN in job.lines.first().payload

    def test_it_is_rung_and_written_down(self):
        job = accept(TOKEN)
        event = AuditEvent.objects.get()
        assert (event.action, event.details) == ("import_accepted", {"lines": 1})
        assert (job.actor_kind, job.actor) == ("command", "tests")

    def test_the_same_account_twice_is_a_duplicate(self):
        other = f"{TOKEN}o"
        job = accept(f"omar@example.com,{TOKEN}\nomar@example.com----{TOKEN}\nomar@example.com,{other}\n{TOKEN}")
        # The last one does not say whose it is.
        first, same, *others = job.lines.all()
        assert [one.duplicate_of for one in (first, same, *others)] == [None, first, None, None]
        assert (same.state, same.payload) == (State.WAITING, "")  # as good as the first, which nobody knows yet

    def test_several_documents_on_one_line_are_several_results(self):
        one, two = (json.dumps({"accessToken": TOKEN + letter}) for letter in "ab")
        job = accept(f"{one} {two}")
        assert list(job.lines.values_list("number", "part")) == [(1, 1), (1, 2)]

    @pytest.mark.parametrize("text", ["", "  \n\t\n", "# only a comment", "email,access_token"])
    def test_it_refuses_a_text_without_accounts(self, text):
        with pytest.raises(jobs.NothingToImport):
            accept(text)
        assert not ImportJob.objects.exists()

    def test_it_refuses_more_lines_than_it_takes(self, monkeypatch):
        monkeypatch.setattr(jobs, "MOST_LINES", 3)
        with pytest.raises(jobs.TooManyLines):
            accept("a\nb\nc\nd")
        assert not ImportJob.objects.exists()

    def test_it_holds_which_tokens_there_were_never_the_tokens(self):
        job = accept(f"omar@example.com,{TOKEN},rt_{'r' * 40},{'s1' * 20},app_x")
        line = job.lines.get()
        assert (line.holds, line.email) == ("AT RT ST", "omar@example.com")


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_when_the_rows_are_in():
    job = accept(TOKEN)
    queued = [row.task for row in OrmQ.objects.all()]
    assert [(task["func"], task["args"]) for task in queued] == [("teampool.tasks.run_import", (job.pk,))]


@pytest.mark.django_db(transaction=True)
class TestProgress:
    def test_it_counts_by_one_query_whatever_the_number_of_lines(self, sandbox, django_assert_num_queries):
        good = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        job = accept(f"{good}\n{TOKEN}\nhello", is_rung=False)
        with django_assert_num_queries(1):
            assert jobs.progress(job) == {"current": 1, "total": 3, "success_count": 0, "failed_count": 1}
        finish(job)
        with django_assert_num_queries(1):
            assert jobs.progress(job) == {"current": 3, "total": 3, "success_count": 1, "failed_count": 2}

    @pytest.mark.parametrize("ending", ["token_dead", "unreachable"])
    def test_a_duplicate_of_a_failed_line_failed_too(self, sandbox, ending):
        login = sandbox.workspace("omar@example.com")["credentials"]
        if ending == "token_dead":
            sandbox.invalidate_tokens()
        else:
            sandbox.fault(op="account_check", action={"preset": "503"}, times=0)
        lines = bring("\n".join([login["access_token"]] * 3))
        assert [(line.state, line.reason) for line in lines] == [(State.FAILED, ending)] * 3
        assert {line.email for line in lines} == {"omar@example.com"}
        assert jobs.progress(lines[0].job) == {"current": 3, "total": 3, "success_count": 0, "failed_count": 3}
        assert [line.number for line in jobs.retriable(lines[0].job_id)] == ([1] if ending == "unreachable" else [])

    def test_a_duplicate_of_a_line_that_kills_its_workers_failed_too(self, sandbox):
        job = accept(f"{TOKEN}\n{TOKEN}", is_rung=False)
        job.lines.filter(number=1).update(state=State.WORKING, attempts=MOST_ATTEMPTS)
        assert [(line.state, line.reason) for line in finish(job)] == [(State.FAILED, "unreachable")] * 2

    def test_the_end_is_written_down_once_with_its_counts(self, sandbox):
        good = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        bring(f"{good}\n{good}\n{TOKEN}\nhello")
        event = AuditEvent.objects.get(action="import_finished")
        assert event.details == {"created": 1, "duplicate": 1, "failed": 1, "invalid": 1}


@pytest.mark.django_db(transaction=True)
class TestRetryFailed:
    def test_only_the_failed_lines_go_again_without_a_second_paste(self, sandbox):
        opened = sandbox.workspace("omar@example.com")
        good = sandbox.workspace("other@example.com")["credentials"]["access_token"]
        sandbox.fault("account_check", "503", email="omar@example.com")
        lines = bring(f"hello\n{good}\n{opened['credentials']['access_token']}")
        assert [line.state for line in lines] == [State.INVALID, State.CREATED, State.FAILED]
        again = jobs.retry_failed(job_id=lines[0].job_id, actor=ACTOR, is_rung=False)
        assert (again.total, again.retry_of_id) == (1, lines[0].job_id)
        (line,) = finish(again)
        assert (line.number, line.state, line.email) == (3, State.CREATED, "omar@example.com")

    def test_a_dead_token_does_not_go_again(self, sandbox):
        dead = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        slow = sandbox.workspace("other@example.com")["credentials"]["access_token"]
        sandbox.invalidate_tokens(email="omar@example.com")
        sandbox.fault("account_check", "503", email="other@example.com")
        lines = bring(f"{dead}\n{slow}")
        assert [line.reason for line in lines] == ["token_dead", "unreachable"]
        assert [line.number for line in jobs.retriable(lines[0].job_id)] == [2]
        again = jobs.retry_failed(job_id=lines[0].job_id, actor=ACTOR, is_rung=False)
        assert [line.number for line in again.lines.all()] == [2]

    def test_dead_tokens_alone_are_nothing_to_retry(self, sandbox):
        dead = sandbox.workspace("omar@example.com")["credentials"]["access_token"]
        sandbox.invalidate_tokens(email="omar@example.com")
        (line,) = bring(dead)
        with pytest.raises(jobs.NothingToImport):
            jobs.retry_failed(job_id=line.job_id, actor=ACTOR)
        line.refresh_from_db()
        assert line.state == State.FAILED

    def test_a_spent_refresh_token_is_followed_to_its_successor(self, sandbox):
        sandbox.shape(reuse_revokes_grant=True)
        login = sandbox.workspace("omar@example.com")["credentials"]
        sandbox.fault("account_check", "503")
        lines = bring(csv_line(login, "refresh_token", "client_id"))
        assert lines[0].state == State.FAILED
        (line,) = finish(jobs.retry_failed(job_id=lines[0].job_id, actor=ACTOR, is_rung=False))
        assert (line.state, line.renews_itself) == (State.CREATED, True)

    def test_two_clicks_make_one_retry(self, sandbox):
        sandbox.fault("account_check", "503")
        lines = bring(sandbox.workspace("omar@example.com")["credentials"]["access_token"])

        def retry():
            return jobs.retry_failed(job_id=lines[0].job_id, actor=ACTOR, is_rung=False)

        results = run_together(retry, retry, retry)
        assert sum(isinstance(result, ImportJob) for result in results) == 1
        assert sum(isinstance(result, jobs.NothingToImport) for result in results) == 2

    def test_after_24_hours_the_secrets_are_gone(self, sandbox):
        sandbox.fault("account_check", "503")
        (line,) = bring(sandbox.workspace("omar@example.com")["credentials"]["access_token"])
        now = timezone.now()
        assert jobs.forget(now=now + timedelta(hours=23)) == 0
        assert jobs.forget(now=now + timedelta(hours=25)) == 1
        line.refresh_from_db()
        assert (line.payload, line.state) == ("", State.FAILED)
        with pytest.raises(jobs.NothingToImport):
            jobs.retry_failed(job_id=line.job_id, actor=ACTOR)


class TestReasonText:
    def test_each_reason_has_words_of_its_own(self):
        slugs = ["unreadable", "no_token", "two_access_tokens", "token_dead", "email_mismatch", "no_team"]
        slugs += ["unreachable", "slow_down", "personal_token", "agent_identity"]
        with translation.override("en"):
            texts = [reason_text(slug) for slug in slugs]
        assert len(set(texts)) == len(slugs)
        assert all(texts)
        assert reason_text("") == ""


@pytest.mark.django_db(transaction=True)
class TestAThousandLines:
    @pytest.mark.slow(60)
    @pytest.mark.timeout(900)  # a minute's work on an idle machine: the limit is for what hangs
    def test_every_line_gets_its_result_and_none_is_lost(self, sandbox, settings):
        """950 accounts in every format there is, 50 lines broken in ten ways."""
        settings.UPSTREAM_TIMEOUT = 60  # eight at a time: on a busy machine the sandbox is slow to answer
        text, broken = a_thousand_lines(sandbox)
        job = accept(text, is_rung=False)
        lines = finish(job)
        assert len(lines) == 1000
        assert [line.number for line in lines] == sorted({line.number for line in lines})
        bad = {line.number: line.reason for line in lines if line.state in jobs.BAD}
        assert bad == broken
        assert jobs.progress(job) == {
            "current": 1000,
            "total": 1000,
            "success_count": 950,
            "failed_count": 50,
        }
        assert Team.objects.count() == 950
        assert not ImportLine.objects.filter(state__in=jobs.GOOD).exclude(payload="").exists()


def a_thousand_lines(sandbox) -> tuple[str, dict[int, str]]:
    """The text, and for each broken line its number and reason."""
    logins = [sandbox.workspace(f"owner{number}@example.com")["credentials"] for number in range(950)]
    dead = sandbox.workspace("dead@example.com")["credentials"]
    sandbox.invalidate_tokens("dead@example.com", access=True, session=True, refresh=True)
    nobody = sandbox.workspace("nobody@example.com", role="standard-user")["credentials"]
    other = logins[0]["access_token"]
    writers = [
        lambda one: one["access_token"],
        lambda one: csv_line(one, "email", "access_token"),
        lambda one: csv_line(one, "email", "access_token", "refresh_token", "session_token", "client_id"),
        lambda one: csv_line(one, "session_token", separator="----"),
        lambda one: csv_line(one, "email", "refresh_token", "client_id", separator="\t"),
        lambda one: csv_line(one, "email", "access_token", separator=" | "),
        lambda one: csv_line(one, "email", "access_token", separator="，"),
        lambda one: json.dumps(one["session_json"]),
        lambda one: f'"{one["email"]}","{one["access_token"]}",,,',
        lambda one: f"{one['email']}  {one['access_token']}",
    ]
    breakers = [
        ("hello there", "unreadable"),
        ("omar@example.com,,,,", "no_token"),
        (f"{other},{other}x", "two_access_tokens"),
        (csv_line(dead, "access_token"), "token_dead"),
        (csv_line(dead, "session_token"), "no_token_now"),
        (csv_line(dead, "email", "refresh_token", "client_id"), "token_dead"),
        (f"wrong@example.com,{other}", "email_mismatch"),
        (csv_line(nobody, "access_token"), "no_team"),
        ('{"accessToken": 5}', "unreadable"),
        ("omar@example.com,not-a-token\0,,,", "unreadable"),
    ]
    rows: list[str] = []
    broken: dict[int, str] = {}
    spoiled = 0
    for number, login in enumerate(logins):
        rows.append(writers[number % len(writers)](login))
        if number % 19 == 18:
            wrong, reason = breakers[spoiled % len(breakers)]
            # Not the same line twice: that would be a duplicate.
            account = f"{10000000 + spoiled}-0000-4000-8000-000000000000" if reason in CAN_NAME_ONE else ""
            rows.append(f"{wrong.rstrip(',')}{',' * (5 - wrong.rstrip(',').count(','))}{account}" if account else wrong)
            broken[len(rows)] = reason
            spoiled += 1
    assert (len(rows), len(broken)) == (1000, 50)
    return "\r\n".join(rows), broken


CAN_NAME_ONE = {"token_dead", "no_token_now", "email_mismatch", "no_team"}

"""The import's pages: the box, the page that follows one import, the list of past ones."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from notifications.models import AuditEvent
from teampool.imports import jobs
from teampool.models import ImportJob, ImportLine, Owner, Team
from tests.cast import OMAR, a_team, an_owner
from tests.teampool.imports.bringing import finish

# These write wall-clock times as people read them.
pytestmark = pytest.mark.usefixtures("shanghai")

PAGE = "/admin/import/"
SECRET = "eyJhbGciOiJIUzI1NiJ9.Y2FuYXJ5LWNhbmFyeS1jYW5hcnk.canarycanarycanary"
State = ImportLine.State


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return olga_client


def a_job(*lines: dict[str, Any], is_finished: bool = True, **fields: Any) -> ImportJob:
    finished_at = timezone.now() if is_finished else None
    job = ImportJob.objects.create(actor="olga", total=len(lines), finished_at=finished_at, **fields)
    for number, line in enumerate(lines, 1):
        ImportLine.objects.create(job=job, number=number, **({"state": State.WAITING} | line))
    return job


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def page_of(job: ImportJob, query: str = "") -> str:
    return reverse("admin:import_job", args=[job.pk]) + query


class TestBox:
    def test_it_takes_every_line_on_and_moves_to_its_page(
        self, desk: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        with django_capture_on_commit_callbacks(execute=True):
            response = desk.post(PAGE, {"text": f"a@example.com,{SECRET}\n\nb@example.com,{SECRET}x\nnonsense"})
        job = ImportJob.objects.get()
        assert response["Location"] == page_of(job)
        assert (job.total, job.actor, job.actor_kind) == (3, "olga", "operator")
        assert [row.func() for row in OrmQ.objects.all()] == ["teampool.tasks.run_import"]
        assert AuditEvent.objects.get().action == "import_accepted"

    def test_it_takes_a_file(self, desk: Client) -> None:
        upload = SimpleUploadedFile("accounts.txt", f"\ufeffa@example.com,{SECRET}".encode())
        desk.post(PAGE, {"text": "", "file": upload})
        assert ImportLine.objects.get().email == "a@example.com"

    def test_it_takes_a_text_several_files_and_what_is_in_a_zip(self, desk: Client) -> None:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("in/c.csv", f"# one\nc@example.com,{SECRET}c")
            archive.writestr("old.xlsx", b"PK")
        files = [
            SimpleUploadedFile("b.json", json.dumps({"email": "b@example.com", "access_token": f"{SECRET}b"}).encode()),
            SimpleUploadedFile("more.zip", packed.getvalue()),
        ]
        response = desk.post(PAGE, {"text": f"a@example.com,{SECRET}a", "file": files}, follow=True)
        lines = ImportJob.objects.get().lines.all()
        assert [(line.where, line.email, line.reason) for line in lines] == [
            ("1", "a@example.com", ""),
            ("b.json:1", "b@example.com", ""),
            ("in/c.csv:2", "c@example.com", ""),
            ("old.xlsx", "", "file_sheet"),
        ]
        assert "save it as CSV" in text_of(response)

    def test_what_cannot_be_tried_is_said_at_the_box_and_the_text_stays(self, desk: Client) -> None:
        response = desk.post(PAGE, {"text": "what is this\nomar@example.com,,,,"})
        assert response.status_code == 400
        assert "Line 2: No token" in text_of(response)
        assert "what is this" in response.content.decode()
        assert not ImportJob.objects.exists()

    def test_files_that_cannot_be_read_are_each_named(self, desk: Client) -> None:
        files = [SimpleUploadedFile(f"{n}.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") for n in range(7)]
        text = text_of(desk.post(PAGE, {"text": "", "file": files}))
        assert "4.xls: A spreadsheet" in text
        assert "and 2 more" in text

    def test_more_in_all_than_20_megabytes_is_refused(self, desk: Client) -> None:
        files = [SimpleUploadedFile(f"{n}.txt", b"# " + b"a" * (jobs.MOST_BYTES - 2)) for n in range(5)]
        assert "More than 20 MB in all" in text_of(desk.post(PAGE, {"text": "", "file": files}))

    @pytest.mark.parametrize("text", ["", "  \n \n", "# only a comment"])
    def test_nothing_is_no_import(self, desk: Client, text: str) -> None:
        response = desk.post(PAGE, {"text": text})
        assert response.status_code == 400
        assert "one account a line" in text_of(response)
        assert not ImportJob.objects.exists()

    def test_a_file_above_the_limit_is_refused(self, desk: Client) -> None:
        upload = SimpleUploadedFile("accounts.txt", b"a" * (jobs.MOST_BYTES + 1))
        response = desk.post(PAGE, {"text": "", "file": upload})
        assert response.status_code == 400
        assert "accounts.txt: Larger than 5 MB: split it and import the parts" in text_of(response)
        assert not ImportJob.objects.exists()

    def test_a_text_above_the_limit_is_refused(self, desk: Client) -> None:
        response = desk.post(PAGE, {"text": "席" * (jobs.MOST_BYTES // 3 + 1)})
        assert response.status_code == 400
        assert not ImportJob.objects.exists()

    def test_too_many_lines_are_refused(self, desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jobs, "MOST_LINES", 2)
        response = desk.post(PAGE, {"text": "a\nb\nc"})
        assert "More than 2 lines." in text_of(response)
        assert not ImportJob.objects.exists()

    def test_bytes_that_are_no_text_are_no_error(self, desk: Client) -> None:
        upload = SimpleUploadedFile("accounts.bin", bytes(range(256)) * 8)
        assert desk.post(PAGE, {"text": "", "file": upload}).status_code in (302, 400)

    def test_what_was_pasted_is_not_shown_again_elsewhere(self, desk: Client) -> None:
        response = desk.post(PAGE, {"text": f"a@example.com,{SECRET}"}, follow=True)
        assert SECRET not in response.content.decode()
        assert SECRET not in desk.get(PAGE).content.decode()

    def test_it_needs_the_token_of_the_form(self, olga: Any) -> None:
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(olga)
        assert strict.post(PAGE, {"text": "a@example.com"}).status_code == 403
        assert not ImportJob.objects.exists()


class TestRenewal:
    def test_it_names_the_owner(self, desk: Client) -> None:
        owner = an_owner("a@x.co")
        response = desk.get(f"{PAGE}?owner={owner.pk}")
        assert "A new session for a@x.co" in text_of(response)
        assert f'name="owner" value="{owner.pk}"' in response.content.decode()

    def test_a_large_number_stays_one_number(self, desk: Client) -> None:
        owner = an_owner("a@x.co", id=1234)
        assert 'name="owner" value="1234"' in desk.get(f"{PAGE}?owner={owner.pk}").content.decode()

    def test_a_session_of_somebody_else_is_refused(self, desk: Client) -> None:
        owner = an_owner("a@x.co")
        response = desk.post(PAGE, {"owner": owner.pk, "text": f"b@x.co,{SECRET}"})
        assert "This session belongs to b@x.co, not to a@x.co. Nothing was saved." in text_of(response)
        assert not ImportJob.objects.exists()

    def test_the_owners_own_is_taken(self, desk: Client) -> None:
        owner = an_owner("a@x.co")
        assert desk.post(PAGE, {"owner": owner.pk, "text": f"A@X.co,{SECRET}"}).status_code == 302

    @pytest.mark.parametrize("number", ["999", "x", "-1"])
    def test_an_owner_that_is_not_there_is_no_error(self, desk: Client, number: str) -> None:
        assert desk.get(f"{PAGE}?owner={number}").status_code == 404

    def test_no_token_of_the_owner_is_shown(self, desk: Client) -> None:
        owner = an_owner("a@x.co", session_token=SECRET)
        assert SECRET not in desk.get(f"{PAGE}?owner={owner.pk}").content.decode()


class TestJob:
    def test_it_says_what_became_of_each_line(self, desk: Client) -> None:
        team = a_team(name="Shanghai 03")
        entry = {"id": team.pk, "account_id": team.account_id, "name": team.name, "action": "created", "baseline": 2}
        until = timezone.now().replace(year=2027, month=3, day=2, hour=6, minute=30)
        job = a_job(
            {"state": State.CREATED, "email": OMAR, "holds": "AT RT", "renews_itself": True, "teams": [entry]},
            {"state": State.UPDATED, "email": "b@x.co", "holds": "AT", "access_until": until, "teams": [entry]},
            {"state": State.DUPLICATE, "email": OMAR, "holds": "AT RT"},
            {"state": State.INVALID, "reason": "unreadable"},
            {"state": State.FAILED, "reason": "token_dead", "email": "c@x.co", "holds": "ST"},
            free_seats=4,
        )
        text = text_of(desk.get(page_of(job)))
        for words in (
            "5/5",
            f"1 {OMAR} AT ✓ RT ✓ ST –",
            f"Shanghai 03 {team.account_id[:8]}",
            "Renews itself · 2 people there are kept as baseline",
            "Until 2027-03-02 14:30, cannot renew itself",
            "AT – RT – ST ✓",
            "Created 1 · updated 1 · duplicate 1 · invalid 1 · failed 1, free seats +4",
        ):
            assert words in text
        assert team.account_id not in text

    def test_every_reason_is_told_in_words(self, desk: Client) -> None:
        slugs = ["unreadable", "no_token", "two_access_tokens", "token_dead", "email_mismatch"]
        slugs += ["no_team", "unreachable", "slow_down"]
        job = a_job(*({"state": State.FAILED, "reason": slug} for slug in slugs))
        text = text_of(desk.get(page_of(job)))
        assert not [slug for slug in slugs if "_" in slug and slug in text]

    def test_it_polls_until_it_is_finished(self, desk: Client) -> None:
        open_job = a_job({"state": State.CREATED}, {}, is_finished=False)
        page = desk.get(page_of(open_job)).content.decode()
        assert 'hx-trigger="every 2s"' in page
        assert "<b>1/2</b>" in page
        assert "You may leave this page" in page
        finished = desk.get(page_of(a_job({"state": State.CREATED}))).content.decode()
        assert "hx-trigger" not in finished
        assert "You may leave this page" not in finished

    def test_a_poll_brings_the_moving_part_only(self, desk: Client) -> None:
        job = a_job({"state": State.CREATED}, {}, is_finished=False)
        part = desk.get(page_of(job), headers={"hx-request": "true"}).content.decode()
        assert part.lstrip().startswith('<div id="import-live"')
        assert "<html" not in part

    def test_only_the_failed(self, desk: Client) -> None:
        job = a_job(
            {"state": State.CREATED, "email": "good@x.co"},
            {"state": State.FAILED, "email": "bad@x.co", "reason": "unreachable"},
        )
        assert "?only=failed" in desk.get(page_of(job)).content.decode()
        text = text_of(desk.get(page_of(job, "?only=failed")))
        assert "bad@x.co" in text
        assert "good@x.co" not in text

    def test_failures_come_first(self, desk: Client) -> None:
        bad = {"state": State.FAILED, "email": "bad@x.co", "reason": "unreachable"}
        text = text_of(desk.get(page_of(a_job({"state": State.CREATED, "email": "good@x.co"}, bad))))
        assert text.index("bad@x.co") < text.index("good@x.co")

    @pytest.mark.parametrize(
        ("states", "tone", "button"),
        [
            ([State.CREATED], "joined", "New codes"),
            ([State.CREATED, State.FAILED], "partly", "New codes"),
            ([State.UPDATED], "joined", "Back to the overview"),
            ([State.UPDATED, State.INVALID], "partly", "Back to the overview"),
            ([State.FAILED, State.INVALID], "fault", "Back to the text"),
        ],
    )
    def test_the_bar_and_the_main_button_fit_the_result(
        self, desk: Client, states: list[str], tone: str, button: str
    ) -> None:
        page = desk.get(page_of(a_job(*({"state": state} for state in states)))).content.decode()
        assert f'<i class="sk-{tone}"' in page
        assert re.findall(r'class="sk-button sk-main"[^>]*>([^<]+)<', page) == [button]

    def test_what_failed_can_be_exported_without_a_token(self, desk: Client) -> None:
        failed = {
            "state": State.FAILED,
            "reason": "unreachable",
            "email": "=bad@x.co",
            "holds": "AT",
            "payload": SECRET,
        }
        job = a_job({"state": State.CREATED, "email": "good@x.co"}, failed | {"file": "a.json", "place": "accounts[3]"})
        response = desk.get(page_of(job, "?export=failed"))
        text = response.getvalue().decode()
        assert text.startswith("\ufeffLine,Owner,Tokens found,Result,Explanation")
        assert "a.json:2 accounts[3],'=bad@x.co,AT ✓ RT – ST –,Failed," in text
        assert "good@x.co" not in text
        assert SECRET not in text

    def test_it_shows_50_lines_at_a_time(self, desk: Client) -> None:
        job = a_job(*({"state": State.CREATED, "email": f"n{n}@x.co"} for n in range(1, 121)))
        assert "n50@x.co" in text_of(desk.get(page_of(job)))
        assert "n51@x.co" not in text_of(desk.get(page_of(job)))
        assert "n101@x.co" in text_of(desk.get(page_of(job, "?page=3")))
        assert desk.get(page_of(job, "?page=99")).status_code == 200

    def test_no_token_is_ever_shown(self, desk: Client) -> None:
        job = a_job({"state": State.FAILED, "reason": "unreachable", "payload": SECRET, "holds": "AT"})
        assert SECRET not in desk.get(page_of(job)).content.decode()

    def test_a_job_that_is_not_there(self, desk: Client) -> None:
        assert desk.get("/admin/import/999/").status_code == 404

    def test_a_finished_import_leads_to_the_codes(self, desk: Client) -> None:
        page = desk.get(page_of(a_job({"state": State.CREATED}))).content.decode()
        assert f'href="{reverse("admin:new_codes")}">New codes</a>' in page

    def test_its_queries_do_not_grow(self, desk: Client, django_assert_max_num_queries: Any) -> None:
        counts = []
        for lines in (3, 30):
            job = a_job(*({"state": State.CREATED, "teams": [{"id": n, "action": "created"}]} for n in range(lines)))
            desk.get(page_of(job))  # fills what the process keeps
            with django_assert_max_num_queries(12) as asked:
                desk.get(page_of(job))
            counts.append(len(asked))
        assert counts[0] == counts[1]


class TestRetry:
    def test_it_needs_no_second_paste(self, desk: Client) -> None:
        failed = {"state": State.FAILED, "reason": "unreachable", "payload": "{}"}
        job = a_job({"state": State.CREATED}, failed, failed, {"state": State.INVALID, "reason": "no_token"})
        assert "Retry the 2 failed lines" in text_of(desk.get(page_of(job)))
        response = desk.post(reverse("admin:import_retry", args=[job.pk]))
        again = ImportJob.objects.get(retry_of=job)
        assert response["Location"] == page_of(again)
        assert [line.number for line in again.lines.all()] == [2, 3]

    def test_lines_whose_secrets_are_gone_cannot(self, desk: Client) -> None:
        job = a_job({"state": State.FAILED, "reason": "unreachable"})
        assert "Retry" not in text_of(desk.get(page_of(job)))
        response = desk.post(reverse("admin:import_retry", args=[job.pk]), follow=True)
        assert "kept for 24 hours" in text_of(response)
        assert ImportJob.objects.count() == 1

    def test_lines_that_cannot_succeed_are_not_offered(self, desk: Client) -> None:
        dead = {"state": State.FAILED, "reason": "token_dead", "payload": "{}"}
        job = a_job(dead, dead, {"state": State.FAILED, "reason": "slow_down", "payload": "{}"})
        assert "Retry the failed line" in text_of(desk.get(page_of(job)))
        assert "Retry" not in text_of(desk.get(page_of(a_job(dead))))

    def test_a_link_retries_nothing(self, desk: Client) -> None:
        job = a_job({"state": State.FAILED, "payload": "{}"})
        assert desk.get(reverse("admin:import_retry", args=[job.pk])).status_code == 405


class TestPastImports:
    def test_they_are_listed_newest_first(self, desk: Client) -> None:
        a_job({"state": State.CREATED}, {"state": State.FAILED}, created_at=timezone.now() - timedelta(days=2))
        a_job({}, is_finished=False)
        text = text_of(desk.get(PAGE))
        assert text.index("Under way") < text.index("Finished")
        assert re.search(r"olga 2 1 1 Finished", text)

    def test_there_is_none_yet(self, desk: Client) -> None:
        assert "No import yet." in text_of(desk.get(PAGE))

    def test_its_queries_do_not_grow(self, desk: Client, django_assert_max_num_queries: Any) -> None:
        counts = []
        for how_many in (3, 27):
            for _ in range(how_many):
                a_job({"state": State.CREATED}, {})
            desk.get(PAGE)  # fills what the process keeps
            with django_assert_max_num_queries(8) as asked:
                desk.get(PAGE)
            counts.append(len(asked))
        assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
class TestAgainstTheSandbox:
    def test_a_pasted_session_becomes_a_team_with_free_seats(self, desk: Client, sandbox: Any) -> None:
        opened = sandbox.workspace(OMAR, members=1, seats=5)
        tokens = opened["credentials"]
        session = {"user": {"email": OMAR}, "accessToken": tokens["access_token"]}
        desk.post(PAGE, {"text": json.dumps(session, indent=2)})
        finish(ImportJob.objects.get())
        text = text_of(desk.get(page_of(ImportJob.objects.get())))
        assert "Created 1, free seats +3" in text
        assert Team.objects.allocatable(timezone.now()).count() == 1
        assert Owner.objects.get().email == OMAR
        for page in (
            PAGE,
            page_of(ImportJob.objects.get()),
            "/admin/teampool/team/",
            "/admin/notifications/auditevent/",
        ):
            shown = desk.get(page).content.decode()
            assert not [name for name, value in tokens.items() if "token" in name and value and value in shown]

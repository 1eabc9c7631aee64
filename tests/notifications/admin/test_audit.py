"""The audit's page: to read, narrow down and search; nothing else."""

from __future__ import annotations

import csv
import gc
import io
import re
import tracemalloc
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from base.actors import Actor, job
from notifications.admin import audit
from notifications.audit import events, export
from notifications.models import AppendOnly, AuditEvent
from tests.cast import noon

LIST = "/admin/notifications/auditevent/"
OLGA = Actor("operator", "olga", "198.51.100.7")


@pytest.fixture(autouse=True)
def _noon(time_machine: Any) -> None:
    """The list is narrowed to days, and none ends while a test runs."""
    time_machine.move_to(noon())


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return olga_client


def text_of(desk: Client, query: str = "") -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", desk.get(LIST + query).content.decode()))


def rows(desk: Client, query: str = "") -> int:
    response = desk.get(LIST + query)
    return int(response.context["cl"].result_count)


def a_fact(actor: Actor = OLGA, **about: str) -> AuditEvent:
    subject = events.Subject(**({"kind": "batch", "id": "1", "label": "Spring"} | about))
    events.codes_made(subject=subject, details={"size": 5}, actor=actor)
    return AuditEvent.objects.latest("pk")


@pytest.fixture
def two_facts(db: None) -> None:
    subject = events.Subject("team", "7", "Shanghai a1b2c3d4")
    events.team_changed(subject=subject, before={"is_enabled": True}, after={"is_enabled": False}, actor=OLGA)
    events.token_renewed(subject=subject, source="session", actor=job("renew"))


@pytest.mark.usefixtures("two_facts")
class TestList:
    def test_it_says_who_did_what_to_whom_from_where(self, desk: Client) -> None:
        text = text_of(desk)
        assert "olga Team changed: takes people yes → no Team Shanghai a1b2c3d4 198.51.100.7" in text
        assert "System Token renewed Team Shanghai a1b2c3d4 –" in text

    @pytest.mark.parametrize(
        ("query", "count"),
        [
            ("", 2),
            ("?action=token_renewed", 1),
            ("?actor_kind=operator", 1),
            ("?days=1", 2),
            ("?q=shanghai", 2),
            ("?q=198.51", 1),
            ("?q=8.51", 0),
            ("?q=OLGA", 1),
            ("?q=7", 2),
            ("?q=nobody", 0),
            ("?q=shanghai&action=token_renewed", 1),
            ("?action=nothing_known", 0),
        ],
    )
    def test_it_narrows_down(self, desk: Client, query: str, count: int) -> None:
        assert rows(desk, query) == count

    def test_days_are_those_of_the_operator(self, desk: Client) -> None:
        with time_machine.travel(timezone.now() - timedelta(days=8)):
            a_fact()
        assert rows(desk, "?days=1") == 2
        assert rows(desk, "?days=7") == 2
        assert rows(desk, "?days=30") == 3

    @pytest.mark.parametrize(
        ("day", "count"),
        [("2026-03-01", 1), ("2026-03-02", 2), ("2026-03-03", 0), ("2026-02-30", 5), ("0001-01-01", 5)],
    )
    @pytest.mark.usefixtures("shanghai")
    def test_one_day_can_be_asked_for(self, desk: Client, day: str, count: int) -> None:
        """Of the operator's time zone: 8 hours before that of Greenwich. What is no day narrows to nothing."""
        for at in ("2026-03-01T15:59:59Z", "2026-03-01T16:00:00Z", "2026-03-02T15:59:59Z"):
            with time_machine.travel(at):
                a_fact()
        assert rows(desk, f"?days={day}") == count

    def test_the_field_for_a_day_keeps_the_rest(self, desk: Client) -> None:
        page = desk.get(f"{LIST}?q=shanghai&actor_kind=operator&days=2026-03-02&p=1").content.decode()
        form = page[page.index('class="sk-day"') :].partition("</form>")[0]
        kept = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
        assert kept == {"q": "shanghai", "actor_kind": "operator"}
        assert 'name="days" value="2026-03-02"' in form

    def test_nothing_is_added_changed_or_deleted(self, desk: Client) -> None:
        event = AuditEvent.objects.first()
        assert event is not None
        assert desk.post(f"{LIST}add/", {"action": "x"}).status_code == 403
        assert desk.post(f"{LIST}{event.pk}/change/", {"action": "x"}).status_code == 404
        desk.post(LIST, {"action": "delete_selected", "_selected_action": [event.pk], "post": "yes"})
        assert AuditEvent.objects.count() == 2
        event.refresh_from_db()
        assert event.action != "x"


class TestAppendOnly:
    """By no door of ours, and by no slip of a programmer."""

    @pytest.mark.parametrize("page", ["change", "delete", "history"])
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_no_address_edits_or_deletes(self, desk: Client, page: str, method: str) -> None:
        event = a_fact()
        answer = getattr(desk, method)(f"{LIST}{event.pk}/{page}/", {"action": "x", "post": "yes"})
        assert answer.status_code == 404
        assert AuditEvent.objects.get().action == "codes_made"

    @pytest.mark.parametrize("action", ["delete_selected", "export", ""])
    def test_no_action_does(self, desk: Client, action: str) -> None:
        event = a_fact()
        data = {"action": action, "_selected_action": [event.pk], "post": "yes", "form-0-id": event.pk, "_save": "yes"}
        desk.post(LIST, data)
        assert AuditEvent.objects.get().action == "codes_made"

    @pytest.mark.parametrize(
        "slip",
        [
            lambda event: AuditEvent.objects.update(action="x"),
            lambda event: AuditEvent.objects.filter(pk=event.pk).update(action="x"),
            lambda event: AuditEvent.objects.all().delete(),
            lambda event: AuditEvent.objects.bulk_update([event], ["action"]),
            lambda event: AuditEvent.objects.update_or_create(pk=event.pk, defaults={"action": "x"}),
            lambda event: AuditEvent.objects.bulk_create(
                [event], update_conflicts=True, unique_fields=["id"], update_fields=["action"]
            ),
            lambda event: event.save(),
            lambda event: event.save(update_fields=["action"]),
            lambda event: event.delete(),
        ],
    )
    def test_the_model_refuses(self, db: None, slip: Any) -> None:
        event = a_fact()
        event.action = "x"
        with pytest.raises(AppendOnly):
            slip(event)
        assert AuditEvent.objects.get().action == "codes_made"

    def test_a_new_one_does_not_overwrite(self, db: None) -> None:
        event = a_fact()
        values = {field.attname: getattr(event, field.attname) for field in AuditEvent._meta.concrete_fields}
        with pytest.raises(IntegrityError), transaction.atomic():
            AuditEvent(**(values | {"action": "x"})).save()
        assert AuditEvent.objects.get().action == "codes_made"


class TestLong:
    """A list that is cut off goes on: every record can be reached, and none is counted that is not shown."""

    @pytest.fixture(autouse=True)
    def short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(audit, "MOST", 120)

    def test_it_goes_on_where_it_was_cut_off(self, desk: Client) -> None:
        ids = [a_fact(id=str(number)).pk for number in range(250)]
        seen: list[int] = []
        address = f"{LIST}?actor_kind=operator"
        for _list in range(3):
            for page in (1, 2, 3):
                answer = desk.get(f"{address}&p={page}")
                if answer.status_code == 200:
                    seen += [event.pk for event in answer.context["cl"].result_list]
            cl = answer.context["cl"] if answer.status_code == 200 else desk.get(address).context["cl"]
            address = LIST + cl.older
        assert seen == ids[::-1]
        assert address == LIST

    def test_it_says_so(self, desk: Client) -> None:
        for _number in range(121):
            a_fact()
        page = desk.get(LIST).content.decode()
        assert "These are the newest 120." in page
        (older,) = re.findall(r'<a class="sk-button" href="([^"]+)">Show older ones', page)
        page = desk.get(LIST + older).content.decode()
        assert "Show older ones" not in page
        assert "Back to the newest" in page

    def test_a_short_one_says_nothing(self, desk: Client) -> None:
        a_fact()
        page = desk.get(LIST).content.decode()
        assert "Show older ones" not in page
        assert "Back to the newest" not in page

    @pytest.mark.parametrize("query", ["?p=99", "?p=0", "?p=x", "?before=x", "?before=9" + "9" * 40, "?before="])
    def test_a_mistyped_address_harms_nothing(self, desk: Client, query: str) -> None:
        a_fact()
        assert desk.get(LIST + query, follow=True).status_code == 200


class TestExport:
    def rows(self, desk: Client, query: str = "", language: str = "en") -> list[list[str]]:
        answer = desk.post(f"{LIST}export/{query}", headers={"Accept-Language": language})
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert re.fullmatch(r'attachment; filename="audit-[\d-]+\.csv"', answer.headers["Content-Disposition"])
        text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
        assert text[0] == "\ufeff"
        return list(csv.reader(io.StringIO(text[1:])))

    @pytest.mark.usefixtures("shanghai")
    @time_machine.travel("2026-03-02T06:30:05Z", tick=False)
    def test_it_holds_what_the_list_says(self, desk: Client) -> None:
        subject = events.Subject("team", "7", "Shanghai")
        events.team_changed(subject=subject, before={"is_enabled": True}, after={"is_enabled": False}, actor=OLGA)
        header, _export, row = self.rows(desk)
        assert header == ["Time (Asia/Shanghai)", "Who", "Kind", "What", "On whom", "From where"]
        assert row == [
            "2026-03-02 14:30:05",
            "olga",
            "Operator",
            "Team changed: takes people yes → no",
            "Team Shanghai",
            "198.51.100.7",
        ]

    def test_it_speaks_the_language_of_the_page(self, desk: Client) -> None:
        a_fact()
        assert self.rows(desk, language="zh-hans")[0][1:] == ["谁", "类型", "做了什么", "对象", "来源 IP"]

    def test_it_is_the_filtered_list(self, desk: Client) -> None:
        a_fact(label="Spring")
        a_fact(label="Autumn")
        assert [row[4] for row in self.rows(desk, "?q=autumn&action=codes_made&p=1")[1:]] == ["Batch Autumn"]

    def test_it_leaves_a_record_without_secrets(self, desk: Client) -> None:
        self.rows(desk, "?q=sk_abcdefghijklmnop&action=codes_made&p=1")
        event = AuditEvent.objects.get(action="audit_exported")
        assert (event.actor, event.ip) == ("olga", "127.0.0.1")
        assert event.details == {"narrowed_to": "q=[hidden], action=codes_made"}
        assert "Audit exported: q=[hidden], action=codes_made Audit" in text_of(desk)

    @pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "＝1"])
    def test_nothing_in_it_is_a_formula(self, desk: Client, label: str) -> None:
        """A redeemer's e-mail, or a label, is the first thing in its cell where it names who did it."""
        a_fact(Actor("user", label))
        assert self.rows(desk)[-1][1] == f"'{label}"

    @pytest.mark.parametrize("label", ["ana;=1+1", "ana; =1+1", 'ana;"=1+1', 'a,"b;-1', "ana\n=1+1", "ana;\t@SUM(A1)"])
    def test_nor_where_a_spreadsheet_splits_at_semicolons(self, desk: Client, label: str) -> None:
        a_fact(Actor("user", label))
        answer = desk.post(f"{LIST}export/")
        text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
        rows = list(csv.reader(io.StringIO(text[1:]), delimiter=";"))
        assert [cell for row in rows for cell in row if cell.strip().startswith(("=", "-", "@"))] == []

    def test_looking_exports_nothing(self, desk: Client) -> None:
        assert desk.get(f"{LIST}export/").headers["Location"] == LIST
        assert not AuditEvent.objects.exists()

    @pytest.mark.parametrize("query", ["?nothing=1", "?p=99", "?days=x"])
    def test_a_mistyped_address_harms_nothing(self, desk: Client, query: str) -> None:
        a_fact()
        assert desk.post(f"{LIST}export/{query}").status_code in (200, 302)

    def test_it_wants_the_right(self, desk: Client, olga: User) -> None:
        User.objects.filter(pk=olga.pk).update(is_superuser=False)
        assert desk.post(f"{LIST}export/").status_code == 403
        assert not AuditEvent.objects.exists()

    def test_it_reads_piece_by_piece(
        self, desk: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
    ) -> None:
        monkeypatch.setattr(export, "AT_ONCE", 10)
        ids = [a_fact(id=str(number), label=str(number)).pk for number in range(35)]
        answer = desk.post(f"{LIST}export/?action=codes_made")
        pieces = iter(answer.streaming_content)  # type: ignore[attr-defined]
        next(pieces)
        with django_assert_num_queries(1):
            first = [next(pieces) for _number in range(10)]
        with django_assert_num_queries(3 + 1):
            rest = list(pieces)
        assert len(first + rest) == len(ids)

    def test_its_memory_does_not_grow(self, desk: Client) -> None:
        now = timezone.now()
        facts = [
            AuditEvent(
                at=now, actor_kind="user", actor=f"p{n}@example.com", action="x", object_kind="y", object_id=str(n)
            )
            for n in range(20_000)
        ]
        AuditEvent.objects.bulk_create(facts, batch_size=2_000)
        del facts
        answer = desk.post(f"{LIST}export/?action=x")
        gc.collect()
        tracemalloc.start()
        size = sum(len(piece) for piece in answer.streaming_content)  # type: ignore[attr-defined]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert size > 800_000
        assert peak < 6_000_000


class TestEmpty:
    def test_it_says_so(self, desk: Client) -> None:
        assert "There is no record yet." in text_of(desk)

    def test_a_search_without_a_hit_offers_the_way_back(self, desk: Client) -> None:
        text = text_of(desk, "?q=nobody")
        assert "No results found" in text
        assert "Reset filters" in text


class TestCost:
    def test_its_queries_do_not_grow(self, desk: Client, django_assert_max_num_queries: Any) -> None:
        counts = []
        for facts in (3, 27):
            for n in range(facts):
                events.codes_made(subject=events.Subject("batch", str(n), "x"), details={"size": n}, actor=OLGA)
            desk.get(LIST)  # fills what the process keeps
            with django_assert_max_num_queries(9) as asked:
                desk.get(LIST)
            counts.append(len(asked))
        assert counts[0] == counts[1]

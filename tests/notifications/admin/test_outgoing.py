"""The list of messages: what was sent, what was not, and sending it again."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django_q.models import OrmQ

from notifications.models import AuditEvent, Message
from tests.cast import a_team, noon

LIST = "/admin/notifications/message/"
NOW = noon()


@pytest.fixture(autouse=True)
def _noon(time_machine: Any) -> None:
    """The list is narrowed to days, and none ends while a test runs."""
    time_machine.move_to(NOW)


def a_message(event: str = "token_expired", **fields: Any) -> Message:
    values = {"channel": "bark", "context": {"team": "Shanghai"}, "created_at": NOW, "due_at": NOW}
    return Message.objects.create(event=event, dedupe_key=f"x:{Message.objects.count()}", **(values | fields))


def a_failed(**fields: Any) -> Message:
    return a_message(**({"state": "failed", "attempts": 6, "last_error": "HTTP 500"} | fields))


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return olga_client


@pytest.fixture
def clerk_desk(db: None) -> Client:
    """May see messages, and nothing else."""
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_message"))
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(clerk)
    return client


def text_of(desk: Client, query: str = "") -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", desk.get(LIST + query).content.decode()))


def count(desk: Client, query: str) -> int:
    return int(desk.get(LIST + query).context["cl"].result_count)


class TestList:
    def test_it_says_what_went_which_way_to_whom_and_how_far(self, desk: Client) -> None:
        a_message("mail_success", channel="email", recipient="ana@example.com")
        a_failed()
        a_message(attempts=2, due_at=NOW + timedelta(minutes=5))
        a_message(state="sent", attempts=1, sent_at=NOW)
        text = text_of(desk)
        assert re.search(r"Mail: invitation sent E-mail ana@example.com .{0,20}Waiting", text)
        assert re.search(r"Token expired Bark Shanghai .{0,12}Failed HTTP 500 6 Send again", text)
        assert re.search(r"Again at \d{4}-\d\d-\d\d \d\d:\d\d 2", text)
        assert re.search(r"Sent \d{4}-\d\d-\d\d \d\d:\d\d 1", text)

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", 4),
            ("?state=waiting", 1),
            ("?state=retry", 1),
            ("?state=sent", 1),
            ("?state=failed", 1),
            ("?channel=email", 1),
            ("?event=token_expired", 3),
            ("?days=1", 3),
            ("?days=30", 4),
            ("?q=ana@", 1),
            ("?q=nobody", 0),
        ],
    )
    def test_it_narrows_down(self, desk: Client, query: str, found: int) -> None:
        a_message("mail_success", channel="email", recipient="ana@example.com")
        a_failed()
        a_message(attempts=2)
        a_message(state="sent", attempts=1, sent_at=NOW, created_at=NOW - timedelta(days=3))
        assert count(desk, query) == found

    def test_an_empty_one_leads_to_the_settings(self, desk: Client) -> None:
        page = desk.get(LIST).content.decode()
        assert "There are no messages yet." in page
        assert '<a class="sk-button sk-main" href="/admin/settings/notices/">Set up notices</a>' in page

    def test_what_a_receiver_said_is_text(self, desk: Client) -> None:
        a_failed(last_error="<script>alert(1)</script>")
        assert "<script>alert(1)" not in desk.get(LIST).content.decode()

    def test_its_queries_do_not_grow(self, desk: Client, django_assert_max_num_queries: Any) -> None:
        counts = []
        for messages in (3, 27):
            for _number in range(messages):
                a_failed()
            desk.get(LIST)
            with django_assert_max_num_queries(12) as asked:
                desk.get(LIST)
            counts.append(len(asked))
        assert counts[0] == counts[1]

    def test_nothing_is_added_changed_or_deleted(self, desk: Client) -> None:
        message = a_failed()
        assert desk.post(f"{LIST}add/", {"event": "x"}).status_code == 403
        for page in ("change", "delete", "history"):
            assert desk.post(f"{LIST}{message.pk}/{page}/", {"event": "x", "post": "yes"}).status_code == 404
        desk.post(LIST, {"action": "delete_selected", "_selected_action": [message.pk], "post": "yes"})
        assert Message.objects.get().event == "token_expired"


class TestSendAgain:
    def test_one(self, desk: Client) -> None:
        message, other = a_failed(), a_failed()
        answer = desk.post(f"{LIST}{message.pk}/again/", {"next": f"{LIST}?state=failed"})
        assert answer.headers["Location"] == f"{LIST}?state=failed"
        message.refresh_from_db()
        other.refresh_from_db()
        assert (message.state, message.attempts, message.last_error) == ("waiting", 0, "")
        assert other.state == "failed"

    @pytest.mark.django_db(transaction=True)
    def test_it_rings_the_worker(self, desk: Client) -> None:
        message = a_failed()
        desk.post(f"{LIST}{message.pk}/again/")
        assert [row.task["func"] for row in OrmQ.objects.all()] == ["notifications.tasks.deliver"]

    def test_it_says_so_and_leaves_a_record(self, desk: Client) -> None:
        a_failed()
        answer = desk.post(f"{LIST}again/", follow=True)
        assert "1 message is sent again." in answer.content.decode()
        event = AuditEvent.objects.get()
        assert (event.action, event.actor, event.ip, event.details) == (
            "messages_sent_again",
            "olga",
            "127.0.0.1",
            {"messages": 1},
        )

    def test_the_chosen_ones(self, desk: Client) -> None:
        chosen = [a_failed().pk, a_failed().pk, a_message(state="sent", sent_at=NOW).pk]
        a_failed()
        answer = desk.post(LIST, {"action": "send_chosen_again", "_selected_action": chosen}, follow=True)
        assert "2 messages are sent again." in answer.content.decode()
        assert Message.objects.filter(state="failed").count() == 1
        assert Message.objects.filter(state="sent").count() == 1

    def test_all(self, desk: Client) -> None:
        a_failed()
        a_failed()
        a_message(state="sent", sent_at=NOW)
        assert desk.post(f"{LIST}again/", {"next": "/admin/"}).headers["Location"] == "/admin/"
        assert Message.objects.filter(state="waiting").count() == 2

    def test_none(self, desk: Client) -> None:
        message = a_message(state="sent", sent_at=NOW)
        answer = desk.post(f"{LIST}{message.pk}/again/", follow=True)
        assert "Nothing was sent: only failed messages can be sent again." in answer.content.decode()
        assert not AuditEvent.objects.exists()

    def test_looking_sends_nothing(self, desk: Client) -> None:
        message = a_failed()
        for address in (f"{LIST}again/", f"{LIST}{message.pk}/again/"):
            assert desk.get(address).headers["Location"] == LIST
        assert Message.objects.get().state == "failed"

    @pytest.mark.parametrize("back", ["https://example.com/", "//example.com", "javascript:alert(1)", ""])
    def test_it_leads_nowhere_else(self, desk: Client, back: str) -> None:
        assert desk.post(f"{LIST}again/", {"next": back}).headers["Location"] == LIST

    def test_it_wants_the_right(self, clerk_desk: Client) -> None:
        message = a_failed()
        assert "Send again" not in text_of(clerk_desk)
        for address in (f"{LIST}again/", f"{LIST}{message.pk}/again/"):
            assert clerk_desk.post(address).status_code == 403
        clerk_desk.post(LIST, {"action": "send_chosen_again", "_selected_action": [message.pk]})
        assert Message.objects.get().state == "failed"


class TestFirstScreen:
    def test_it_counts_them_and_sends_them_again(self, desk: Client) -> None:
        a_team()
        assert "not sent" not in desk.get("/admin/").content.decode()
        a_failed(created_at=NOW - timedelta(hours=2))
        a_failed()
        page = desk.get("/admin/").content.decode()
        assert "2 messages were not sent" in page
        assert "2 h ago" in page
        assert f'action="{LIST}again/"' in page
        desk.post(f"{LIST}again/", {"next": "/admin/"})
        assert "not sent" not in desk.get("/admin/").content.decode()

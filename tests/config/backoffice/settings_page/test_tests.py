"""The test buttons of the settings page, pressed against real servers on loopback: what arrives, and what is said."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from standardwebhooks.webhooks import Webhook as Verifier

from base.actors import command
from notifications.channels import email
from notifications.models import AuditEvent, Message, Setting
from notifications.settings import runtime
from tests.config.backoffice.settings_page.test_pages import HTMX, PAGE, errors, filled, text_of
from tests.notifications.receivers import PASSWORD, USER, Certificates, Mailbox, Receiver, http_receiver, mail_server

WHERE = pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "in place"])
AGAIN = "Type the password again: the stored one was meant for another server or user name."
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return olga_client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def mailbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    certificates = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.file))
    with mail_server(certificates.for_server()) as mailbox:
        yield mailbox


def store(values: dict[str, str]) -> None:
    runtime.change({f"notifications.{name}": value for name, value in values.items()}, actor=command("tests"))


def press(desk: Client, channel: str, typed: dict[str, str], headers: dict[str, str] | None = None) -> Any:
    section = "api" if channel == "webhook" else "notices"
    form = filled(desk, section) | {f"notifications.{name}": value for name, value in typed.items()}
    return desk.post(f"{PAGE}{section}/test/", form | {"channel": channel}, headers=headers or {})


def said(response: Any, channel: str) -> str:
    answer = text_of(response).split(f'id="answer-{channel}"')[1].split("</p>")[0]
    return " ".join(part.split(">")[-1].strip() for part in answer.split("</span>")[1:]).strip()


class TestWebhook:
    @WHERE
    def test_what_is_typed_is_tried_and_nothing_stored(
        self, desk: Client, receiver: Receiver, headers: dict[str, str]
    ) -> None:
        typed = {"webhook_url": f"{receiver.url}/low", "webhook_secret": SECRET, "webhook_allow_private": "on"}
        response = press(desk, "webhook", typed, headers)
        assert said(response, "webhook") == "Delivered Not saved yet."
        (post,) = receiver.posts
        assert post.body["event"] == "test"
        assert set(post.body) == {"event", "current_seats", "threshold", "message"}
        Verifier(SECRET).verify(post.raw, post.headers)
        assert SECRET not in text_of(response)
        assert not Setting.objects.exists()
        assert not AuditEvent.objects.exists()
        assert not Message.objects.exists()

    def test_what_is_stored_is_tried_without_typing_the_secret_again(self, desk: Client, receiver: Receiver) -> None:
        store({"webhook_url": f"{receiver.url}/low", "webhook_secret": SECRET, "webhook_allow_private": "on"})
        assert said(press(desk, "webhook", {}), "webhook") == "Delivered"
        Verifier(SECRET).verify(receiver.posts[0].raw, receiver.posts[0].headers)

    def test_the_reason_is_in_words(self, desk: Client, receiver: Receiver) -> None:
        receiver.answers = [500]
        store({"webhook_url": f"{receiver.url}/low", "webhook_allow_private": "on"})
        assert "HTTP 500" in said(press(desk, "webhook", {}), "webhook")

    def test_private_addresses_stay_closed_until_they_are_allowed(self, desk: Client, receiver: Receiver) -> None:
        https = receiver.url.replace("http:", "https:")
        response = press(desk, "webhook", {"webhook_url": f"{https}/low"}, HTMX)
        assert "Private addresses are not allowed." in said(response, "webhook")
        assert receiver.posts == []

    @WHERE
    def test_a_field_that_is_wrong_is_named(self, desk: Client, headers: dict[str, str]) -> None:
        response = press(desk, "webhook", {"low_stock_threshold": "many"}, headers)
        assert said(response, "webhook").startswith("Threshold: ")
        if not headers:
            assert errors(response) == {"notifications.low_stock_threshold": "Write a whole number."}
            assert 'value="many"' in text_of(response)

    def test_with_nothing_set_it_says_so(self, desk: Client) -> None:
        assert said(press(desk, "webhook", {}), "webhook") == "Not set up yet."

    def test_it_answers_within_ten_seconds(self, desk: Client, receiver: Receiver) -> None:
        release = threading.Event()
        receiver.answers = [lambda _post: 200 if release.wait(60) else 500]
        store({"webhook_url": f"{receiver.url}/low", "webhook_allow_private": "on"})
        begun = time.perf_counter()
        answer = said(press(desk, "webhook", {}, HTMX), "webhook")
        assert time.perf_counter() - begun < 30
        release.set()
        assert answer
        assert answer != "Delivered"


class TestBark:
    def test_it_pushes_to_the_phone(self, desk: Client, receiver: Receiver) -> None:
        receiver.answers = [(200, b'{"code":200,"message":"success"}')]
        response = press(desk, "bark", {"bark_url": f"{receiver.url}/DeviceKey123"}, HTMX)
        assert said(response, "bark") == "Delivered Not saved yet."
        assert receiver.posts[0].body["device_key"] == "DeviceKey123"
        assert "DeviceKey123" not in text_of(response)

    def test_the_reason_holds_no_key(self, desk: Client, receiver: Receiver) -> None:
        receiver.answers = [(400, b'{"code":400,"message":"failed to get DeviceKey123"}')]
        response = press(desk, "bark", {"bark_url": f"{receiver.url}/DeviceKey123"})
        assert "failed to get" in said(response, "bark")
        assert "DeviceKey123" not in text_of(response)


class TestMail:
    def typed(self, mailbox: Mailbox, **others: str) -> dict[str, str]:
        return {
            "smtp_host": "localhost",
            "smtp_port": str(mailbox.port),
            "smtp_user": USER,
            "smtp_password": PASSWORD,
            **others,
        }

    @WHERE
    def test_it_goes_to_the_operator(self, desk: Client, mailbox: Mailbox, headers: dict[str, str]) -> None:
        response = press(desk, "email", self.typed(mailbox, operator_email="olga@example.com"), headers)
        assert said(response, "email") == "Delivered Not saved yet."
        assert mailbox.recipients == [["olga@example.com"]]
        assert PASSWORD not in text_of(response)

    def test_or_to_the_sender_itself(self, desk: Client, mailbox: Mailbox) -> None:
        press(desk, "email", self.typed(mailbox))
        assert mailbox.recipients == [[USER]]

    def test_a_wrong_password_is_said_and_not_repeated(self, desk: Client, mailbox: Mailbox) -> None:
        response = press(desk, "email", self.typed(mailbox, smtp_password="wrong-7d1f0c52"))
        assert "Wrong user name or password" in said(response, "email")
        assert "wrong-7d1f0c52" not in text_of(response)
        assert not email.PASSWORD.get()

    def test_nobody_there_is_said(self, desk: Client, mailbox: Mailbox) -> None:
        answer = said(press(desk, "email", self.typed(mailbox, smtp_host="127.0.0.1", smtp_port="9")), "email")
        assert answer
        assert "Delivered" not in answer

    def test_the_form_keeps_what_was_typed(self, desk: Client, mailbox: Mailbox) -> None:
        response = press(desk, "email", self.typed(mailbox))
        assert f'value="{USER}"' in text_of(response)
        assert "Type it again" in text_of(response)
        assert errors(response) == {}

    @pytest.mark.parametrize("elsewhere", [{"smtp_host": "localhost"}, {"smtp_user": USER}], ids=["server", "user"])
    def test_a_stored_password_goes_to_no_other_server_or_name(
        self, desk: Client, mailbox: Mailbox, elsewhere: dict[str, str]
    ) -> None:
        """Whoever may change the settings may not read the password, nor have it sent somewhere."""
        store(self.typed(mailbox, smtp_host="smtp.example.com", smtp_user="olga@example.com"))
        store({"smtp_host": "localhost"} if "smtp_user" in elsewhere else {"smtp_user": USER})
        response = press(desk, "email", elsewhere)
        assert said(response, "email") == f"Password: {AGAIN} Not saved yet."
        assert errors(response) == {email.PASSWORD.key: AGAIN}
        assert mailbox.recipients == []
        form = filled(desk, "notices") | {f"notifications.{name}": value for name, value in elsewhere.items()}
        response = desk.post(f"{PAGE}notices/", form)
        assert errors(response) == {email.PASSWORD.key: AGAIN}
        assert email.HOST.get() == ("smtp.example.com" if "smtp_host" in elsewhere else "localhost")

    def test_typed_again_it_goes_there(self, desk: Client, mailbox: Mailbox) -> None:
        store(self.typed(mailbox, smtp_host="smtp.example.com"))
        assert said(press(desk, "email", self.typed(mailbox)), "email") == "Delivered Not saved yet."

    def test_to_send_no_mail_any_more_takes_no_password(self, desk: Client, mailbox: Mailbox) -> None:
        store(self.typed(mailbox))
        form = filled(desk, "notices") | {"notifications.smtp_host": ""}
        assert errors(desk.post(f"{PAGE}notices/", form)) == {}
        assert not email.HOST.get()

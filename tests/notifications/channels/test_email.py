"""Mail, to a real server on loopback: SSL, STARTTLS, what it says when it refuses, and what is never sent."""

from __future__ import annotations

import socket
import time
import uuid

import pytest
from django.utils.translation import override

from notifications.channels.email import Email
from notifications.channels.result import NotDelivered
from notifications.models import Message
from tests.cast import ANA
from tests.notifications.conftest import settle, use_mail
from tests.notifications.receivers import PASSWORD, USER, Mailbox, mail_server

pytestmark = pytest.mark.django_db


def a_mail(event: str = "mail_success", recipient: str = ANA, **fields) -> Message:
    context = {"email": ANA, "status_path": "/r/Q4RT6HZN/", "ends_at": ""}
    return Message(channel="email", **{"event": event, "recipient": recipient, "context": context} | fields)


def refused(message: Message | None = None) -> NotDelivered:
    channel = Email.stored()
    with pytest.raises(NotDelivered) as caught, override("en"):
        channel.send(message or a_mail())
    channel.close()
    return caught.value


def sent(mailbox: Mailbox, message: Message):
    channel = Email.stored()
    channel.send(message)
    channel.close()
    return mailbox.mails[-1]


class TestSend:
    def test_it_goes_over_ssl(self, mailbox):
        mail = sent(mailbox, a_mail())
        assert mailbox.recipients == [[ANA]]
        assert mail["From"] == "席位 <desk@seats.example>"
        assert mail["To"] == ANA
        assert mailbox.logins == 1

    def test_it_goes_over_starttls(self, certificates, trusted):
        with mail_server(certificates.for_server(), security="starttls") as mailbox:
            use_mail(mailbox, smtp_security="starttls")
            assert sent(mailbox, a_mail())["To"] == ANA

    def test_it_holds_text_and_html(self, mailbox):
        settle(public_url="https://seats.example.com")
        mail = sent(mailbox, a_mail())
        assert mail["Subject"] == "你的 ChatGPT Team 邀请"
        text, html = (part.get_content() for part in mail.iter_parts())
        assert "进度：https://seats.example.com/r/Q4RT6HZN/" in text
        assert '<a href="https://seats.example.com/r/Q4RT6HZN/">' in html

    def test_the_same_message_has_the_same_id_at_every_try(self, mailbox):
        message = a_mail(uid=uuid.uuid4())
        ids = {sent(mailbox, message)["Message-ID"] for _ in range(2)}
        assert ids == {f"<{message.uid}@seats.example>"}

    def test_it_stays_connected_from_one_mail_to_the_next(self, mailbox):
        channel = Email.stored()
        for _ in range(3):
            channel.send(a_mail())
        channel.close()
        assert len(mailbox.mails) == 3
        assert mailbox.logins == 1

    def test_it_connects_anew_when_the_server_hung_up(self, mailbox):
        channel = Email.stored()
        channel.send(a_mail())
        channel._server.line.sock.shutdown(socket.SHUT_RDWR)
        channel.send(a_mail())
        channel.close()
        assert len(mailbox.mails) == 2

    def test_the_user_name_is_the_sender_unless_there_is_one(self, mailbox):
        settle(smtp_sender="")
        assert sent(mailbox, a_mail())["From"] == USER


class TestHeaders:
    @pytest.mark.parametrize("recipient", [f"{ANA}\r\nBcc: sam@example.com", f"{ANA}, sam@example.com", "nobody", ""])
    def test_nobody_else_becomes_a_recipient(self, mailbox, recipient):
        assert refused(a_mail(recipient=recipient)).is_final
        assert mailbox.mails == []

    def test_a_line_break_in_what_a_stranger_typed_stays_in_its_header(self, mailbox):
        """The notice of a lock-out goes out all the same."""
        context = {"username": "x\r\nBcc: sam@example.com", "ip": "192.0.2.1"}
        mail = sent(mailbox, a_mail("operator_locked_out", context=context))
        assert mail["Bcc"] is None
        assert mailbox.recipients == [[ANA]]
        assert "Bcc: sam@example.com" in mail["Subject"]

    def test_an_address_a_stranger_typed_is_no_link(self, mailbox):
        context = {"username": "https://evil.example/<b>", "ip": "192.0.2.1"}
        mail = sent(mailbox, a_mail("operator_locked_out", context=context))
        html = mail.get_body(("html",)).get_content()
        assert "href" not in html
        assert "&lt;b&gt;" in html


class TestRefusals:
    def test_a_wrong_password_is_told_in_the_servers_words_without_it(self, mailbox):
        settle(smtp_password="wrong-pa55word")
        failure = refused()
        assert failure.reason == "Wrong user name or password: 535 5.7.8 bad password … for you"
        assert failure.channel_is_down

    def test_a_certificate_nobody_vouches_for_is_refused(self, certificates, db):
        with mail_server(certificates.for_server()) as mailbox:
            use_mail(mailbox)
            assert refused().reason.startswith("The certificate is not valid: ")
            assert mailbox.logins == 0

    def test_a_certificate_for_another_name_is_refused(self, certificates, trusted):
        with mail_server(certificates.for_server("elsewhere.example")) as mailbox:
            use_mail(mailbox)
            assert "Hostname mismatch" in refused().reason
            assert mailbox.logins == 0

    @pytest.mark.parametrize("names", [[], ["elsewhere.example"]])
    def test_so_it_is_with_starttls(self, certificates, names, monkeypatch):
        if names:
            monkeypatch.setenv("SSL_CERT_FILE", str(certificates.file))
        with mail_server(certificates.for_server(*names), security="starttls") as mailbox:
            use_mail(mailbox, smtp_security="starttls")
            assert refused().reason.startswith("The certificate is not valid: ")
            assert mailbox.logins == 0

    def test_a_server_without_encryption_gets_no_password(self, certificates):
        with mail_server(certificates.for_server(), security="none") as mailbox:
            use_mail(mailbox, smtp_security="starttls")
            assert "465 goes with SSL" in refused().reason
            assert mailbox.logins == 0

    def test_ssl_on_a_port_without_it(self, certificates, trusted):
        with mail_server(certificates.for_server(), security="starttls") as mailbox:
            use_mail(mailbox)
            assert refused().reason == "The server cannot be reached: it does not speak TLS on this port"

    def test_nobody_there(self, mailbox):
        settle(smtp_port="1")
        assert refused().reason == "The server cannot be reached: nothing answers on this port"

    def test_no_such_name(self, mailbox):
        settle(smtp_host="nobody.invalid")
        assert refused().reason == "The server cannot be reached: no such name"

    def test_an_address_the_server_does_not_know_is_final(self, mailbox):
        mailbox.says_to_recipient = "550 5.1.1 no such user"
        failure = refused()
        assert failure.reason == "The server refuses this address: 550 5.1.1 no such user"
        assert failure.is_final
        assert not failure.channel_is_down

    def test_an_address_it_wants_to_wait_for_is_tried_again(self, mailbox):
        mailbox.says_to_recipient = "451 4.7.1 greylisted"
        assert not refused().is_final

    def test_a_mail_it_does_not_want_is_told_in_its_words(self, mailbox):
        mailbox.says_to_mail = "554 5.7.1 looks like spam"
        assert refused().reason == "554 5.7.1 looks like spam"

    def test_a_server_that_says_nothing_is_left_in_time(self, trusted, db, monkeypatch):
        monkeypatch.setattr("notifications.channels.transport.connecting.WHOLE_CALL", 0.5)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            use_mail(Mailbox(port=silent.getsockname()[1]))
            began = time.monotonic()
            assert refused().reason.startswith("No answer within")
            assert time.monotonic() - began < 30

    def test_no_password_is_told_or_kept(self, mailbox):
        mailbox.says_to_mail = f"554 {PASSWORD} rejected"
        assert PASSWORD not in refused().reason


class TestTest:
    def test_it_goes_to_the_operator(self, mailbox):
        settle(operator_email="olga@example.com")
        assert Email.stored().test().is_delivered
        assert mailbox.recipients == [["olga@example.com"]]

    def test_it_goes_to_the_sender_when_there_is_no_other_address(self, mailbox):
        result = Email.stored().test()
        assert result.is_delivered
        assert mailbox.recipients == [["desk@seats.example"]]

    def test_it_says_what_is_wrong(self, mailbox):
        settle(smtp_password="wrong-pa55word")
        result = Email.stored().test()
        assert not result.is_delivered
        assert "wrong-pa55word" not in result.words

    def test_it_says_that_nothing_is_set_up(self, db):
        with override("en"):
            assert Email.stored().test().words == "Not set up yet."

    def test_it_stores_nothing(self, mailbox):
        Email.stored().test()
        assert not Message.objects.exists()

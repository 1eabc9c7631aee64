"""The webhook, to a real receiver: the documented body and nothing more, signed; where it never goes."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import threading
import time
import uuid

import pytest
from django.utils.translation import override
from standardwebhooks.webhooks import Webhook as Verifier

from base.actors import command
from base.addresses import is_private
from notifications.channels.result import NotDelivered
from notifications.channels.transport import connecting
from notifications.channels.webhook import Webhook
from notifications.models import Message
from notifications.settings.runtime import BadSetting, change
from tests.notifications.conftest import settle
from tests.notifications.receivers import http_receiver

BODY = {"event": "low_stock", "current_seats": 5, "threshold": 10, "message": "库存不足预警：仅剩 5"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def a_notice(**fields) -> Message:
    return Message(channel="webhook", event="low_stock", **{"context": BODY} | fields)


def refused() -> NotDelivered:
    with pytest.raises(NotDelivered) as caught, override("en"):
        Webhook.stored().send(a_notice())
    return caught.value


class TestSend:
    def test_it_posts_the_four_keys_and_no_other(self, webhook):
        Webhook.stored().send(a_notice(context=BODY | {"api_key": "sk_never"}))
        post = webhook.posts[0]
        assert post.path == "/low"
        assert list(json.loads(post.raw)) == ["event", "current_seats", "threshold", "message"]
        assert post.body == BODY
        assert post.headers["content-type"] == "application/json"
        assert "sk_never" not in str(post)

    @pytest.mark.parametrize(("secret", "key"), [(SECRET, SECRET), ("just a text", b"just a text")])
    def test_the_signature_is_good(self, webhook, secret, key):
        settle(webhook_secret=secret)
        message = a_notice(uid=uuid.uuid4())
        Webhook.stored().send(message)
        post = webhook.posts[0]
        assert Verifier(key).verify(post.raw, post.headers) == BODY
        assert post.headers["webhook-id"] == str(message.uid)

    def test_without_a_secret_there_is_no_signature(self, webhook):
        Webhook.stored().send(a_notice())
        assert "webhook-signature" not in webhook.posts[0].headers
        assert webhook.ids[0]

    def test_the_same_message_has_the_same_id_at_every_try(self, webhook):
        message = a_notice(uid=uuid.uuid4())
        for _ in range(2):
            Webhook.stored().send(message)
        assert webhook.ids == [str(message.uid)] * 2

    def test_the_query_and_the_path_arrive_as_written(self, webhook):
        settle(webhook_url=f"{webhook.url}/a%2Fb/库存?k=v%20w&x=1")
        Webhook.stored().send(a_notice())
        assert webhook.posts[0].path == "/a%2Fb/%E5%BA%93%E5%AD%98?k=v%20w&x=1"

    def test_https_is_verified(self, certificates, trusted, db):
        with http_receiver(certificates.for_server()) as receiver:
            settle(webhook_url=receiver.url, webhook_allow_private="on")
            Webhook.stored().send(a_notice())
            assert receiver.posts[0].body == BODY

    @pytest.mark.parametrize("names", [[], ["elsewhere.example"]])
    def test_a_bad_certificate_gets_nothing(self, certificates, names, monkeypatch, db):
        if names:
            monkeypatch.setenv("SSL_CERT_FILE", str(certificates.file))
        with http_receiver(certificates.for_server(*names)) as receiver:
            settle(webhook_url=receiver.url, webhook_allow_private="on")
            assert refused().reason.startswith("The certificate is not valid: ")
            assert receiver.posts == []


@pytest.fixture
def dripping(db, monkeypatch):
    """A receiver that says `start` at once and then a byte now and then, and is never done."""
    monkeypatch.setattr(connecting, "WHOLE_CALL", 1.0)
    over = threading.Event()

    def drip(server: socket.socket, start: bytes) -> None:
        with contextlib.suppress(OSError), server.accept()[0] as line:
            line.sendall(start)
            while not over.wait(0.2):
                line.sendall(b"x")

    def begin(start: bytes) -> None:
        threading.Thread(target=drip, args=(server, start), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        settle(webhook_url=f"http://127.0.0.1:{server.getsockname()[1]}", webhook_allow_private="on")
        yield begin
        over.set()


class TestRefusals:
    @pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500, 503])
    def test_any_status_but_2xx(self, webhook, status):
        webhook.answers = [status]
        assert refused().reason == f"HTTP {status}"

    @pytest.mark.parametrize("status", [301, 302, 307, 308])
    def test_no_redirect_is_followed(self, webhook, status):
        with http_receiver() as elsewhere:
            webhook.answers, webhook.location = [status], elsewhere.url
            assert "redirects" in refused().reason
            assert elsewhere.posts == []
        assert len(webhook.posts) == 1

    def test_a_receiver_that_hangs_up(self, webhook):
        webhook.answers = [0]
        assert refused().reason == "The server broke the connection off"

    def test_a_receiver_that_hangs_is_left_in_time(self, webhook, monkeypatch):
        monkeypatch.setattr(connecting, "WHOLE_CALL", 0.5)
        release = threading.Event()
        webhook.answers = [lambda _post: 200 if release.wait(20) else 500]
        began = time.monotonic()
        assert refused().reason.startswith("No answer within")
        assert time.monotonic() - began < 15
        release.set()

    def test_a_receiver_that_drips_is_left_in_time(self, dripping):
        """A timeout of the socket alone starts anew with every byte."""
        dripping(b"HTTP/1.1 ")
        began = time.monotonic()
        assert refused().reason.startswith("No answer within")
        assert time.monotonic() - began < 30

    def test_one_that_took_it_and_then_drips_has_taken_it(self, dripping):
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        began = time.monotonic()
        Webhook.stored().send(a_notice())
        assert time.monotonic() - began < 30

    def test_nobody_there(self, db):
        settle(webhook_url="http://127.0.0.1:1", webhook_allow_private="on")
        assert refused().reason == "The server cannot be reached: nothing answers on this port"


class TestInside:
    """Addresses inside are refused unless allowed: at the name's answer, not by its spelling."""

    @pytest.mark.parametrize(
        "url", ["https://localhost/x", "https://127.0.0.1/x", "https://[::1]/x", "https://10.0.0.8"]
    )
    def test_it_is_refused_when_set(self, db, url):
        with pytest.raises(BadSetting, match=r"notifications\.webhook_url"):
            settle(webhook_url=url)

    def test_http_is_refused_when_set(self, db):
        with pytest.raises(BadSetting, match=r"https"):
            settle(webhook_url="http://example.com/x")

    def test_disallowing_it_is_refused_while_such_an_address_is_set(self, webhook):
        with pytest.raises(BadSetting):
            settle(webhook_allow_private="off")

    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.100.100.200",
            "0.0.0.0",
            "224.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "fd00::1",
            "::",
            "ff02::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
        ],
    )
    def test_what_lies_inside(self, address):
        assert is_private(ipaddress.ip_address(address))

    @pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808"])
    def test_what_lies_outside(self, address):
        assert not is_private(ipaddress.ip_address(address))

    @pytest.mark.parametrize("answers", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["169.254.169.254"], ["::1"]])
    def test_a_name_that_leads_inside_is_refused(self, db, monkeypatch, answers):
        with http_receiver() as receiver:
            port = int(receiver.url.rpartition(":")[2])
            monkeypatch.setattr(socket, "getaddrinfo", answering(answers, port))
            settle(webhook_url=f"https://outside.example:{port}/x")
            assert refused().reason == "Private addresses are not allowed."
            assert receiver.posts == []

    def test_it_connects_to_the_address_that_was_checked(self, db, monkeypatch):
        """The name answers an address that passes first, another one later: only the first is ever used."""
        asked = []
        with http_receiver() as checked, http_receiver() as rebound:
            ports = [int(one.url.rpartition(":")[2]) for one in (checked, rebound)]

            def answer(*args, **kwargs):
                asked.append(args)
                return answering(["127.0.0.1"], ports[min(len(asked) - 1, 1)])()

            monkeypatch.setattr(socket, "getaddrinfo", answer)
            settle(webhook_url="http://outside.example/x", webhook_allow_private="on")
            Webhook.stored().send(a_notice())
            assert (len(checked.posts), len(rebound.posts), len(asked)) == (1, 0, 1)
            assert checked.posts[0].headers["host"] == "outside.example"

    def test_plain_http_is_not_spoken_even_when_it_was_stored(self, webhook):
        change({"notifications.webhook_url": ""}, actor=command("test"))
        settle(webhook_allow_private="off")
        channel = Webhook.stored()
        channel.values = {**channel.values, "notifications.webhook_url": webhook.url}
        with pytest.raises(NotDelivered):
            channel.send(a_notice())
        assert webhook.posts == []


def answering(addresses: list[str], port: int):
    def answer(*_args, **_kwargs):
        found = []
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            where = (address, port, 0, 0) if ":" in address else (address, port)
            found.append((family, socket.SOCK_STREAM, 6, "", where))
        return found

    return answer


class TestTest:
    def test_it_says_that_it_arrived(self, webhook):
        assert Webhook.stored().test().is_delivered
        assert set(webhook.posts[0].body) == set(BODY)
        assert webhook.posts[0].body["event"] == "test"

    def test_it_says_what_is_wrong(self, webhook):
        webhook.answers = [500]
        assert Webhook.stored().test().words == "HTTP 500"

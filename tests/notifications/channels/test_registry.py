"""A new channel, added as a newcomer would: its settings, its class and its name in the registry, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from base.actors import job
from config.service import doctor
from notifications import ways
from notifications.audit import events
from notifications.channels import registry
from notifications.channels.channel import Channel
from notifications.channels.transport import posting
from notifications.models import Message
from notifications.sending import deliver
from notifications.settings import checks, runtime
from notifications.settings.fields import Field, Group
from notifications.settings.runtime import RuntimeSetting, declare
from notifications.texts import notices
from tests.notifications.conftest import settle
from tests.notifications.receivers import Receiver, http_receiver

pytestmark = pytest.mark.django_db(transaction=True)
PAGE, LIST = "/admin/settings/notices/", "/admin/notifications/message/"


def a_new_channel() -> type[Channel]:
    """The module a newcomer would write. It has several receivers: one for each number."""
    url = declare(RuntimeSetting("notifications.pager_url", "", check=checks.web_address))
    numbers = declare(RuntimeSetting("notifications.pager_numbers", "", check=checks.one_line))

    class Pager(Channel):
        name = prefix = "pager"
        title = "pager"
        needs = (url.key, numbers.key)
        group = Group(
            title="Pager",
            rows=(Field(url, "Server of the pagers"), Field(numbers, "Numbers", help="With a blank between them.")),
            channel=name,
        )

        @classmethod
        def receivers(cls, event: str, stored: ways.Stored) -> dict[str, str]:
            told = super().receivers(event, stored)
            return {f"{key}:{number}": number for key in told for number in stored[numbers.key].split()}

        def send(self, message: Message) -> None:
            text = notices.line(message.event, message.context)
            body = json.dumps({"to": message.recipient, "text": text, "id": str(message.uid)}).encode()
            answer = posting.post(self[url], body, {}, may_be_private=True)
            posting.refuse_unless_taken(answer)

        def reach(self) -> str:
            return posting.reach(self[url], may_be_private=True)

    return Pager


@pytest.fixture
def pager(monkeypatch: pytest.MonkeyPatch) -> type[Channel]:
    monkeypatch.setattr(runtime, "_DECLARED", dict(runtime.declared()))
    channel = a_new_channel()
    monkeypatch.setitem(registry.CHANNELS, channel.name, channel)
    return channel


@pytest.fixture
def tower(pager: type[Channel]) -> Iterator[Receiver]:
    """The server of the pagers, set up for two numbers."""
    with http_receiver() as receiver:
        settle(pager_url=receiver.url, pager_numbers="11 22", operator_language="en")
        yield receiver


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return olga_client


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def a_fact() -> None:
    events.list_untrusted(subject=events.Subject("team", "7", "Shanghai"), problem="twins", actor=job("test"))


def drain() -> int:
    return deliver.drain(timezone.now() + deliver.SLICE)


class TestOnThePageOfTheSettings:
    def test_its_fields_are_shown_and_saved(self, desk: Client, tower: Receiver) -> None:
        page = desk.get(PAGE).content.decode()
        assert ">Pager</h3>" in page
        assert "With a blank between them." in page
        assert desk.post(PAGE, {"notifications.pager_numbers": "33"}).status_code == 302
        assert runtime.find("notifications.pager_numbers").get() == "33"

    def test_its_button_sends_a_test(self, desk: Client, tower: Receiver) -> None:
        assert 'id="test-pager"' in desk.get(PAGE).content.decode()
        assert "Delivered" in text_of(desk.post(f"{PAGE}test/", {"channel": "pager"}))
        assert tower.posts[0].body["text"] == "This is a test. There is nothing to do."

    def test_without_its_name_in_the_registry_there_is_nothing(self, desk: Client, monkeypatch: Any) -> None:
        monkeypatch.setattr(runtime, "_DECLARED", dict(runtime.declared()))
        a_new_channel()
        settle(pager_url="http://127.0.0.1:9/", pager_numbers="11")
        a_fact()
        assert not Message.objects.exists()
        assert "Pager" not in desk.get(PAGE).content.decode()
        assert desk.post(f"{PAGE}test/", {"channel": "pager"}).status_code == 404


class TestFromTheFactToTheReceiver:
    def test_each_of_its_receivers_is_told_once(self, tower: Receiver) -> None:
        a_fact()
        assert list(Message.objects.order_by("pk").values_list("channel", "recipient")) == [
            ("pager", "11"),
            ("pager", "22"),
        ]
        assert drain() == 2
        assert sorted(post.body["to"] for post in tower.posts) == ["11", "22"]
        assert {post.body["text"] for post in tower.posts} == {
            "The list of people of Shanghai cannot be its own; it takes no one"
        }

    def test_not_of_what_operators_did_not_tick(self, tower: Receiver) -> None:
        settle(tell_list_untrusted="off")
        a_fact()
        assert not Message.objects.exists()

    def test_not_while_it_is_half_set_up(self, tower: Receiver) -> None:
        settle(pager_numbers="")
        a_fact()
        assert not Message.objects.exists()

    def test_a_failure_is_retried_and_stands_in_the_list_of_messages(self, tower: Receiver, desk: Client) -> None:
        settle(pager_numbers="11")
        tower.answers = [500, 200]
        with time_machine.travel(timezone.now(), tick=False) as clock:
            a_fact()
            assert drain() == 0
            row = text_of(desk.get(f"{LIST}?channel=pager"))
            assert re.search(r"List not trusted Pager 11 .*Again at .* HTTP 500 1 ", row), row
            clock.shift(timedelta(minutes=1))
            assert drain() == 1
        assert [post.body["id"] for post in tower.posts] == [str(Message.objects.get().uid)] * 2

    def test_a_setting_put_right_is_tried_at_once(self, tower: Receiver) -> None:
        tower.answers = [500, 500, 200]
        a_fact()
        assert drain() == 0
        runtime.change({"notifications.pager_url": f"{tower.url}/there"}, actor=job("test"))
        assert drain() == 2

    def test_that_it_fails_is_told_by_the_others_in_its_name(self, tower: Receiver, phone: Receiver) -> None:
        settle(pager_numbers="11", bark_url="", operator_language="en")
        a_fact()
        settle(bark_url=f"{phone.url}/DeviceKey123")
        tower.answers = [500]
        Message.objects.update(attempts=5)
        drain()
        drain()
        assert phone.posts[-1].body["body"] == "Notices by pager do not get through: HTTP 500"


class TestOnTheServer:
    def test_doctor_connects_to_it(self, tower: Receiver) -> None:
        (answer,) = doctor.notices.look_outside(timezone.now())
        assert (answer.check, answer.level) == ("pager", "ok")
        settle(pager_url="http://127.0.0.1:9/")
        (answer,) = doctor.notices.look_outside(timezone.now())
        assert (answer.check, answer.level) == ("pager", "failed")
        assert answer.advice

    def test_config_knows_its_settings(self, pager: type[Channel], capsys: Any) -> None:
        call_command("config", "set", "notifications.pager_numbers=11 22")
        call_command("config", "list")
        assert "notifications.pager_numbers=11 22" in capsys.readouterr().out
        with pytest.raises(CommandError, match=r"notifications\.pager_url"):
            call_command("config", "set", "notifications.pager_url=no address")


@pytest.mark.parametrize("channel", registry.CHANNELS.values(), ids=list(registry.CHANNELS))
def test_each_asks_only_for_settings_that_are_declared(channel: type[Channel]) -> None:
    assert {*channel.needs, *channel.also} <= set(runtime.declared())
    assert channel.group.channel == channel.name
    assert any(field.key.startswith(f"notifications.{channel.prefix}_") for field in channel.group.fields)

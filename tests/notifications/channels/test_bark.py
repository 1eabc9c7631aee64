"""Pushes, to a server that speaks Bark's API."""

from __future__ import annotations

import uuid

import pytest
from django.utils.translation import override

from notifications.channels.bark import Bark, checked_url
from notifications.channels.result import NotDelivered
from notifications.models import Message, Setting
from tests.notifications.conftest import settle
from tests.notifications.receivers import http_receiver

KEY = "DeviceKey123"


def a_push(**fields) -> Message:
    context = {"owner": "omar@example.com", "teams": 2}
    return Message(channel="bark", **{"event": "login_expired", "context": context} | fields)


def refused() -> NotDelivered:
    with pytest.raises(NotDelivered) as caught, override("en"):
        Bark.stored().send(a_push())
    return caught.value


class TestSend:
    def test_it_pushes_the_line_of_the_first_screen(self, phone):
        message = a_push(uid=uuid.uuid4())
        Bark.stored().send(message)
        (post,) = phone.posts
        assert post.path == "/push"
        assert post.body == {
            "device_key": KEY,
            "title": "席位管家",
            "body": "母号 omar@example.com 登录已失效，2 个 Team 已停止分配",
            "group": "seatkeeper",
            "level": "active",
            "id": str(message.uid),
        }

    def test_level_sound_and_link_are_as_set(self, phone):
        settle(bark_level="timeSensitive", bark_sound="minuet", public_url="https://seats.example.com")
        Bark.stored().send(a_push())
        body = phone.posts[0].body
        assert (body["level"], body["sound"]) == ("timeSensitive", "minuet")
        assert body["url"] == "https://seats.example.com/admin/"

    def test_it_speaks_the_operators_language(self, phone):
        Bark.stored().send(a_push(language="en"))
        assert phone.posts[0].body["body"] == "Login of omar@example.com expired; 2 Teams take no one"

    def test_a_server_of_ones_own_may_stand_below_a_path(self, phone):
        settle(bark_url=f"{phone.url}/bark/{KEY}")
        Bark.stored().send(a_push())
        assert phone.posts[0].path == "/bark/push"

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            ((400, b'{"code":400,"message":"device key is empty"}'), "HTTP 400 device key is empty"),
            ((200, b'{"code":500,"message":"push failed: DeviceKey123"}'), "HTTP 200 push failed: …"),
            ((502, b"<html>"), "HTTP 502"),
        ],
    )
    def test_it_tells_the_servers_words_without_the_key(self, phone, answer, reason):
        phone.answers = [answer]
        assert refused().reason == reason

    def test_no_redirect_is_followed(self, phone):
        with http_receiver() as elsewhere:
            phone.answers, phone.location = [307], elsewhere.url
            assert "redirects" in refused().reason
            assert elsewhere.posts == []


class TestAddress:
    @pytest.mark.parametrize(
        ("typed", "stored"),
        [
            ("https://api.day.app/KEY", "https://api.day.app/KEY"),
            ("https://api.day.app/KEY/这里改成你自己的推送内容", "https://api.day.app/KEY"),
            (" https://api.day.app/KEY/?icon=x ", "https://api.day.app/KEY"),
            ("http://192.168.1.2:8080/bark/KEY/", "http://192.168.1.2:8080/bark/KEY"),
        ],
    )
    def test_it_is_taken_as_the_app_shows_it(self, typed, stored):
        assert checked_url(typed) == stored

    @pytest.mark.parametrize("typed", ["https://api.day.app/", "api.day.app/KEY", "ftp://x/KEY", "https://u:p@x/KEY"])
    def test_it_refuses_what_cannot_be_one(self, typed):
        with pytest.raises(ValueError, match=r"\w"):
            checked_url(typed)

    def test_it_is_encrypted_at_rest(self, phone):
        row = Setting.objects.get(key="notifications.bark_url")
        assert row.secret == f"{phone.url}/{KEY}"
        assert row.value == ""


def test_a_test_pushes_a_sample(phone):
    assert Bark.stored().test().is_delivered
    assert phone.posts[0].body["body"] == "这是一条测试，不用处理。"

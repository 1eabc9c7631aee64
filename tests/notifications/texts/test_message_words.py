"""What the operator reads of a message."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import translation

from notifications import topics
from notifications.models import Message
from notifications.texts import message_words

pytestmark = pytest.mark.usefixtures("shanghai")
DUE = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)


def a_message(**fields: Any) -> Message:
    return Message(**({"event": "low_stock", "channel": "bark", "due_at": DUE, "created_at": DUE} | fields))


def test_every_topic_has_words() -> None:
    assert set(topics.TOPICS) <= set(message_words.EVENTS)


def test_an_event_nobody_gave_words_to_stands_as_it_is() -> None:
    assert message_words.about(a_message(event="something_new")) == "something_new"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"recipient": "ana@example.com", "context": {"team": "Shanghai"}}, "ana@example.com"),
        ({"context": {"team": "Shanghai"}}, "Shanghai"),
        ({"context": {"owner": "omar@example.com"}}, "omar@example.com"),
        ({"context": {"username": "olga", "ip": "198.51.100.7"}}, "olga"),
        ({"context": {"current_seats": 5}}, "–"),
        ({}, "–"),
    ],
)
def test_it_says_to_whom_or_about_what(fields: dict[str, Any], words: str) -> None:
    assert message_words.whom(a_message(**fields)) == words


@pytest.mark.parametrize(
    ("fields", "english", "chinese"),
    [
        ({}, "Waiting", "待发"),
        ({"attempts": 1}, "Again at 2026-03-02 14:30", "重试于 2026-03-02 14:30"),
        ({"state": "sent", "attempts": 1}, "Sent", "已发"),
        ({"state": "failed", "attempts": 6}, "Failed", "失败"),
    ],
)
def test_it_says_how_far_it_is(fields: dict[str, Any], english: str, chinese: str) -> None:
    for language, words in (("en", english), ("zh-hans", chinese)):
        with translation.override(language):
            assert message_words.standing(a_message(**fields))["text"] == words

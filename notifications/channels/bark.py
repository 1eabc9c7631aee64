"""Pushes to the operator's phone by Bark, the official server or one's own (`POST /push`, its API v2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from django.utils.translation import gettext as _
from django.utils.translation import override

from notifications.channels import trying
from notifications.channels.result import NotDelivered, Result
from notifications.channels.transport import posting
from notifications.models import Message
from notifications.settings import declared
from notifications.settings.runtime import read
from notifications.texts import notices


class Bark:
    """One phone, or a group of them, named by the device key."""

    name = "bark"

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.url: str = values[declared.BARK_URL.key]
        self.level: str = values[declared.BARK_LEVEL.key]
        self.sound: str = values[declared.BARK_SOUND.key]
        self.language: str = values[declared.OPERATOR_LANGUAGE.key]
        self.public_url: str = notices.public_url(values)

    @classmethod
    def stored(cls) -> Self:
        """With the settings as they are now; one query."""
        wanted = (
            declared.BARK_URL,
            declared.BARK_LEVEL,
            declared.BARK_SOUND,
            declared.OPERATOR_LANGUAGE,
            declared.PUBLIC_URL,
        )
        return cls(read(*wanted))

    def is_on(self) -> bool:
        return bool(self.url)

    def send(self, message: Message) -> None:
        """Push the message's line. Raises NotDelivered unless the server says it went on to the phone."""
        server, _slash, device_key = self.url.rpartition("/")
        with override(message.language):
            push = {
                "device_key": device_key,
                "title": _("Seatkeeper"),
                "body": notices.line(message.event, message.context),
                "group": "seatkeeper",
                "level": self.level,
                # The phone shows a repetition of the same id in place of the first.
                "id": str(message.uid),
            }
        if self.sound:
            push["sound"] = self.sound
        if self.public_url:
            push["url"] = notices.admin_address(self.public_url)
        # The device key goes in the body: addresses end up in logs.
        answer = posting.post(f"{server}/push", json.dumps(push, ensure_ascii=False).encode(), {}, may_be_private=True)
        said = answer.json()
        if isinstance(said, dict) and said.get("code", answer.status) != 200:
            own_words = str(said.get("message", "")).replace(device_key, "…")
            raise NotDelivered(f"HTTP {answer.status} {own_words}")
        posting.refuse_unless_taken(answer)

    def test(self) -> Result:
        """Push a sample now; the answer in words within ten seconds."""
        return trying.result_of(self, Message(event="test", channel=self.name, language=self.language))

    def close(self) -> None:
        """Nothing stays open."""

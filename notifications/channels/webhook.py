"""The low-stock webhook: exactly the documented body, whatever else is to be said in headers (Standard Webhooks)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Self

from django.utils import timezone
from django.utils.translation import gettext as _
from standardwebhooks.webhooks import Webhook as Signer

from notifications.channels import trying
from notifications.channels.result import NotDelivered, Result
from notifications.channels.transport import posting
from notifications.models import Message
from notifications.settings import declared
from notifications.settings.checks import SECRET_PREFIX
from notifications.settings.runtime import read

# What reference programs read; nothing is ever added to it.
BODY = ("event", "current_seats", "threshold", "message")


class Webhook:
    """A program of the operator's that is told of low stock."""

    name = "webhook"

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.url: str = values[declared.WEBHOOK_URL.key]
        self.secret: str = values[declared.WEBHOOK_SECRET.key]
        self.may_be_private: bool = values[declared.WEBHOOK_ALLOW_PRIVATE.key]
        self.threshold: int = values[declared.LOW_STOCK_THRESHOLD.key]

    @classmethod
    def stored(cls) -> Self:
        """With the settings as they are now; one query."""
        wanted = (
            declared.WEBHOOK_URL,
            declared.WEBHOOK_SECRET,
            declared.WEBHOOK_ALLOW_PRIVATE,
            declared.LOW_STOCK_THRESHOLD,
        )
        return cls(read(*wanted))

    def is_on(self) -> bool:
        return bool(self.url)

    def send(self, message: Message) -> None:
        """Post the message's context. Raises NotDelivered unless the receiver answers 2xx."""
        if not self.may_be_private and not self.url.startswith("https://"):
            raise NotDelivered(_("An https address is needed."), channel_is_down=True)
        body = json.dumps({key: message.context[key] for key in BODY}, ensure_ascii=False)
        headers = self._signed(str(message.uid), body)
        posting.refuse_unless_taken(posting.post(self.url, body.encode(), headers, may_be_private=self.may_be_private))

    def _signed(self, message_id: str, body: str) -> dict[str, str]:
        """The id is the same at every try, so that a receiver can tell a repetition; the time is this try's."""
        now = timezone.now()
        headers = {"webhook-id": message_id, "webhook-timestamp": str(int(now.timestamp()))}
        if self.secret:
            key: str | bytes = self.secret
            signer = Signer(key if self.secret.startswith(SECRET_PREFIX) else self.secret.encode())
            headers["webhook-signature"] = signer.sign(message_id, now, body)
        return headers

    def test(self) -> Result:
        """Post a sample now, as the event `test`; the answer in words within ten seconds."""
        message = Message(
            event="test",
            channel=self.name,
            context={
                "event": "test",
                "current_seats": self.threshold,
                "threshold": self.threshold,
                "message": _("This is a test. There is nothing to do."),
            },
        )
        return trying.result_of(self, message)

    def close(self) -> None:
        """Nothing stays open."""

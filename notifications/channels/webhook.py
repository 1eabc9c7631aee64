"""The low-stock webhook: exactly the documented body; id, time and signature go in headers (Standard Webhooks)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from standardwebhooks.webhooks import Webhook as Signer

from base.addresses import is_private, literal
from notifications.channels.channel import Channel
from notifications.channels.result import NotDelivered
from notifications.channels.transport import posting
from notifications.models import Message
from notifications.settings import checks
from notifications.settings.declared import LOW_STOCK_THRESHOLD
from notifications.settings.fields import ADDRESS, Field, Group
from notifications.settings.runtime import RuntimeSetting, declare, require_together
from notifications.ways import Stored

# The documented keys of the body; none is ever added.
BODY = ("event", "current_seats", "threshold", "message")
SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret of Standard Webhooks begins with


def _checked_secret(text: str) -> str:
    """`whsec_` and base64, as Standard Webhooks writes a key, or any other text, used as it is."""
    text = checks.one_line(text)
    if text.startswith(SECRET_PREFIX):
        try:
            key = base64.b64decode(text.removeprefix(SECRET_PREFIX) + "==", validate=False)
        except (binascii.Error, ValueError):
            key = b""
        if not key:
            raise ValueError(gettext("After whsec_ there must be base64."))
    if text and len(text) < 8:
        raise ValueError(gettext("Write at least 8 characters."))
    return text


URL = declare(RuntimeSetting("notifications.webhook_url", "", check=checks.web_address))
SECRET = declare(RuntimeSetting("notifications.webhook_secret", "", check=_checked_secret, is_secret=True))
ALLOW_PRIVATE = declare(RuntimeSetting("notifications.webhook_allow_private", False))


def _refuse_private(values: Mapping[str, Any]) -> tuple[str, str] | None:
    """The setting at fault and the reason, when the URL does not fit the setting that allows private addresses."""
    url = urlsplit(values[URL.key])
    if not url.hostname or values[ALLOW_PRIVATE.key]:
        return None
    if url.scheme != "https":
        return URL.key, gettext("An https address is needed.")
    address = literal(url.hostname)
    if url.hostname == "localhost" or (address is not None and is_private(address)):
        return URL.key, gettext("Private addresses are not allowed.")
    return None


require_together(_refuse_private, URL, ALLOW_PRIVATE)


class Webhook(Channel):
    """A program of the operator's that is told of low stock, whatever operators ticked for themselves."""

    name = prefix = "webhook"
    title = "Webhook"
    needs = (URL.key,)
    page = "api"
    group = Group(
        rows=(
            Field(LOW_STOCK_THRESHOLD, _("Threshold"), unit=pgettext_lazy("unit", "free seats")),
            Field(URL, _("Webhook URL"), widget=ADDRESS),
            Field(
                SECRET,
                _("Secret"),
                help=_("Signs each notice as Standard Webhooks says; the receiver checks it with the same secret."),
                can_make=True,
            ),
            Field(ALLOW_PRIVATE, _("Allow private addresses")),
        ),
        channel=name,
    )

    @classmethod
    def receivers(cls, event: str, stored: Stored) -> dict[str, str]:
        return {cls.name: ""} if event == "low_stock" and cls.is_set_up(stored) else {}

    @classmethod
    def context(cls, event: str, context: dict[str, Any]) -> dict[str, Any]:
        """The documented body to the letter, in Chinese whatever language operators read."""
        free, threshold = context["current_seats"], context["threshold"]
        message = f"库存不足预警：系统总可用车位仅剩 {free}，已低于预警阈值 {threshold}，请及时补货导入新账号。"
        return {"event": event, "current_seats": free, "threshold": threshold, "message": message}

    def send(self, message: Message) -> None:
        """Post the message's context. Raises NotDelivered unless the receiver answers 2xx."""
        if not self[ALLOW_PRIVATE] and not self[URL].startswith("https://"):
            raise NotDelivered(gettext("An https address is needed."), channel_is_down=True)
        body = json.dumps({key: message.context[key] for key in BODY}, ensure_ascii=False)
        headers = self._signed(str(message.uid), body)
        posting.refuse_unless_taken(posting.post(self[URL], body.encode(), headers, may_be_private=self[ALLOW_PRIVATE]))

    def _signed(self, message_id: str, body: str) -> dict[str, str]:
        """The id is the same at every try, so that a receiver can tell a repetition; the time is this try's."""
        now = timezone.now()
        headers = {"webhook-id": message_id, "webhook-timestamp": str(int(now.timestamp()))}
        if secret := self[SECRET]:
            signer = Signer(secret if secret.startswith(SECRET_PREFIX) else secret.encode())
            headers["webhook-signature"] = signer.sign(message_id, now, body)
        return headers

    def sample(self) -> Message:
        """The event is `test`, and so is the message."""
        message, threshold = super().sample(), self[LOW_STOCK_THRESHOLD]
        message.context = self.context("test", {"current_seats": threshold, "threshold": threshold})
        message.context["message"] = gettext("This is a test. There is nothing to do.")
        return message

    def reach(self) -> str:
        return posting.reach(self[URL], may_be_private=self[ALLOW_PRIVATE])

"""Pushes to the operator's phone by Bark, the official server or one's own (`POST /push`, its API v2)."""

from __future__ import annotations

import json
import re

from django.utils.translation import gettext, override, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from notifications.channels.channel import Channel
from notifications.channels.result import NotDelivered
from notifications.channels.transport import posting
from notifications.models import Message
from notifications.settings import checks
from notifications.settings.fields import Field, Group
from notifications.settings.runtime import RuntimeSetting, declare
from notifications.texts import notices

_SOUND = re.compile(r"[\w.-]{1,40}", re.ASCII)


def checked_url(text: str) -> str:
    """Server and device key. The Bark app's address ends with a sample text, which is cut off."""
    url = checks.split_url(text)
    parts = [part for part in url.path.split("/") if part]
    if url.hostname == "api.day.app":
        parts = parts[:1]
    if not parts:
        raise ValueError(gettext("The address lacks the device key. Example: https://api.day.app/key"))
    return f"{url.scheme}://{url.netloc}/{'/'.join(parts)}"


def _checked_sound(text: str) -> str:
    text = checks.one_line(text)
    if text and not _SOUND.fullmatch(text):
        raise ValueError(gettext("Write the name of a sound as the app shows it. Example: minuet"))
    return text


# The address holds the device key: whoever knows it can push to that phone.
URL = declare(RuntimeSetting("notifications.bark_url", "", check=checked_url, is_secret=True))
LEVEL = declare(
    RuntimeSetting("notifications.bark_level", "active", choices=("active", "timeSensitive", "passive", "critical"))
)
SOUND = declare(RuntimeSetting("notifications.bark_sound", "", check=_checked_sound))


class Bark(Channel):
    """One phone, or a group of them, named by the device key."""

    name = prefix = "bark"
    title = "Bark"
    needs = (URL.key,)
    group = Group(
        title=title,
        help=(_("The words are those of the line on the first screen."),),
        rows=(
            Field(
                URL, "URL", help=_("As the app shows it: https://api.day.app/key. Who knows it can push to your phone.")
            ),
            Field(
                LEVEL,
                _("Level"),
                words={
                    "active": pgettext_lazy("notice", "normal"),
                    "timeSensitive": _("time-sensitive: through a focus mode"),
                    "passive": _("passive: no sound"),
                    "critical": _("critical: sounds in silent mode too"),
                },
            ),
            Field(SOUND, _("Sound"), help=_("Empty: the app's own.")),
        ),
        channel=name,
    )

    def send(self, message: Message) -> None:
        """Push the message's line. Raises NotDelivered unless the server says it went on to the phone."""
        server, _slash, device_key = self[URL].rpartition("/")
        with override(message.language):
            push = {
                "device_key": device_key,
                "title": gettext("Seatkeeper"),
                "body": notices.line(message.event, message.context),
                "group": "seatkeeper",
                "level": self[LEVEL],
                # The phone shows a repetition of the same id in place of the first.
                "id": str(message.uid),
            }
        if self[SOUND]:
            push["sound"] = self[SOUND]
        if public_url := notices.public_url(self.values):
            push["url"] = notices.admin_address(public_url)
        # The device key goes in the body: addresses end up in logs.
        answer = posting.post(f"{server}/push", json.dumps(push, ensure_ascii=False).encode(), {}, may_be_private=True)
        said = answer.json()
        if isinstance(said, dict) and said.get("code", answer.status) != 200:
            own_words = str(said.get("message", "")).replace(device_key, "…")
            raise NotDelivered(f"HTTP {answer.status} {own_words}")
        posting.refuse_unless_taken(answer)

    def reach(self) -> str:
        return posting.reach(self[URL], may_be_private=True)

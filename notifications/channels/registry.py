"""The channels, in the order in which the pages show them. A new one: its class, and its name here."""

from __future__ import annotations

from notifications import ways
from notifications.channels.bark import Bark
from notifications.channels.channel import Channel
from notifications.channels.email import Email
from notifications.channels.webhook import Webhook

CHANNELS: dict[str, type[Channel]] = {one.name: one for one in (Bark, Email, Webhook)}
ways.KNOWN = CHANNELS  # the outbox stands below and cannot import this list

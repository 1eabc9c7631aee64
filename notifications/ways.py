"""What the outbox must know of a channel: whom it tells of an event. How it sends stands in `notifications.channels`.

The outbox cannot import the channels: they need settings, and a changed setting is a fact that goes through the outbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from notifications import topics

Stored = Mapping[str, Any]


class Way:
    """A channel as the outbox sees it. `stored` has what is stored under `needs`, `also` and the event's switch.

    Of a secret it only says whether it is set.
    """

    name: ClassVar[str]  # in the messages' rows: never changed
    title: ClassVar[Any]  # as it stands inside a sentence
    needs: ClassVar[tuple[str, ...]]  # keys of the settings without which nothing goes out
    also: ClassVar[tuple[str, ...]] = ()  # keys of other settings that `receivers` asks for

    @classmethod
    def is_set_up(cls, stored: Stored) -> bool:
        return all(stored.get(key) for key in cls.needs)

    @classmethod
    def receivers(cls, event: str, stored: Stored) -> dict[str, str]:
        """Who gets `event`: recipients by keys that no receiver of another channel has.

        A channel may have several; this one has one, if operators ticked the event. Must not raise: that would roll
        the fact back.
        """
        return {cls.name: ""} if cls.is_set_up(stored) and stored.get(topics.switch(event), True) else {}

    @classmethod
    def context(cls, event: str, context: dict[str, Any]) -> dict[str, Any]:
        """What this channel's messages of `event` store."""
        return context


# `channels/registry.py` puts its list here when the installation starts.
KNOWN: Mapping[str, type[Way]] = {}


def title(name: str) -> str:
    """The channel's title; its name when there is no such channel any more."""
    return str(KNOWN[name].title) if name in KNOWN else name

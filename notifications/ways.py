"""What the outbox must know of a channel: whom it tells of an event. How it sends stands in `notifications.channels`.

That is further up: its settings stand between, and a changed setting is a fact that goes through the outbox.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from notifications import topics

Stored = Mapping[str, Any]


class Way:
    """A channel as the outbox sees it. `stored` has what is stored under `needs`, `also` and the event's switch.

    Of a secret it has only whether there is any: a fact never waits for its key.
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
        """Who gets `event`, each under a key that no other receiver of any channel has.

        A channel may have several; here it has one, for what operators ticked. Must not raise: that would undo the
        fact.
        """
        return {cls.name: ""} if cls.is_set_up(stored) and stored.get(topics.switch(event), True) else {}

    @classmethod
    def context(cls, event: str, context: dict[str, Any]) -> dict[str, Any]:
        """What its messages of `event` hold."""
        return context


# `channels/registry.py` puts its list here when the installation starts.
KNOWN: Mapping[str, type[Way]] = {}


def title(name: str) -> str:
    """A channel that is gone is called by its name."""
    return str(KNOWN[name].title) if name in KNOWN else name

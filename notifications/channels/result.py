"""The result of sending one message, in words for operators."""

from __future__ import annotations

from dataclasses import dataclass


class NotDelivered(Exception):
    """The receiver did not take the message. `reason` is for a person: one line, without any secret.

    `is_final`: trying again would not help. `channel_is_down`: other messages would fail now, too.
    """

    def __init__(self, reason: str, *, is_final: bool = False, channel_is_down: bool = False) -> None:
        super().__init__(reason)
        self.reason = " ".join(reason.split())[:300]
        self.is_final, self.channel_is_down = is_final, channel_is_down


class Unreachable(Exception):
    """A receiver cannot be connected to: what is wrong, and what to do about it."""

    def __init__(self, words: str, advice: str) -> None:
        super().__init__(words)
        self.words, self.advice = words, advice


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a test: delivered, or the reason why not."""

    is_delivered: bool
    words: str

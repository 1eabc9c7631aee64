"""Sends one sample at once and says what came of it."""

from __future__ import annotations

import logging
from typing import Protocol

from django.utils.translation import gettext as _

from notifications.channels.result import NotDelivered, Result
from notifications.models import Message

log = logging.getLogger(__name__)


class Channel(Protocol):
    """A way out, with its settings as they were when it was made."""

    name: str

    def is_on(self) -> bool: ...

    def send(self, message: Message) -> None:
        """Raises NotDelivered."""

    def close(self) -> None: ...


def result_of(channel: Channel, message: Message) -> Result:
    if not channel.is_on():
        return Result(False, _("Not set up yet."))
    try:
        channel.send(message)
    except NotDelivered as failure:
        return Result(False, failure.reason)
    except Exception:
        log.exception("test of %s", channel.name)
        return Result(False, _("Something went wrong on our side; the log says more."))
    finally:
        channel.close()
    return Result(True, _("Delivered"))

"""Check that each configured receiver of notices can be reached. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from config.service.doctor.answer import Answer, failed, ok, warning
from notifications.channels.registry import CHANNELS
from notifications.channels.result import Unreachable
from notifications.models import Message


def look(now: datetime) -> Iterator[Answer]:
    n = Message.objects.filter(state=Message.State.FAILED).count()
    if n:
        text = ngettext("{n} message was not sent.", "{n} messages were not sent.", n)
        yield warning("messages", text.format(n=n), _("See why, and send it again, in the back office: Messages."))
    else:
        yield ok("messages", _("No message was given up."))


def look_outside(now: datetime) -> Iterator[Answer]:
    channels = [channel for kind in CHANNELS.values() if (channel := kind.stored()).is_on()]
    for channel in channels:
        try:
            yield ok(channel.prefix, channel.reach())
        except Unreachable as problem:
            yield failed(channel.prefix, problem.words, problem.advice)
    if not channels:
        yield ok("notices", _("No channel for notices is set up."))

"""Sends what the outbox holds: claim, send outside any transaction, settle (design §6, `messages`).

A message is claimed by a counted update; `attempts` is the fence. A receiver that took it just before this
process died sees it once more, with the same id. Messages to one recipient of a channel go in their order: a later
one waits for the earlier one's last try. One drain works on a channel at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from enum import Enum, auto

from django.db import transaction
from django.db.models import Count, Max, Min
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from base.threads import closing
from notifications.channels.channel import Channel
from notifications.channels.registry import CHANNELS
from notifications.channels.result import NotDelivered
from notifications.models import Message, Setting
from notifications.outbox import tell_operators
from notifications.settings.declared import OPERATOR_LANGUAGE

log = logging.getLogger(__name__)
BACK_OFF = tuple(timedelta(minutes=n) for n in (1, 5, 30, 120, 720))
# Far longer than the longest call: once a lease has ended, nobody is sending that message any more.
LEASE = timedelta(seconds=60)
SLICE = timedelta(seconds=45)
PAGE = 50
# A channel's setting changed within the last 90 s (longer than the interval between drains) retries its waiting
# messages at once.
_JUST_NOW = timedelta(seconds=90)
State = Message.State


class Outcome(Enum):
    """What came of one message."""

    THROUGH = auto()
    TO_NOTHING = auto()  # not sent; other messages of the channel may get through
    CHANNEL_DOWN = auto()  # not sent; no other message of the channel would get through either
    TOO_LATE = auto()  # another worker has it


def drain(until: datetime) -> int:
    """Send the due messages, each channel in a thread of its own, until `until`; return how many were sent."""
    _wake_mended(timezone.now())
    due = Message.objects.due(timezone.now()).order_by().values_list("channel", flat=True).distinct()
    names = [name for name in due if name in CHANNELS]
    if len(names) == 1:
        return _drain_channel(names[0], until)
    with ThreadPoolExecutor(max_workers=len(CHANNELS)) as pool:
        return sum(pool.map(lambda name: closing(_drain_channel)(name, until), names))


def _wake_mended(now: datetime) -> None:
    """Make a channel's waiting messages due at once when an operator has just changed its settings."""
    changed = Setting.objects.filter(key__startswith="notifications.", updated_at__gt=now - _JUST_NOW)
    prefixes = {key.partition("_")[0] for key in changed.values_list("key", flat=True)}
    mended = [name for name, channel in CHANNELS.items() if f"notifications.{channel.prefix}" in prefixes]
    if mended:
        tried = Message.objects.filter(channel__in=mended, state=State.WAITING, attempts__gt=0, due_at__gt=now)
        tried.update(due_at=now)


def _drain_channel(name: str, until: datetime) -> int:
    now = timezone.now()
    waiting = Message.objects.filter(channel=name, state=State.WAITING)
    if waiting.filter(lease_until__gt=now).exists():
        return 0  # another drain works on this channel and sends the rest; if it died, its lease ends
    channel = CHANNELS[name].stored()
    try:
        with override(OPERATOR_LANGUAGE.get()):  # `last_error` is written for operators
            if channel.is_on():
                return _send_heads(name, channel, until)
            waiting.update(state=State.FAILED, last_error=_("This way of sending was switched off."))
            return 0
    finally:
        channel.close()


def _send_heads(name: str, channel: Channel, until: datetime) -> int:
    sent = 0
    while heads := _heads(name, timezone.now()):
        tried = 0
        for head, has_more in heads:
            for message in _in_order(head, has_more=has_more):
                if timezone.now() >= until:
                    return sent
                came = _deliver(message, channel)
                sent += came is Outcome.THROUGH
                if came is Outcome.CHANNEL_DOWN:
                    return sent
                if came is not Outcome.THROUGH:
                    break  # the next one to this recipient must not overtake it
            tried += came is not Outcome.TOO_LATE
        if not tried:
            return sent  # other workers have all of these messages
    return sent


def _heads(name: str, now: datetime) -> list[tuple[Message, bool]]:
    """Up to PAGE due messages, each the first to its recipient, and whether more wait behind it."""
    lines = Message.objects.filter(channel=name, state=State.WAITING).order_by().values("recipient")
    first = lines.annotate(first=Min("pk"))
    heads = list(Message.objects.due(now).filter(pk__in=first.values("first")).order_by("pk")[:PAGE])
    recipients = [head.recipient for head in heads]
    lengths = dict(lines.filter(recipient__in=recipients).annotate(n=Count("pk")).values_list("recipient", "n"))
    return [(head, lengths.get(head.recipient, 0) > 1) for head in heads]


def _in_order(head: Message, *, has_more: bool) -> Iterator[Message]:
    """`head`, then the later messages to its recipient, until one is not due."""
    yield head
    last = head.pk
    while has_more:
        behind = Message.objects.filter(
            channel=head.channel, recipient=head.recipient, state=State.WAITING, pk__gt=last
        )
        page = list(behind.order_by("pk")[:PAGE])
        for message in page:
            if message.due_at > timezone.now():
                return
            yield message
            last = message.pk
        has_more = len(page) == PAGE


def _deliver(message: Message, channel: Channel) -> Outcome:
    now = timezone.now()
    if not Message.objects.due(now).claim(message, now=now, until=now + LEASE):
        return Outcome.TOO_LATE
    try:
        channel.send(message)
    except NotDelivered as failure:
        return _settle_failure(message, failure)
    except Exception:
        log.exception("message %s", message.pk)
        return _settle_failure(message, NotDelivered(_("Something went wrong on our side; the log says more.")))
    was_mine = Message.objects.let_go(message, state=State.SENT, sent_at=timezone.now(), last_error="")
    return Outcome.THROUGH if was_mine else Outcome.TOO_LATE


def _settle_failure(message: Message, failure: NotDelivered) -> Outcome:
    """Schedule the next try, or mark the message failed after the last one."""
    now = timezone.now()
    tries_left = len(BACK_OFF) - message.attempts + 1
    with transaction.atomic():
        if failure.is_final or tries_left <= 0:
            was_mine = Message.objects.let_go(message, state=State.FAILED, last_error=failure.reason)
            is_one_address = failure.is_final and message.event.startswith("mail_")  # a redeemer's own mistake
            if was_mine and not is_one_address:
                _report(message, failure.reason)
        else:
            due_at = now + BACK_OFF[message.attempts - 1]
            was_mine = Message.objects.let_go(message, due_at=due_at, last_error=failure.reason)
    if not was_mine:
        return Outcome.TOO_LATE
    return Outcome.CHANNEL_DOWN if failure.channel_is_down else Outcome.TO_NOTHING


def _report(message: Message, reason: str) -> None:
    """Tell operators by the other channels that this one fails, once until it works again; not of a failed report."""
    if message.event == "delivery_failing":
        return
    worked = Message.objects.filter(channel=message.channel, state=State.SENT).aggregate(at=Max("sent_at"))["at"]
    tell_operators(
        "delivery_failing",
        dedupe_key=f"delivery_failing:{message.channel}:{worked.isoformat() if worked else 'never'}",
        context={"channel": message.channel, "reason": reason},
        but_not=message.channel,
    )

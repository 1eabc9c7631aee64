"""Writes Message rows in the transaction of the fact: one per channel that is on, at most once per `dedupe_key`.

Nothing is queued for a channel that is off. Each function costs two queries, and rings the worker after commit.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, Case, CharField, Q, Value, When
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from notifications import bells, topics, ways
from notifications.models import Message, Setting

EMAIL = "email"  # redeemers are written to by this channel alone
# The drain of a bell this young has not ended yet, so it also sends messages queued since.
_BELL_LASTS = timedelta(seconds=10)


def tell_operators(event: str, *, dedupe_key: str, context: dict[str, Any], but_not: str = "") -> None:
    """Queue `event` for the receivers of each channel, except those of the channel `but_not`."""
    channels = [one for one in ways.KNOWN.values() if one.name != but_not]
    asked = (key for one in channels for key in (*one.needs, *one.also))
    stored = _stored(topics.switch(event), topics.OPERATOR_LANGUAGE, *asked)
    language = stored.get(topics.OPERATOR_LANGUAGE) or Message._meta.get_field("language").default
    _queue(
        Message(
            event=event,
            channel=channel.name,
            recipient=recipient,
            language=language,
            context=channel.context(event, context),
            dedupe_key=f"{dedupe_key}:{key}",
        )
        for channel in channels
        for key, recipient in channel.receivers(event, stored).items()
    )


def may_write(mail: str) -> bool:
    """Whether redeemers get this mail: e-mail is set up, and the mail is not switched off. One query."""
    email = ways.KNOWN[EMAIL]
    stored = _stored(*email.needs, topics.mail_switch(mail))
    return email.is_set_up(stored) and bool(stored.get(topics.mail_switch(mail), True))


def write_to_redeemer(mail: str, *, recipient: str, language: str, dedupe_key: str, context: dict[str, Any]) -> None:
    """Queue a mail to somebody who redeemed a code, in their language; nothing when `may_write` says no."""
    if may_write(mail):
        row = Message(
            event=f"mail_{mail}",
            channel=EMAIL,
            recipient=recipient,
            language=language,
            context=context,
            dedupe_key=dedupe_key,
        )
        _queue([row])


def forget(dedupe_key: str) -> None:
    """Let a message with this key be queued again: delete one that still waits, keep a sent one under another key."""
    rows = Message.objects.filter(dedupe_key=dedupe_key)
    rows.filter(state=Message.State.WAITING, lease_until=None).delete()
    rows.update(dedupe_key=Concat(Value(f"{dedupe_key}:"), Cast("pk", CharField())))


def _stored(*keys: str) -> dict[str, Any]:
    """The stored settings of these keys; of a secret only whether it is set: no fact needs an encryption key."""
    has_secret = Case(When(~Q(secret=""), then=Value(True)), default=Value(False), output_field=BooleanField())
    rows = (
        Setting.objects.filter(key__in=keys).annotate(has_secret=has_secret).values_list("key", "value", "has_secret")
    )
    return {key: has_secret or value for key, value, has_secret in rows}


def _queue(messages: Iterable[Message]) -> None:
    now = timezone.now()
    rows = list(messages)
    for row in rows:
        row.created_at = row.due_at = now
    if rows:
        Message.objects.bulk_create(rows, ignore_conflicts=True)
        transaction.on_commit(partial(_ring, [row.dedupe_key for row in rows], now))


def _ring(dedupe_keys: list[str], now: datetime) -> None:
    """Ring once per burst: skip when an older message was queued within the last 10 s; its drain sends ours too.

    Asked after the commit: before it, the older message's drain might end without having seen ours.
    A bell that was skipped wrongly costs a minute: the timetable rings as well.
    """
    fresh = Message.objects.filter(state=Message.State.WAITING, attempts=0, created_at__gt=now - _BELL_LASTS)
    oldest = fresh.order_by("pk").values_list("dedupe_key", flat=True).first()
    if oldest in dedupe_keys:
        bells.deliver()

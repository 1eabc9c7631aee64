"""Notices that did not get through."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Min
from django.urls import reverse
from django.utils.translation import ngettext, pgettext

from config.backoffice.overview.line import Line
from notifications.models import Message


def messages_failed() -> Iterable[Line]:
    facts = Message.objects.filter(state=Message.State.FAILED).aggregate(n=Count("pk"), since=Min("created_at"))
    if facts["n"]:
        text = ngettext("{n} message was not sent", "{n} messages were not sent", facts["n"]).format(n=facts["n"])
        yield Line(
            "messages",
            text,
            is_red=False,
            link=f"{reverse('admin:notifications_message_changelist')}?state=failed",
            posts_to=reverse("admin:messages_again"),
            button=pgettext("message", "Send again"),
            since=facts["since"],
        )

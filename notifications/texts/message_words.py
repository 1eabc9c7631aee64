"""Messages in the operator's words: event, channel, recipient, state. No queries."""

from __future__ import annotations

from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from base.times import full
from notifications import ways
from notifications.models import Message

# Words of each topic in `topics.TOPICS`, on the settings page and in the list of messages.
EVENTS: dict[str, Any] = {
    "token_expired": gettext_lazy("Token expired"),
    "login_expired": gettext_lazy("Login expired"),
    "team_suspended": gettext_lazy("Team suspended"),
    "team_over_full": gettext_lazy("Team over-full"),
    "subscription_ends": gettext_lazy("Subscription about to end"),
    "seats_not_read": gettext_lazy("Seats not read"),
    "low_stock": gettext_lazy("Low stock"),
    "removal_costs": gettext_lazy("A removal costs money"),
    "guardian_stopped": gettext_lazy("Guardian stopped"),
    "guardian_capped": gettext_lazy("Guardian hit its limit"),
    "sweep_too_slow": gettext_lazy("Sweep too slow"),
    "list_untrusted": gettext_lazy("List not trusted"),
    "invite_unresolved": gettext_lazy("Invitation unconfirmed"),
    "operator_locked_out": gettext_lazy("Log-in locked"),
    "delivery_failing": gettext_lazy("Notices not delivered"),
    "mail_success": gettext_lazy("Mail: invitation sent"),
    "mail_reminder": gettext_lazy("Mail: reminder"),
    "mail_moved": gettext_lazy("Mail: moved to another Team"),
}
# The first of these in a message's context is shown as its subject.
_ABOUT = ("team", "owner", "username", "email", "reason")


def about(message: Message) -> str:
    """The event in words; an event without words is shown by its name."""
    return str(EVENTS.get(message.event, message.event))


def channel(message: Message) -> str:
    return capfirst(ways.title(message.channel))


def whom(message: Message) -> str:
    """The recipient, or what the message is about; – when there is neither."""
    if message.recipient:
        return message.recipient
    found = (message.context.get(name) for name in _ABOUT)
    return next((str(value) for value in found if value), "–")


def standing(message: Message) -> dict[str, str]:
    if message.state == Message.State.SENT:
        return {"tone": "success", "icon": "check_circle", "text": pgettext("message", "Sent")}
    if message.state == Message.State.FAILED:
        return {"tone": "danger", "icon": "cancel", "text": _("Failed")}
    if message.attempts:
        return {"tone": "warning", "icon": "schedule", "text": _("Again at {time}").format(time=full(message.due_at))}
    return {"tone": "default", "icon": "schedule", "text": pgettext("message", "Waiting")}

"""What the operator reads of a message: about what, which way, to whom, how far. Words only, nothing looked up."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from base.times import full
from notifications.models import Message

# Every topic of `topics.TOPICS` has its words here, on the settings page and in the list of messages.
EVENTS: dict[str, Any] = {
    "token_expired": gettext_lazy("Token expired"),
    "login_expired": gettext_lazy("Login expired"),
    "team_suspended": gettext_lazy("Team suspended"),
    "team_over_full": gettext_lazy("Team over-full"),
    "subscription_ends": gettext_lazy("Subscription about to end"),
    "low_stock": gettext_lazy("Low stock"),
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
CHANNELS: dict[str, Any] = {
    "bark": "Bark",
    "email": pgettext_lazy("channel", "E-mail"),
    "webhook": "Webhook",
}
# What a message to the operators is about, by the names facts give it.
_ABOUT = ("team", "owner", "username", "email", "reason")


def about(message: Message) -> str:
    """An event nobody gave words to stands as it is."""
    return str(EVENTS.get(message.event, message.event))


def channel(message: Message) -> str:
    return str(CHANNELS.get(message.channel, message.channel))


def whom(message: Message) -> str:
    """The address it goes to, or the one it is about; – when it is about no one thing."""
    if message.recipient:
        return message.recipient
    found = (message.context.get(name) for name in _ABOUT)
    return next((str(value) for value in found if value), "–")


def standing(message: Message) -> dict[str, str]:
    """Badge and word: waiting, to be tried again, sent, failed."""
    if message.state == Message.State.SENT:
        return {"tone": "good", "icon": "check_circle", "text": pgettext("message", "Sent")}
    if message.state == Message.State.FAILED:
        return {"tone": "bad", "icon": "cancel", "text": _("Failed")}
    if message.attempts:
        return {"tone": "warn", "icon": "schedule", "text": _("Again at {time}").format(time=full(message.due_at))}
    return {"tone": "idle", "icon": "schedule", "text": pgettext("message", "Waiting")}

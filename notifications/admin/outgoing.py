"""The messages page: sent, waiting and failed messages, and sending the failed ones again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse, reverse_lazy
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy

from base.actors import operator
from base.list_filters import ChoiceFilter
from base.operator_pages import ReadOnlyPages, badge, column, only_if, row_button, where_from
from base.times import ago, tag
from notifications.admin.filters import DayFilter, WordFilter
from notifications.channels.registry import CHANNELS
from notifications.models import Message
from notifications.sending.send_again import send_again
from notifications.texts import message_words


class StateFilter(ChoiceFilter):
    title = gettext_lazy("State")
    parameter_name = "state"
    offers = {
        "waiting": (pgettext_lazy("message", "Waiting"), Q(state=Message.State.WAITING, attempts=0)),
        "retry": (gettext_lazy("To be tried again"), Q(state=Message.State.WAITING, attempts__gt=0)),
        "sent": (pgettext_lazy("message", "Sent"), Q(state=Message.State.SENT)),
        "failed": (gettext_lazy("Failed"), Q(state=Message.State.FAILED)),
    }


class ChannelFilter(WordFilter):
    title = gettext_lazy("Channel")
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(name, capfirst(channel.title)) for name, channel in CHANNELS.items()]


class EventFilter(WordFilter):
    title = gettext_lazy("Event")
    parameter_name = "event"
    words = message_words.EVENTS


def _state(message: Message) -> SafeString:
    hint = tag(message.sent_at) if message.state == Message.State.SENT else message.last_error
    return format_html('{} <span class="sk-hint">{}</span>', badge(**message_words.standing(message)), hint)


def _send_again(message: Message) -> SafeString | str:
    if message.state != Message.State.FAILED:
        return ""
    return row_button(reverse("admin:message_again", args=[message.pk]), pgettext("message", "Send again"))


@admin.register(Message)
class MessagePages(ReadOnlyPages):
    list_display = (
        column("time", gettext_lazy("Time"), lambda one: tag(one.created_at, ago(one.created_at, timezone.now()))),
        column("what", gettext_lazy("Event"), message_words.about),
        column("way", gettext_lazy("Channel"), message_words.channel),
        column("whom", gettext_lazy("To or about"), message_words.whom),
        column("stands", gettext_lazy("State"), _state),
        column("tries", gettext_lazy("Tries"), lambda message: message.attempts),
        column("again", "", _send_again),
    )
    list_display_links = None
    has_row_pages = False
    list_filter = (StateFilter, ChannelFilter, EventFilter, DayFilter.on("created_at"))
    list_before_template = "admin/parts/row_actions.html"
    search_fields = ("recipient",)
    search_help_text = gettext_lazy("Recipient")
    actions = ("send_chosen_again",)
    sortable_by = ()
    empty_text = gettext_lazy("There are no messages yet.")
    empty_link = (reverse_lazy("admin:settings_section", args=["notices"]), gettext_lazy("Set up notices"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return Message.objects.defer("dedupe_key", "uid")

    def has_send_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("notifications.change_message"))

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return list(self.list_display if self.has_send_permission(request) else self.list_display[:-1])

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view
        return [
            path("again/", page(self.again_view), name="messages_again"),
            path("<int:message_id>/again/", page(self.again_view), name="message_again"),
            *super().get_urls(),
        ]

    @admin.action(description=pgettext_lazy("message", "Send again"), permissions=["send"])
    def send_chosen_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        ids = queryset.values_list("pk", flat=True)
        self._say(request, send_again(message_ids=ids, actor=operator(request)))

    def again_view(self, request: HttpRequest, message_id: int | None = None) -> HttpResponse:
        """Send a failed message again, or every one of them: the button on the first screen."""
        only_if(self.has_send_permission(request))
        if request.method == "POST":
            ids = None if message_id is None else [message_id]
            self._say(request, send_again(message_ids=ids, actor=operator(request)))
        return redirect(where_from(request, otherwise=reverse("admin:notifications_message_changelist")))

    def _say(self, request: HttpRequest, count: int) -> None:
        if count:
            text = ngettext("{n} message is sent again.", "{n} messages are sent again.", count)
            messages.success(request, text.format(n=count))
        else:
            messages.info(request, _("Nothing was sent: only failed messages can be sent again."))

"""Log-ins locked after wrong passwords; an operator can unlock them."""

from __future__ import annotations

from typing import Any

from axes import admin as axes_admin
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from base.actors import operator
from base.operator_pages import ReadOnlyPages, badge, column
from base.times import clock, tag
from config.backoffice import operators

assert axes_admin  # noqa: S101 - imported first, so that there is something to take out
AccessAttempt._meta.verbose_name = gettext_lazy("lockout")
AccessAttempt._meta.verbose_name_plural = gettext_lazy("Lockouts")
for model in (AccessAttempt, AccessLog, AccessFailureLog):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


def _state(attempt: AccessAttempt) -> SafeString:
    now, until = timezone.now(), attempt.attempt_time + settings.AXES_COOLOFF_TIME
    if attempt.failures_since_start < settings.AXES_FAILURE_LIMIT or until <= now:
        return badge(_("Not locked"), "default", "lock_open")
    return badge(_("Locked until {time}").format(time=clock(until, now)), "danger", "lock")


@admin.register(AccessAttempt)
class LockoutTable(ReadOnlyPages):
    list_display = (
        "username",
        "ip_address",
        column("wrong_tries", gettext_lazy("Wrong tries"), lambda attempt: int(attempt.failures_since_start)),
        column("last_try", gettext_lazy("Last try"), lambda one: tag(one.attempt_time), ordering="attempt_time"),
        column("state", gettext_lazy("State"), _state),
    )
    list_display_links = None
    has_row_pages = False
    search_fields = ("username", "ip_address")
    search_help_text = gettext_lazy("User name or IP")
    ordering = ("-attempt_time",)
    actions = ("unlock",)
    empty_text = gettext_lazy("No wrong log-in is on record.")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def get_queryset(self, request: HttpRequest) -> QuerySet[AccessAttempt]:
        # axes also stores what was typed, with the password masked; no page needs it.
        attempts: QuerySet[AccessAttempt] = AccessAttempt.objects.defer("get_data", "post_data")
        return attempts

    @admin.action(description=gettext_lazy("Unlock"), permissions=["view"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> None:
        actor = operator(request)
        pairs = set(queryset.values_list("username", "ip_address"))
        for username, ip in pairs:
            operators.unlock(username=username, ip=ip, actor=actor)
        text = ngettext("%(count)s log-in unlocked.", "%(count)s log-ins unlocked.", len(pairs))
        self.message_user(request, text % {"count": len(pairs)}, messages.SUCCESS)

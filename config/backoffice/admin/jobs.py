"""The queue, read-only: anybody who could write a row here could run any function."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_q import admin as queue_admin
from django_q.models import Failure, OrmQ, Schedule, Success

from base.operator_pages import ReadOnlyPages, badge, column
from base.times import tag

MINUTES_A_DAY = 24 * 60
assert queue_admin  # noqa: S101 - imported first, so that there is something to take out
admin.site.unregister([Schedule, Success, Failure, OrmQ])
# The four tables are one page; this is its name in the menu.
for model in (Schedule, Success, Failure, OrmQ):
    model._meta.verbose_name_plural = gettext_lazy("Jobs")


_JOB = column("function", gettext_lazy("Job"), lambda row: str(row.func), ordering="func")


class QueuePages(ReadOnlyPages):
    """Lists only, no page per row: a job's arguments and results are not shown."""

    list_display_links = None
    has_row_pages = False
    change_list_template = "admin/django_q/change_list.html"
    empty_text = gettext_lazy("Nothing here.")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"title": _("Jobs")} | (extra_context or {}))


def _rhythm(schedule: Any) -> str:
    if schedule.schedule_type != Schedule.MINUTES:
        return str(schedule.get_schedule_type_display())
    days, rest = divmod(schedule.minutes or 0, MINUTES_A_DAY)
    if days and not rest:
        return ngettext("{n} day", "{n} days", days).format(n=days)
    return _("{n} min").format(n=schedule.minutes)


@admin.register(Schedule)
class ScheduleTable(QueuePages):
    list_display = (
        _JOB,
        column("rhythm", gettext_lazy("Every"), _rhythm),
        column("next_time", gettext_lazy("Next run"), lambda schedule: tag(schedule.next_run), ordering="next_run"),
    )
    ordering = ("next_run",)


@admin.register(OrmQ)
class WaitingTable(QueuePages):
    list_display = (
        column("task_function", gettext_lazy("Job"), lambda row: str(row.func())),
        column("due", gettext_lazy("Due"), lambda row: tag(row.lock), ordering="lock"),
    )
    ordering = ("lock",)


def _state(task: Any) -> SafeString:
    return badge(_("Done"), "success", "check_circle") if task.success else badge(_("Failed"), "danger", "cancel")


class DoneTable(QueuePages):
    list_display = (
        _JOB,
        column("began", gettext_lazy("Began"), lambda task: tag(task.started), ordering="started"),
        column("took", gettext_lazy("Took"), lambda task: _("{n} s").format(n=f"{task.time_taken():.1f}")),
        column("state", gettext_lazy("State"), _state),
    )
    search_fields = ("func",)
    search_help_text = gettext_lazy("Job")
    is_good = True

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).filter(success=self.is_good).defer("args", "kwargs", "result")


@admin.register(Success)
class SuccessTable(DoneTable):
    pass


@admin.register(Failure)
class FailureTable(DoneTable):
    is_good = False

"""The queue, read-only: anybody who could write a row here could run any function."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_q import admin as queue_admin
from django_q.models import Failure, OrmQ, Schedule, Success

from base.operator_pages import ReadOnlyPages
from base.times import tag

MINUTES_A_DAY = 24 * 60
assert queue_admin  # noqa: S101 - imported first, so that there is something to take out
admin.site.unregister([Schedule, Success, Failure, OrmQ])
# The four tables are one page; this is its name in the menu.
for model in (Schedule, Success, Failure, OrmQ):
    model._meta.verbose_name_plural = gettext_lazy("Jobs")


class QueuePages(ReadOnlyPages):
    """Lists only, no page per row: a job's arguments and results are not shown."""

    list_display_links = None
    has_row_pages = False
    change_list_template = "admin/django_q/change_list.html"
    empty_text = gettext_lazy("Nothing here.")

    @admin.display(description=gettext_lazy("Job"), ordering="func")
    def function(self, row: Any) -> str:
        return str(row.func)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"title": _("Jobs")} | (extra_context or {}))


@admin.register(Schedule)
class ScheduleTable(QueuePages):
    list_display = ("function", "rhythm", "next_time")
    ordering = ("next_run",)

    @admin.display(description=gettext_lazy("Every"))
    def rhythm(self, schedule: Any) -> str:
        if schedule.schedule_type != Schedule.MINUTES:
            return str(schedule.get_schedule_type_display())
        days, rest = divmod(schedule.minutes or 0, MINUTES_A_DAY)
        if days and not rest:
            return ngettext("{n} day", "{n} days", days).format(n=days)
        return _("{n} min").format(n=schedule.minutes)

    @admin.display(description=gettext_lazy("Next run"), ordering="next_run")
    def next_time(self, schedule: Any) -> str:
        return tag(schedule.next_run)


@admin.register(OrmQ)
class WaitingTable(QueuePages):
    list_display = ("task_function", "due")
    ordering = ("lock",)

    @admin.display(description=gettext_lazy("Job"))
    def task_function(self, row: Any) -> str:
        return str(row.func())

    @admin.display(description=gettext_lazy("Due"), ordering="lock")
    def due(self, row: Any) -> str:
        return tag(row.lock)


class DoneTable(QueuePages):
    list_display = ("function", "began", "took", "state")
    search_fields = ("func",)
    search_help_text = gettext_lazy("Job")
    is_good = True

    def get_queryset(self, request: Any) -> Any:
        return super().get_queryset(request).filter(success=self.is_good).defer("args", "kwargs", "result")

    @admin.display(description=gettext_lazy("Began"), ordering="started")
    def began(self, task: Any) -> str:
        return tag(task.started)

    @admin.display(description=gettext_lazy("Took"))
    def took(self, task: Any) -> str:
        return _("{n} s").format(n=f"{task.time_taken():.1f}")

    @admin.display(description=gettext_lazy("State"))
    def state(self, task: Any) -> str:
        if task.success:
            facts = {"tone": "success", "icon": "check_circle", "text": _("Done")}
        else:
            facts = {"tone": "danger", "icon": "cancel", "text": _("Failed")}
        return render_to_string("admin/parts/badge.html", facts)


@admin.register(Success)
class SuccessTable(DoneTable):
    pass


@admin.register(Failure)
class FailureTable(DoneTable):
    is_good = False

"""Times as the operator reads them: how long ago within a day, else the date."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _


def full(moment: datetime) -> str:
    """`2026-03-02 14:30`, in the operator's time zone."""
    return localtime(moment).strftime("%Y-%m-%d %H:%M")


def clock(moment: datetime, now: datetime) -> str:
    """`14:30` when it is today in the operator's time zone, else the full time."""
    return localtime(moment).strftime("%H:%M") if localtime(moment).date() == localtime(now).date() else full(moment)


def day(moment: datetime) -> str:
    """`12-30`, in the operator's time zone; `2027-01-02` beyond half a year, where a reader may take another year."""
    local = localtime(moment)
    return local.strftime("%m-%d" if abs(local - localtime()) < timedelta(days=183) else "%Y-%m-%d")


def ago(moment: datetime, now: datetime) -> str:
    """`12 min ago`, in the largest whole unit; the full time after a day, or in the future."""
    age = now - moment
    if age >= timedelta(days=1) or age < timedelta(0):
        return full(moment)
    seconds = int(age.total_seconds())
    if seconds < 60:
        return _("{n} s ago").format(n=seconds)
    if seconds < 3600:
        return _("{n} min ago").format(n=seconds // 60)
    return _("{n} h ago").format(n=seconds // 3600)


def tag(moment: datetime | None, text: str = "") -> SafeString | str:
    """A `<time>` element; – for None."""
    if moment is None:
        return "–"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), full(moment), text or full(moment)
    )

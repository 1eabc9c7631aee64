"""Times and durations on the public pages, in the operator's time zone, which they name."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext


def zone(when: datetime) -> str:
    """`UTC+8`, `UTC-3:30`, `UTC`: the operator's time zone at that moment."""
    offset = timezone.localtime(when).utcoffset() or timedelta(0)
    minutes = round(abs(offset) / timedelta(minutes=1))
    if not minutes:
        return "UTC"
    sign = "-" if offset < timedelta(0) else "+"
    return f"UTC{sign}{minutes // 60}" + (f":{minutes % 60:02}" if minutes % 60 else "")


def public_time(when: datetime) -> str:
    """`2 Mar 2026, 14:30 (UTC+8)`."""
    return _("%(time)s (%(zone)s)") % {"time": _date_and_time(when), "zone": zone(when)}


def short(when: datetime, *, now: datetime) -> str:
    """`14:02` today, `2 Mar, 14:02` this year, else with the year."""
    local, today = timezone.localtime(when), timezone.localtime(now)
    if local.date() == today.date():
        return local.strftime("%H:%M")
    if local.year == today.year:
        return formats.date_format(local, pgettext("public day and time", "j M, H:i"))
    return _date_and_time(when)


def hours(span: timedelta) -> str:
    """`72 hours, counted from the confirmation`; part of an hour as `1.5`."""
    count = span / timedelta(hours=1)
    return ngettext(
        "%(hours)s hour, counted from the confirmation",
        "%(hours)s hours, counted from the confirmation",
        1 if count == 1 else 2,
    ) % {"hours": f"{count:.2f}".rstrip("0").rstrip(".")}


def _date_and_time(when: datetime) -> str:
    # Translators: Django's date format letters, see the `date` template filter.
    return formats.date_format(timezone.localtime(when), pgettext("public date and time", "j M Y, H:i"))

"""Numbers, durations and kinds of codes in the operator's words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext


def number(value: int) -> str:
    return number_format(value, use_l10n=True, force_grouping=True)


def duration(time: timedelta) -> str:
    """In the largest whole unit: 24 hours, 3 days, 90 minutes."""
    minutes = round(time / timedelta(minutes=1))
    if minutes % 1440 == 0 and minutes > 1440:
        count, text = minutes // 1440, ngettext("%(n)s day", "%(n)s days", minutes // 1440)
    elif minutes % 60 == 0:
        count, text = minutes // 60, ngettext("%(n)s hour", "%(n)s hours", minutes // 60)
    else:
        count, text = minutes, ngettext("%(n)s minute", "%(n)s minutes", minutes)
    return text % {"n": number(count)}


def kind(*, is_bound: bool, is_temporary: bool) -> str:
    if is_bound and is_temporary:
        return _("bound, temporary")
    if is_bound:
        return _("bound")
    return _("temporary") if is_temporary else _("generic")


def joined(parts: Iterable[str]) -> str:
    return _(", ").join(parts)

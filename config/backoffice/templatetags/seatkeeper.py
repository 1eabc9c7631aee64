"""Template filters of the operator's pages."""

from __future__ import annotations

import re
from datetime import datetime

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from base import times
from notifications.audit import words

register = template.Library()
_ICON = re.compile(r'<(?:span|div)\b(?=[^>]*\bclass="[^"]*\bmaterial-symbols-outlined\b)(?![^>]*\baria-hidden)')
_SCROLLBAR = re.compile(r"\bdata-simplebar(?=[\s>])")


@register.filter
def ago(moment: datetime | None, now: datetime) -> SafeString | str:
    """How long ago, with the full time as a tooltip."""
    return times.tag(moment, times.ago(moment, now) if moment is not None else "")


register.filter("full_time", times.tag)
register.filter("event_text", words.what)
register.filter("event_actor", words.who)


@register.filter(is_safe=True)
def for_the_ear(page: str) -> SafeString:
    """The page with what the theme leaves out for screen readers: the main role, and names for parts that scroll.

    The theme's icons are words drawn by a font; `aria-hidden` keeps them from being read aloud.
    """
    names = iter((_("Menu"), _("List"), _("Filters")))

    def named(found: re.Match[str]) -> str:
        name = next(names, _("More"))
        return f'{found[0]} data-simplebar-aria-label="{escape(name)}"'

    page = _ICON.sub(r'\g<0> aria-hidden="true"', page)
    # The button has only an icon, so it needs a name.
    page = page.replace('id="searchbar-submit"', f'id="searchbar-submit" aria-label="{escape(_("Search"))}"')
    page = _SCROLLBAR.sub(named, page).replace('<div id="main"', '<div id="main" role="main"', 1)
    return mark_safe(page)  # noqa: S308 - the templates escaped it

"""What all pages that ask before an action share: the limit of people, and the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from invites import words
from invites.actions.bulk import MOST_AT_ONCE
from invites.admin.parts import table

_COLUMNS = (gettext_lazy("E-mail"), gettext_lazy("Result"))


@dataclass(frozen=True, slots=True)
class Told:
    """The result for one person. `cell` shows the person in the table, with a link if there is a page."""

    email: str
    cell: object
    said: str
    is_done: bool


def too_many(request: HttpRequest, chosen: int) -> bool:
    """True, with an error message, when more people are chosen than a page takes."""
    if chosen <= MOST_AT_ONCE:
        return False
    text = _("At most %(n)s people at once; %(chosen)s are chosen.")
    messages.error(request, text % {"n": words.number(MOST_AT_ONCE), "chosen": words.number(chosen)})
    return True


def results(
    request: HttpRequest, told: Sequence[Told], *, title: object, template: str, frame: dict[str, Any], back: str
) -> HttpResponse:
    """One person: return to the page with the button. Several or none: a page with the results."""
    if len(told) == 1:
        (one,) = told
        text = _("%(email)s: %(what)s") % {"email": one.email, "what": one.said}
        messages.success(request, text) if one.is_done else messages.warning(request, text)
        return redirect(back)
    done = sum(1 for one in told if one.is_done)
    context = {
        "title": title,
        "opts": None,  # else the page would have the table's name as its title
        "lead": _("Started for %(done)s of %(all)s.") % {"done": words.number(done), "all": words.number(len(told))},
        "next": back,
        **table(_COLUMNS, [[one.cell, one.said] for one in told]),
    }
    return TemplateResponse(request, template, frame | context)

"""The page that makes codes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST
from unfold.widgets import INPUT_CLASSES

from base.actors import operator
from base.operator_pages import only_if
from invites import words
from invites.codes.order import NewCodes, teams_on_offer

_PAGE = "admin/invites/codebatch/new.html"
_SUMMARY = "admin/invites/codebatch/summary.html"


class _Order(NewCodes):
    """The form with the theme's CSS classes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs |= {"class": " ".join(INPUT_CLASSES), "autocomplete": "off"}
            if name == "hours":
                field.widget.attrs["step"] = "any"
        self.fields["team"].widget.attrs["list"] = "teams"
        self.fields["count"].widget.attrs["autofocus"] = True


def new_codes(request: HttpRequest, frame: dict[str, Any]) -> HttpResponse:
    """The form; a valid POST makes the codes and shows their batch."""
    _check(request)
    order = _Order(request.POST if request.method == "POST" else None)
    if order.is_bound and order.is_valid():
        batch = order.make(actor=operator(request))
        if batch is not None:
            return redirect("admin:invites_codebatch_change", batch.pk)
    context = frame | {"title": _("New codes"), "order": order, "teams": teams_on_offer()} | _said(order)
    return render(request, _PAGE, context)


@require_POST
def summary(request: HttpRequest) -> HttpResponse:
    """The sentence and the button for the form as it stands; htmx swaps them in while the operator types."""
    _check(request)
    return render(request, _SUMMARY, _said(NewCodes(request.POST)))


def _said(order: NewCodes) -> dict[str, str]:
    if not order.is_bound:
        order = NewCodes({name: field.initial for name, field in order.fields.items()})
    if order.is_valid():
        count = order.cleaned_data["count"]
        button = ngettext("Make %(n)s code", "Make %(n)s codes", count) % {"n": words.number(count)}
        return {"sentence": order.sentence(), "button": button}
    return {"sentence": "", "button": _("Make codes")}


def _check(request: HttpRequest) -> None:
    only_if(request.user.has_perm("invites.add_codebatch"))

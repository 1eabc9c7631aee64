"""Void codes of a batch or picked from the list: the page that asks, and the action."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from base.actors import operator
from invites import words
from invites.codes import standing, uses
from invites.models import RedeemCode, RedeemCodeQuerySet

SHOWN = 20


def confirm(
    request: HttpRequest, picked: RedeemCodeQuerySet, *, frame: dict[str, object], back: str
) -> TemplateResponse:
    """Show which codes would be voided and which stay. `frame`: the site's context and the form's hidden fields."""
    now = timezone.now()
    counts = standing.count(picked, now)
    first = list(picked.redeemable(now).order_by("id").only("code")[:SHOWN])
    stays = [
        (state.label, words.number(left))
        for state, count in counts.each()
        if state != "unused" and (left := count - (counts.partly if state == "used" else 0))
    ]
    context = {
        "title": _("Void codes"),
        "counts": counts,
        "first": first,
        "more": counts.redeemable - len(first),
        "button": button(counts),
        "batches": picked.order_by("batch__id").values_list("batch__id", "batch__label").distinct()[:SHOWN],
        "stays": stays,
        "back": back,
    }
    return TemplateResponse(request, "admin/invites/void.html", frame | context)


def button(counts: standing.Counts) -> str:
    """`Void 1,980 unused codes (the 20 used ones are not affected)`; other words if codes have a use left."""
    numbers = {"n": words.number(counts.redeemable), "used": words.number(counts.used)}
    if counts.partly:
        void = ngettext("Void %(n)s code with uses left", "Void %(n)s codes with uses left", counts.redeemable)
        return (void + _(" (nobody who used one is affected)")) % numbers
    void = ngettext("Void %(n)s unused code", "Void %(n)s unused codes", counts.unused)
    if counts.used:
        void += ngettext(
            " (the %(used)s used one is not affected)", " (the %(used)s used ones are not affected)", counts.used
        )
    return void % numbers


def carry_out(request: HttpRequest, picked: RedeemCodeQuerySet) -> None:
    """Void the codes and say how many; one may have been used since the page was shown."""
    count = uses.void(codes=picked, actor=operator(request))
    text = ngettext("%(n)s code voided.", "%(n)s codes voided.", count) % {"n": words.number(count)}
    messages.success(request, text) if count else messages.info(request, _("No unused code was left to void."))


def may_void(request: HttpRequest) -> bool:
    return request.user.has_perm(f"{RedeemCode._meta.app_label}.change_redeemcode")

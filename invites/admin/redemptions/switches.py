"""Pause redemptions, set the days until an unaccepted invitation is withdrawn, and check invitations again."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from base.actors import operator
from base.operator_pages import only_if, where_from
from invites.admin.redemptions.page import may_operate
from invites.seats.resend import check_again
from invites.settings import IS_OPEN, RECLAIM_AFTER_DAYS
from notifications.settings import runtime


def context(request: HttpRequest) -> dict[str, Any]:
    """What the switch shows; `can_pause`: this operator may use it."""
    return {
        "is_paused": not IS_OPEN.get(),
        "can_pause": may_operate(request),
        "reclaim_days": RECLAIM_AFTER_DAYS.get(),
        "most_days": RECLAIM_AFTER_DAYS.high,
    }


def switch(request: HttpRequest) -> HttpResponse:
    """Pause or resume redemptions, or set the days; each is audited."""
    only_if(may_operate(request))
    if request.method == "POST":
        if request.POST.get("open") in ("on", "off"):
            runtime.change({IS_OPEN.key: request.POST["open"]}, actor=operator(request))
            said = _("Redemptions go on.") if request.POST["open"] == "on" else _("Redemptions are paused.")
            messages.success(request, said)
        elif "days" in request.POST:
            try:
                runtime.change({RECLAIM_AFTER_DAYS.key: request.POST["days"]}, actor=operator(request))
            except runtime.BadSetting:
                messages.error(request, _("Between 0 and %(most)s days.") % {"most": RECLAIM_AFTER_DAYS.high})
            else:
                messages.success(request, _("Saved."))
    return redirect("admin:invites_redemption_changelist")


def check(request: HttpRequest) -> HttpResponse:
    """Look for unconfirmed invitations now, and return to the page with the button."""
    only_if(may_operate(request))
    if request.method == "POST":
        count = check_again(now=timezone.now(), actor=operator(request))
        if count:
            text = ngettext("Checking {n} invitation again.", "Checking {n} invitations again.", count)
            messages.success(request, text.format(n=count))
        else:
            messages.info(request, _("No invitation is unconfirmed any more, or they are being checked right now."))
    return redirect(where_from(request, otherwise=f"{reverse('admin:invites_redemption_changelist')}?unconfirmed=yes"))

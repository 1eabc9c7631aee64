"""The button that has unconfirmed invitations looked for at once."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from base.actors import operator
from base.operator_pages import where_from
from invites.admin.redemptions.page import may_operate
from invites.seats.check_again import check_again


def check(request: HttpRequest) -> HttpResponse:
    """Ring for all of them, and back to where the button was."""
    if not may_operate(request):
        raise PermissionDenied
    if request.method == "POST":
        count = check_again(now=timezone.now(), actor=operator(request))
        if count:
            text = ngettext("Checking {n} invitation again.", "Checking {n} invitations again.", count)
            messages.success(request, text.format(n=count))
        else:
            messages.info(request, _("No invitation is unconfirmed any more, or they are being checked right now."))
    return redirect(where_from(request, otherwise=f"{reverse('admin:invites_redemption_changelist')}?unconfirmed=yes"))

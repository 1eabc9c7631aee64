"""The page of a redemption: its state, the Teams it tried, its history, and what can be done."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from base.actors import operator
from base.operator_pages import badge, row_link, where_from
from base.times import tag
from invites import words
from invites.admin.parts import code_text, table
from invites.admin.reasons import reason
from invites.admin.redemptions import actions, seat_end
from invites.admin.redemptions.parts import reference, resend_words, state_badge, team_link, until
from invites.admin.redemptions.timeline import timeline
from invites.models import Redemption, SeatGrant
from invites.seats.resend import want_resend
from invites.states import GrantState

_COLUMNS = (
    gettext_lazy("Team"),
    gettext_lazy("State"),
    gettext_lazy("Why"),
    gettext_lazy("Mails"),
    gettext_lazy("Sent"),
    gettext_lazy("Listed"),
    gettext_lazy("Joined"),
    gettext_lazy("Over"),
)
_LOOK_OF_TRY = {
    GrantState.RESERVED: ("info", "hourglass_top"),
    GrantState.INVITING: ("info", "hourglass_top"),
    GrantState.INVITED: ("warning", "outgoing_mail"),
    GrantState.VERIFIED: ("info", "mark_email_unread"),
    GrantState.JOINED: ("success", "check_circle"),
    GrantState.CANCELLED: ("default", "cancel"),
    GrantState.ENDED: ("default", "logout"),
}


def show(request: HttpRequest, redemption: Any, *, frame: dict[str, Any]) -> HttpResponse:
    """`redemption` comes from `standing.with_grants`."""
    context = {
        "title": redemption.email,
        "redemption": redemption,
        "facts": _facts(redemption),
        "buttons": actions.buttons(redemption, timezone.now()) if may_operate(request) else "–",
        "end": seat_end.form_for(redemption) if may_operate(request) else None,
        **table(_COLUMNS, [_try(grant) for grant in redemption.tries]),
        "timeline": timeline(redemption),
        "status_url": reverse("status", args=[redemption.public_id]),
    }
    return TemplateResponse(request, "admin/invites/redemption/page.html", frame | context)


def ask_again(request: HttpRequest, redemption: Redemption) -> HttpResponse:
    now = timezone.now()
    if want_resend(redemption_id=redemption.pk, actor=operator(request), now=now):
        messages.success(request, _("Started: the mail to %(email)s is sent again.") % {"email": redemption.email})
    else:
        messages.warning(request, _("Not sent again now: %(why)s") % {"why": resend_words(redemption, now)})
    return redirect(where_from(request, otherwise=reverse("admin:invites_redemption_change", args=[redemption.pk])))


def may_operate(request: HttpRequest) -> bool:
    return request.user.has_perm("invites.change_redemption")


def _facts(redemption: Any) -> list[tuple[str, SafeString | str]]:
    code: SafeString | str = "–"
    if redemption.code is not None:
        code = row_link("invites_codebatch", redemption.code.batch_id, code_text(redemption.code))
        if redemption.bound_team_id is not None or redemption.seat_time is not None:
            kind = words.kind(
                is_bound=redemption.bound_team_id is not None, is_temporary=redemption.seat_time is not None
            )
            code = format_html("{} · {}", code, kind)
    facts: list[tuple[str, SafeString | str]] = [
        (_("E-mail"), redemption.email),
        (_("State"), state_badge(redemption)),
        (_("Team"), team_link(redemption)),
        (_("Ends"), until(redemption)),
        (_("Code"), code),
        (_("Reference"), reference(redemption)),
        (_("Time"), tag(redemption.created_at)),
        (_("From IP"), redemption.ip or "–"),
    ]
    if redemption.seated_by_id is not None:
        seated_by = row_link("invites_redemption", redemption.seated_by_id, redemption.seated_by.reference)
        facts.append((_("Had a seat by"), seated_by))
    return facts


def _try(grant: SeatGrant) -> list[SafeString | str]:
    """Team, state, why it ended, mails sent, and when it reached each state."""
    state = GrantState(grant.state)
    return [
        str(grant.team),
        badge(str(state.label), *_LOOK_OF_TRY[state]),
        reason(grant.reason) or "–",
        words.number(grant.sends),
        tag(grant.invited_at),
        tag(grant.verified_at),
        tag(grant.joined_at),
        tag(grant.ended_at),
    ]

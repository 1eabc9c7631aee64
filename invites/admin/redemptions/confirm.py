"""Pages that show what an action does to whom, carry it out, and show the results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from base import operator_pages
from base.actors import operator
from base.operator_pages import read_id, row_link
from invites import words
from invites.actions.bulk import NO_SEAT, Action, Picked, Result, carry_out
from invites.actions.seat import was_in
from invites.admin.confirming import Told, results, too_many
from invites.admin.parts import table
from invites.admin.redemptions import standing
from invites.admin.redemptions.actions import problem_words
from invites.admin.redemptions.parts import state_badge
from invites.models import Redemption, SeatGrant
from invites.queries import reseat_plan
from invites.states import GrantState, RedemptionState

_COLUMNS = (
    gettext_lazy("E-mail"),
    gettext_lazy("State"),
    gettext_lazy("Team"),
    gettext_lazy("What happens"),
)
_TEMPLATE = "admin/invites/redemption/confirm.html"


def confirm(
    request: HttpRequest, action: Action, ids: Sequence[int], *, frame: dict[str, Any], back: str
) -> HttpResponse:
    """Who, from which Team to which, what stays. Holds and changes nothing."""
    redemptions = list(standing.with_grants(Redemption.objects.filter(pk__in=ids).order_by("pk")))
    if too_many(request, len(redemptions)):
        return redirect(back)
    lines = _moves(redemptions) if action is Action.RESEAT else [_line(action, one) for one in redemptions]
    doable = [(one.pk, grant.pk if grant else NO_SEAT) for one, grant, _said, problem in lines if not problem]
    rows = [
        [_link(one), state_badge(one), str(grant.team) if grant is not None else "–", problem_words(problem) or said]
        for one, grant, said, problem in lines
    ]
    context = {
        "title": _TITLES[action],
        "opts": None,  # else the page would have the table's name as its title
        "lead": _LEADS[action],
        "picked": [f"{pk}:{grant_id}" for pk, grant_id in doable],
        "button": _button(action, len(doable)) if doable else "",
        "left_out": len(rows) - len(doable),
        "next": back,
        **table(_COLUMNS, rows),
    }
    return TemplateResponse(request, _TEMPLATE, frame | context)


def act(request: HttpRequest, action: Action, *, frame: dict[str, Any], back: str) -> HttpResponse:
    """Carry out what was confirmed. One person: return to the page with the button; several: show the results."""
    done = carry_out(action, _picked(request), actor=operator(request), now=timezone.now())
    told = [
        Told(one.redemption.email, _link(one.redemption), _said(action, one), is_done=not one.problem) for one in done
    ]
    return results(request, told, title=_TITLES[action], template=_TEMPLATE, frame=frame, back=back)


def where_from(request: HttpRequest) -> str:
    """The page with the button, if it is on this site; else the list of redemptions."""
    return operator_pages.where_from(request, otherwise=reverse("admin:invites_redemption_changelist"))


def _picked(request: HttpRequest) -> list[Picked]:
    """The `redemption:seat` pairs of the form; ignores what is not a pair."""
    pairs = (text.partition(":") for text in request.POST.getlist("picked"))
    read = ((read_id(pk), read_id(grant_id)) for pk, _colon, grant_id in pairs)
    return [(pk, grant_id) for pk, grant_id in read if pk is not None and grant_id is not None]


_Line = tuple[Redemption, SeatGrant | None, str, str]


def _line(action: Action, redemption: Any) -> _Line:
    """The redemption, its seat, what happens to it, and why nothing does."""
    grant = standing.live_grant(redemption)
    if action is Action.END_CLAIM:
        return redemption, grant, *_end_of_claim(redemption, grant)
    if grant is None:
        return redemption, None, "", "no_seat"
    if redemption.leaving:
        return redemption, grant, "", "leaving"
    is_in = grant.state == GrantState.JOINED
    if action is Action.WITHDRAW:
        return redemption, grant, _revoked(redemption), "joined" if is_in else ""
    if is_in and redemption.code_id is None:
        return redemption, grant, _("Is removed from the Team."), ""
    if is_in:
        return redemption, grant, _("Is removed from the Team; the code stays used."), ""
    if redemption.code_id is None:
        return redemption, grant, _revoked(redemption), ""
    return redemption, grant, _("The invitation is revoked; the code stays used."), ""


def _revoked(redemption: Redemption) -> str:
    if redemption.code_id is None:
        return _("The invitation is revoked.")
    return _("The invitation is revoked; the code can be used again.")


def _end_of_claim(redemption: Any, grant: SeatGrant | None) -> tuple[str, str]:
    if grant is not None:
        return "", "seated"
    if redemption.state != RedemptionState.OPEN:
        return "", "over"
    if redemption.code_id is None:
        return _("Does not wait for a seat any more."), ""
    if was_in(redemption.tries):
        return _("Does not wait for a seat any more; the code stays used."), ""
    return _("Does not wait for a seat any more; the code can be used again."), ""


def _moves(redemptions: Sequence[Redemption]) -> list[_Line]:
    lines: list[_Line] = []
    for move in reseat_plan.plan(redemptions, timezone.now()):
        said = ""
        if move.to is not None and move.grant is not None:
            said = _("→ %(team)s") % {"team": move.to}
            if not move.grant.team.is_lost:
                said = _("leaves first, then → %(team)s") % {"team": move.to}
        lines.append((move.redemption, move.grant, said, move.problem))
    return lines


def _button(action: Action, count: int) -> str:
    match action:
        case Action.WITHDRAW:
            text = ngettext("Revoke %(n)s invitation", "Revoke %(n)s invitations", count)
        case Action.TAKE_BACK:
            text = ngettext("Take back %(n)s seat", "Take back %(n)s seats", count)
        case Action.RESEAT:
            text = ngettext("Re-seat %(n)s person", "Re-seat %(n)s people", count)
        case Action.END_CLAIM:
            text = ngettext("End %(n)s claim", "End %(n)s claims", count)
    return text % {"n": words.number(count)}


def _said(action: Action, result: Result) -> str:
    return problem_words(result.problem) or str(_STARTED[action])


def _link(redemption: Redemption) -> SafeString:
    return row_link("invites_redemption", redemption.pk, redemption.email)


_TITLES = {
    Action.WITHDRAW: gettext_lazy("Revoke invitations"),
    Action.TAKE_BACK: gettext_lazy("Take seats back"),
    Action.RESEAT: gettext_lazy("Re-seat people"),
    Action.END_CLAIM: gettext_lazy("End claims"),
}
_LEADS = {
    Action.WITHDRAW: gettext_lazy("The seat is free once a complete list shows that they are gone."),
    Action.TAKE_BACK: gettext_lazy("The seat is free once a complete list shows that they are gone."),
    Action.RESEAT: gettext_lazy(
        "Everyone keeps their code, their reference and the end of their time, and gets a new invitation mail. "
        "Nothing is held yet: somebody else may take a seat first."
    ),
    Action.END_CLAIM: gettext_lazy("No seat is held and nobody is removed; with a code they can come again."),
}
_STARTED = {
    Action.WITHDRAW: gettext_lazy("Started: the invitation is being revoked."),
    Action.TAKE_BACK: gettext_lazy("Started: the seat is being taken back."),
    Action.RESEAT: gettext_lazy("Started: the person is being moved."),
    Action.END_CLAIM: gettext_lazy("Ended: they wait for a seat no more."),
}

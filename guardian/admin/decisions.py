"""Pages on which an operator decides findings: removing asks first; allowing and dismissing act at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from base import operator_pages
from base.actors import operator
from base.operator_pages import only_if
from base.times import tag
from guardian.admin import words
from guardian.admin.access import may_decide
from guardian.admin.evidence import evidence, shown
from guardian.admin.strip import paused
from guardian.decisions import deciding, overdue
from guardian.decisions.deciding import CAN_BE_REMOVED
from guardian.models import Finding
from guardian.rules.states import ONLY_REPORTED, Kind
from guardian.sweeping import findings
from invites.actions.bulk import MOST_AT_ONCE, Action
from invites.actions.seat import Refused
from invites.admin.confirming import Told, results, too_many
from invites.admin.parts import table
from invites.admin.redemptions import page
from invites.admin.redemptions.confirm import confirm as confirm_claims
from invites.admin.teams.reseat import ids as read_ids
from invites.models import SeatGrant
from invites.words import number

LIST = "admin:guardian_finding_changelist"
MEDIA = forms.Media(css={"all": ["invites/admin.css", "guardian/admin.css"]})
_TEMPLATE = "admin/guardian/confirm.html"
COLUMNS = (
    gettext_lazy("E-mail"),
    gettext_lazy("Team"),
    gettext_lazy("Kind"),
    gettext_lazy("Evidence"),
    gettext_lazy("What happens"),
)
_OVERDUE_COLUMNS = (
    gettext_lazy("E-mail"),
    gettext_lazy("Team"),
    gettext_lazy("Ended"),
    gettext_lazy("What happens"),
)
_LEAD = gettext_lazy(
    "ChatGPT's list is looked at once more right before each removal; whoever has got a seat by then stays. "
    "A removal counts as done once a complete list shows it."
)


def where_from(request: HttpRequest) -> str:
    """The page with the button, if it is on this site; else the list of findings."""
    return operator_pages.where_from(request, otherwise=reverse(LIST))


# Removing


def remove_page(request: HttpRequest, finding_id: int | None = None) -> HttpResponse:
    """Show exactly who will be removed; the second POST, `confirmed`, removes them."""
    only_if(may_decide(request))
    if request.method == "POST" and "confirmed" in request.POST:
        actor = operator(request)
        return _act(request, Finding.objects.all(), lambda pk: deciding.remove(finding_id=pk, actor=actor))
    if finding_id is None:
        return redirect(LIST)
    return confirm(request, [finding_id], back=where_from(request))


def confirm(request: HttpRequest, ids: Sequence[int], *, back: str) -> HttpResponse:
    """Show who would be removed, why, and who stays. Changes nothing."""
    if too_many(request, len(ids)):
        return redirect(back)
    rows = list(shown(Finding.objects.filter(pk__in=ids)).order_by("first_seen_at", "pk"))
    lines = [[one.email, one.team, words.kind_badge(one), evidence(one), _what_happens(one)] for one in rows]
    picked = [one.pk for one in rows if _can_go(one)]
    return _list(
        request,
        table(COLUMNS, lines),
        picked,
        left_out=len(rows) - len(picked),
        back=back,
        action=reverse("admin:findings_remove"),
    )


def _can_go(finding: Finding) -> bool:
    return finding.state in CAN_BE_REMOVED and finding.kind not in ONLY_REPORTED


def _what_happens(finding: Finding) -> str:
    if finding.kind == Kind.VANISHED:
        return _("Nobody is there: take the seat back instead.")
    if finding.kind == Kind.OTHER_SEAT:
        return _("In a seat of another kind: only reported, never removed.")
    if not _can_go(finding):
        return words.problem("changed")
    done = _("The invitation is revoked.") if finding.is_invite else _("Is removed from the Team.")
    if finding.kind == Kind.DUPLICATE:
        return _("{done} The seat in the other Team stays.").format(done=done)
    return done


def _list(request: HttpRequest, rows: dict[str, object], picked: Sequence[int], **more: Any) -> HttpResponse:
    """The page that asks; it has no button while removals are paused, or when nobody can be removed."""
    button = ngettext("Remove %(n)s person", "Remove %(n)s people", len(picked)) % {"n": number(len(picked))}
    context = {
        "title": _("Remove people"),
        "opts": None,
        "lead": _LEAD,
        "picked": picked,
        "button": button,
        "paused_words": paused(),
        "next": more.pop("back"),
        **more,
        **rows,
    }
    return TemplateResponse(request, _TEMPLATE, frame(request) | context)


def frame(request: HttpRequest) -> dict[str, Any]:
    return {**admin.site.each_context(request), "media": MEDIA}


def _act(request: HttpRequest, rows: QuerySet[Any], remove: Callable[[int], None]) -> HttpResponse:
    """Remove the people picked from these rows. One: return to the page with the button; several: show each result."""
    back = where_from(request)
    chosen = read_ids(request.POST.getlist("picked"))[:MOST_AT_ONCE]
    emails = dict(rows.filter(pk__in=chosen).values_list("pk", "email"))
    told: list[Told] = []
    for pk, email in ((pk, emails[pk]) for pk in chosen if pk in emails):
        try:
            remove(pk)
        except Refused as refused:
            told.append(Told(email, email, words.problem(refused.code), is_done=False))
        else:
            told.append(Told(email, email, _("Started: the person is being removed."), is_done=True))
    if not told:
        return redirect(back)
    return results(request, told, title=_("Remove people"), template=_TEMPLATE, frame=frame(request), back=back)


# Seats


def overdue_seats(request: HttpRequest) -> HttpResponse:
    """Show everybody whose seat has ended and who is still in; the second POST removes those shown."""
    only_if(may_decide(request))
    now = timezone.now()
    if request.method == "POST" and "confirmed" in request.POST:
        actor = operator(request)
        return _act(request, SeatGrant.objects.all(), lambda pk: overdue.remove(grant_id=pk, actor=actor))
    seats = overdue.seats(now).select_related("team", "redemption").defer("team__access_token")[:MOST_AT_ONCE]
    rows = [[one.email, one.team, tag(one.redemption.ends_at), _what_happens_to_seat(one)] for one in seats]
    return _list(
        request,
        table(_OVERDUE_COLUMNS, rows),
        [one.pk for one in seats],
        left_out=0,
        back=reverse("admin:index"),
        action=reverse("admin:guardian_overdue"),
        empty=_("Nobody is past their time and still in."),
    )


def _what_happens_to_seat(grant: SeatGrant) -> str:
    if grant.redemption.code_id is None:
        return _("Is removed from the Team.")
    return _("Is removed from the Team; the code stays used.")


def vanished_seats(request: HttpRequest) -> HttpResponse:
    """The page "Take the seat back", for the seats of people whom complete lists no longer show."""
    only_if(page.may_operate(request))
    rows = Finding.objects.asking().filter(kind=Kind.VANISHED, grant__isnull=False).order_by("pk")
    ids = list(rows.values_list("grant__redemption", flat=True)[:MOST_AT_ONCE])
    if not ids:
        return redirect(LIST)
    here = frame(request) | {"action": reverse("admin:redemptions_take_back")}
    return confirm_claims(request, Action.TAKE_BACK, ids, frame=here, back=reverse("admin:index"))


# Allowing and dismissing


@require_POST
def decide_page(
    request: HttpRequest, finding_id: int, *, decide: Callable[[HttpRequest, Sequence[int]], None]
) -> HttpResponse:
    """`allow` or `dismiss` one finding."""
    only_if(may_decide(request))
    decide(request, [finding_id])
    return redirect(where_from(request))


def allow(request: HttpRequest, ids: Sequence[int]) -> None:
    """Let these people stay. Acts at once: the list of allowed people can undo it."""
    actor = operator(request)
    allowed = _decided(ids, lambda pk: deciding.allow(finding_id=pk, actor=actor))
    if len(allowed) == 1:
        text = _("%(who)s may stay in %(team)s.") % {"who": allowed[0].email, "team": allowed[0].team}
        messages.success(request, text)
    elif allowed:
        text = ngettext("%(n)s person may stay.", "%(n)s people may stay.", len(allowed))
        messages.success(request, text % {"n": number(len(allowed))})
    _left_out(request, len(ids) - len(allowed))


def dismiss(request: HttpRequest, ids: Sequence[int]) -> None:
    """Dismiss these findings. Acts at once: the same list can decide them anew."""
    actor = operator(request)
    done = len(_decided(ids, lambda pk: findings.dismiss(finding_id=pk, actor=actor)))
    if done:
        text = ngettext("%(n)s finding dismissed.", "%(n)s findings dismissed.", done)
        messages.success(request, text % {"n": number(done)})
    _left_out(request, len(ids) - done)


def _decided(ids: Sequence[int], decide: Callable[[int], Any]) -> list[Any]:
    """What `decide` returned for each finding it did not refuse."""
    done = []
    for pk in ids:
        with suppress(Refused):
            done.append(decide(pk))
    return done


def _left_out(request: HttpRequest, count: int) -> None:
    if count:
        text = ngettext(
            "%(n)s finding stays as it is: decided already, or not of that kind.",
            "%(n)s findings stay as they are: decided already, or not of that kind.",
            count,
        )
        messages.warning(request, text % {"n": number(count)})

"""Pages below a Team's page for people without a seat of ours: add, allow, remove."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from base.actors import operator
from base.operator_pages import only_if, row_link
from base.times import tag
from invites import words
from invites.actions import add_people, outsiders
from invites.actions.add_people import MOST_ADDRESSES, Added, Result
from invites.actions.seat import Refused
from invites.admin.parts import table
from invites.admin.redemptions.actions import problem_words
from invites.admin.teams.people import may_operate
from teampool.models import Member, Team, Vacancy
from teampool.teams import held_places

_RESULT_COLUMNS = (gettext_lazy("E-mail"), gettext_lazy("Result"), gettext_lazy("Reference"))
_WORDS: dict[Added, Any] = {
    Added.INVITING: gettext_lazy("being invited"),
    Added.ALREADY: gettext_lazy("has a place in the pool already; nothing was changed"),
    Added.INVALID: gettext_lazy("not a complete e-mail address"),
    Added.NO_SEAT: gettext_lazy("no seat free in this Team"),
    Added.OTHER_SEAT: gettext_lazy("is in a Team already, in a seat of another kind; nothing was changed"),
    Added.TOO_MANY: gettext_lazy("more than 50 addresses; add it in a second go"),
    Added.TWICE: gettext_lazy("stands there twice"),
}
_MEMBER_COLUMNS = (
    gettext_lazy("E-mail"),
    gettext_lazy("Team"),
    gettext_lazy("State"),
    gettext_lazy("Joined on"),
    gettext_lazy("What happens"),
)

_HELD_COLUMNS = (gettext_lazy("E-mail"), gettext_lazy("Team"), gettext_lazy("Gone since"))


def add(request: HttpRequest, team_id: int) -> HttpResponse:
    """The form; POST gives each address a seat in this Team and shows the results."""
    team = _team(request, team_id)
    text, results = request.POST.get("addresses", ""), []
    if request.method == "POST" and text.strip():
        results = add_people.add_people(team=team, text=text, actor=operator(request))
    invited = sum(1 for result in results if result.outcome is Added.INVITING)
    left = [result.email for result in results if result.outcome in (Added.INVALID, Added.NO_SEAT, Added.TOO_MANY)]
    context = {
        "title": _("Add people"),
        "most": MOST_ADDRESSES,
        # Addresses that failed stay in the box, to be corrected.
        "text": "\n".join(left) if results else text,
        "is_empty": request.method == "POST" and not results,
        "summary": _summary(invited, len(results)) if results else "",
        **table(_RESULT_COLUMNS, [[result.email, _WORDS[result.outcome], _reference(result)] for result in results]),
    }
    return page(request, "admin/invites/team/add.html", team, context)


@require_POST
def allow(request: HttpRequest, team_id: int, member_id: int) -> HttpResponse:
    """Let a stranger stay in this Team. Acts at once: it can be undone."""
    team = _team(request, team_id)
    member = Member.objects.filter(pk=member_id, team=team).first()
    if member is None:  # the last sync no longer shows them
        messages.warning(request, problem_words("gone"))
        return redirect(_page_of(team))
    user_id = member.upstream_id if member.kind == Member.Kind.MEMBER or not member.email else ""
    outsiders.allow(team=team, email=member.email, upstream_user_id=user_id, actor=operator(request))
    messages.success(request, _("%(email)s may stay in this Team.") % {"email": member})
    return redirect(_page_of(team))


def remove(request: HttpRequest, team_id: int, member_id: int) -> HttpResponse:
    """Show who it is and what happens; the second POST, `confirmed`, opens the departure."""
    team = _team(request, team_id)
    member = Member.objects.filter(pk=member_id, team=team).first()
    if member is None:
        messages.warning(request, problem_words("gone"))
        return redirect(_page_of(team))
    if request.method == "POST" and "confirmed" in request.POST:
        return _remove(request, team, member)
    is_member = member.kind == Member.Kind.MEMBER
    what = _("Is removed from the Team.") if is_member else _("The invitation is revoked.")
    joined = tag(member.joined_at if is_member else None)
    row = [member, team, Member.Kind(member.kind).label, joined, what]
    lead = _("The seat they take is free once a complete list shows that they are gone.")
    if not member.email:
        lead = _("ChatGPT hides the e-mail: this may be somebody with a seat of yours. Compare when they joined.")
    context = {
        "title": _("Remove people"),
        "lead": lead,
        "button": ngettext("Remove %(n)s person", "Remove %(n)s people", 1) % {"n": words.number(1)},
        "back": _page_of(team),
        **table(_MEMBER_COLUMNS, [row]),
    }
    return page(request, "admin/invites/team/remove.html", team, context)


def _remove(request: HttpRequest, team: Team, member: Member) -> HttpResponse:
    try:
        outsiders.remove(member_id=member.pk, actor=operator(request))
    except Refused as refused:
        why = {"email": member, "what": problem_words(refused.code)}
        messages.warning(request, _("%(email)s: %(what)s") % why)
    else:
        messages.success(request, _("Started: %(email)s is being removed.") % {"email": member})
    return redirect(_page_of(team))


def release(request: HttpRequest, team_id: int, vacancy_id: int) -> HttpResponse:
    """Say what a wrong yes costs; the second POST, `confirmed`, calls the place free."""
    team = _team(request, team_id)
    place = Vacancy.objects.waiting().filter(pk=vacancy_id, team=team).first()
    if place is None or not held_places.may_be_released(team, place.gone_by, timezone.now()):
        messages.warning(request, _("This seat is not held any more, or ChatGPT shows the seats again."))
        return redirect(_page_of(team))
    if request.method == "POST" and "confirmed" in request.POST:
        if held_places.release(vacancy_id=place.pk, actor=operator(request)):
            messages.success(request, _("The seat of %(email)s counts as free after the next sync.") % {"email": place})
        return redirect(_page_of(team))
    context = {
        "title": _("Release a held seat"),
        "lead": _("Look at ChatGPT first. If it still holds the seat, the next invitation may buy one more."),
        "button": _("Release the seat"),
        "back": _page_of(team),
        **table(_HELD_COLUMNS, [[place, team, tag(place.gone_by)]]),
    }
    return page(request, "admin/invites/team/remove.html", team, context)


def page(request: HttpRequest, template: str, team: Team | None, context: dict[str, Any]) -> TemplateResponse:
    """A page below the Teams; with a Team, the breadcrumbs lead back to it."""
    frame = admin.site.each_context(request) | {"media": MEDIA}
    if team is not None:
        frame |= {"opts": Team._meta, "original": team, "team": team}
    return TemplateResponse(request, template, frame | context)


MEDIA = forms.Media(css={"all": ["invites/admin.css"]})


def _team(request: HttpRequest, team_id: int) -> Team:
    only_if(may_operate(request))
    return get_object_or_404(Team.objects.defer("access_token"), pk=team_id)


def _page_of(team: Team) -> str:
    return reverse("admin:teampool_team_change", args=[team.pk])


def _reference(result: Result) -> SafeString | str:
    made = result.redemption
    return row_link("invites_redemption", made.pk, made.reference) if made is not None else "–"


def _summary(invited: int, lines: int) -> str:
    numbers = {"invited": words.number(invited), "lines": words.number(lines)}
    return (
        ngettext(
            "Started for %(invited)s of %(lines)s address.", "Started for %(invited)s of %(lines)s addresses.", lines
        )
        % numbers
    )

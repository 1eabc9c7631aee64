"""Archive Teams, or all Teams whose token ended: first show who is in them and which codes are bound to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from base.actors import operator
from base.operator_pages import only_if
from invites import words
from invites.actions.archive import ArchivePlan, archive_teams, expired_team_ids, preview
from invites.admin.teams import reseat
from invites.admin.teams.add_and_remove import page
from invites.admin.teams.people import may_operate
from invites.models import SeatGrant
from invites.queries import lost
from teampool.models import Team
from teampool.teams.badges import badge_for

VOID = "void"
NAMED = 10  # shown by name in each Team; the others are counted


def archive(request: HttpRequest) -> HttpResponse:
    """`?teams=1,2`, else all Teams whose token ended. POST archives only Teams the page listed."""
    only_if(may_operate(request))
    if request.method == "POST":
        return _carry_out(request)
    named = reseat.asked_for(request)
    return _show(request, expired_team_ids() if named is None else named, is_cleaning=named is None)


def _show(request: HttpRequest, team_ids: list[int], *, is_cleaning: bool, error: str = "") -> HttpResponse:
    now = timezone.now()
    plans = preview(team_ids)
    chosen = {plan.team.pk for plan in plans}
    who = _who(chosen)
    stays = Team.objects.filter(archived_at=None).exclude(pk__in=chosen).order_by("name", "pk")
    context = {
        "title": _("Clean out expired Teams") if is_cleaning else _("Archive Teams"),
        "rows": [_row(plan, who.get(plan.team.pk, []), now) for plan in plans],
        "seated": sum(plan.seated for plan in plans),
        "codes": sum(plan.codes for plan in plans),
        "stays": list(stays.only("name", "account_id")),
        "is_cleaning": is_cleaning,
        "error": error,
        "codes_to": request.POST.get("codes", VOID),
        "button": ngettext("Archive %(n)s Team", "Archive %(n)s Teams", len(plans)) % {"n": words.number(len(plans))},
    }
    answer = page(request, "admin/invites/team/archive.html", None, context)
    answer.status_code = 400 if error else 200
    return answer


def _who(team_ids: set[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    seats = SeatGrant.objects.live().filter(team_id__in=team_ids).order_by("email")
    for team_id, email in seats.values_list("team_id", "email"):
        found.setdefault(team_id, []).append(email)
    return found


def _row(plan: ArchivePlan, emails: list[str], now: datetime) -> dict[str, Any]:
    badge = badge_for(plan.team, now)
    more = len(emails) - NAMED
    return {"plan": plan, "badge": badge, "badge_text": badge.text(plan.team, now), "who": emails[:NAMED], "more": more}


def _carry_out(request: HttpRequest) -> HttpResponse:
    listed = reseat.ids(request.POST.getlist("team"))
    is_cleaning = "cleaning" in request.POST
    # A Team that works again since the page was shown is not cleaned out.
    expired = set(expired_team_ids()) if is_cleaning else set(listed)
    team_ids = [team_id for team_id in listed if team_id in expired]
    target, codes = None, request.POST.get("codes", VOID)
    if codes != VOID:
        target = Team.objects.filter(pk__in=reseat.ids([codes]), archived_at=None).first()
        if target is None or target.pk in team_ids:
            return _show(request, listed, is_cleaning=is_cleaning, error=_("Choose a Team that stays."))
    done = archive_teams(team_ids=team_ids, codes_to=target, actor=operator(request))
    text = ngettext("%(n)s Team archived.", "%(n)s Teams archived.", done) % {"n": words.number(done)}
    if done < len(listed):
        left = len(listed) - done
        more = ngettext("%(n)s was left: it changed meanwhile.", "%(n)s were left: they changed meanwhile.", left)
        text = f"{text} {more % {'n': words.number(left)}}"
    messages.success(request, text) if done else messages.warning(request, text)
    if people := lost.team_ids_with_people(team_ids):
        return redirect(reseat.address(people))
    return redirect(f"{reverse('admin:teampool_team_changelist')}?state=archived" if done else _list())


def _list() -> str:
    return reverse("admin:teampool_team_changelist")

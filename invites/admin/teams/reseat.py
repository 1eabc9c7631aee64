"""Re-seat people of lost Teams: one list, from which Team to which, with boxes to tick."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from base.operator_pages import only_if, read_id
from invites import words
from invites.actions.bulk import MOST_AT_ONCE, Action
from invites.admin.redemptions import confirm, standing
from invites.admin.redemptions.actions import problem_words
from invites.admin.redemptions.parts import state_badge, until
from invites.admin.teams.add_and_remove import MEDIA, page
from invites.admin.teams.people import may_operate
from invites.queries import lost, reseat_plan


def address(team_ids: list[int]) -> str:
    return f"{reverse('admin:team_reseat')}?teams={','.join(map(str, team_ids))}"


def reseat(request: HttpRequest) -> HttpResponse:
    """GET: the list, planned as if moved now; nothing is held. POST: move the chosen people, show the results."""
    only_if(may_operate(request))
    here = request.get_full_path()
    if request.method == "POST":
        frame = admin.site.each_context(request) | {"media": MEDIA, "action": here}
        return confirm.act(request, Action.RESEAT, frame=frame, back=here)
    team_ids = asked_for(request)
    waiting = lost.claims(team_ids)
    count = waiting.count()
    claims = list(standing.with_grants(waiting)[:MOST_AT_ONCE])
    moves = reseat_plan.plan(claims, timezone.now())
    rows = [_row(move) for move in moves]
    seated = sum(1 for row in rows if row["value"])
    context = {
        "title": _("Re-seat people"),
        "rows": rows,
        "seated": seated,
        "unseated": sum(1 for move in moves if move.problem == "full"),
        "later": count - len(claims),
        "button": ngettext("Re-seat %(n)s person", "Re-seat %(n)s people", seated) % {"n": words.number(seated)},
        # The page's script counts the ticked boxes into this text.
        "button_for": _("Re-seat {n}"),
    }
    return page(request, "admin/invites/team/reseat.html", None, context)


def asked_for(request: HttpRequest) -> list[int] | None:
    """The Teams of `?teams=1,2`; None means all lost Teams."""
    if "teams" not in request.GET:
        return None
    return ids(request.GET["teams"].split(","))


def ids(texts: Iterable[str]) -> list[int]:
    """The ids among these texts; ignores everything else."""
    return [one for one in map(read_id, texts) if one is not None]


def _row(move: reseat_plan.Move) -> dict[str, Any]:
    grant = move.grant
    return {
        "redemption": move.redemption,
        "state": state_badge(move.redemption),
        "ends": until(move.redemption),
        "before": grant.team if grant is not None else "–",
        "after": move.to or problem_words(move.problem),
        "is_full": bool(move.problem),
        "value": f"{move.redemption.pk}:{grant.pk}" if grant is not None and not move.problem else "",
    }

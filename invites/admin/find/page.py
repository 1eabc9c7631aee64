"""Find a person: a search box, and everything about the people found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from base.actors import operator
from base.operator_pages import badge, only_if, row_button, row_link
from base.times import tag
from invites.actions import outsiders
from invites.admin.find.persons import Person, Sighting, gather
from invites.admin.parts import code_text, table
from invites.admin.reasons import in_the_way, reason
from invites.admin.redemptions import actions
from invites.admin.redemptions.confirm import where_from
from invites.admin.redemptions.page import may_operate
from invites.admin.redemptions.parts import reference, state_badge, team_name, until
from invites.admin.teams.people import leaving_words
from invites.models import Departure, Redemption
from invites.queries import find
from invites.queries.people import LOOKS, Standing
from invites.states import DepartureState
from notifications.models import Message
from notifications.texts import message_words
from teampool.models import AllowedMember, Member, Team
from teampool.teams import changes

SHOWN = 10  # the newest rows of each table
_MAY_ALLOW = "teampool.add_allowedmember"
_MAY_SYNC = "teampool.change_team"
_CLAIMS = (
    gettext_lazy("Code"),
    gettext_lazy("State"),
    gettext_lazy("Team"),
    gettext_lazy("Time"),
    gettext_lazy("Ends"),
    gettext_lazy("Reference"),
)
_SIGHTINGS = (gettext_lazy("Team"), gettext_lazy("Standing"), gettext_lazy("State"), gettext_lazy("Since"), "")
_REMOVALS = (gettext_lazy("Team"), gettext_lazy("Why"), gettext_lazy("Begun"), gettext_lazy("State"))
_MESSAGES = (gettext_lazy("Time"), gettext_lazy("Event"), gettext_lazy("Channel"), gettext_lazy("State"))
_LEFT = {
    DepartureState.OPEN: gettext_lazy("under way"),
    DepartureState.DONE: gettext_lazy("gone"),
    DepartureState.DROPPED: gettext_lazy("stays after all"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A person as the page shows them: words, badges and buttons."""

    person: Person
    name: str
    seats: list[dict[str, Any]]
    claims: dict[str, object]
    sightings: dict[str, object]
    removals: dict[str, object]
    messages: dict[str, object]
    allowed: list[str]
    more_claims: int


@never_cache
@require_safe
def find_person(request: HttpRequest) -> HttpResponse:
    """The box; with `?q=` the people found, or that nobody was, and when the Teams were last synced."""
    only_if(request.user.has_perm("invites.view_redemption"))
    query = request.GET.get("q", "").strip()[:200]
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Find a person"),
        "query": query,
        "now": timezone.now(),
        "can_sync": request.user.has_perm(_MAY_SYNC),
    }
    if query:
        hits = find.search(query)
        people = [_shown(request, person) for person in gather(hits)]
        context |= {"hits": hits, "people": people, "is_short": len(find.cleaned(query)) < find.SHORTEST_EMAIL_PART}
        if hits.is_empty:
            context["last_sync"] = Team.objects.filter(archived_at=None).aggregate(at=Max("snapshot_started_at"))["at"]
    return render(request, "admin/invites/find.html", context)


@require_POST
def allow_person(request: HttpRequest, member_id: int) -> HttpResponse:
    """Let a listed person stay in that Team. Acts at once: it can be undone."""
    only_if(request.user.has_perm(_MAY_ALLOW))
    row = Member.objects.filter(pk=member_id).first()
    if row is None:
        raise Http404
    user_id = row.upstream_id if row.kind == Member.Kind.MEMBER or not row.email else ""
    team = Team.objects.only("name", "account_id").get(pk=row.team_id)
    outsiders.allow(team=team, email=row.email, upstream_user_id=user_id, actor=operator(request))
    text = _("%(who)s may stay in %(team)s.") % {"who": row.email or row.upstream_id, "team": team}
    messages.success(request, text)
    return redirect(where_from(request))


@require_POST
def sync_now(request: HttpRequest) -> HttpResponse:
    only_if(request.user.has_perm(_MAY_SYNC))
    changes.want_sync_of_all()
    messages.success(request, _("Started: all Teams are looked at. Ask again in a minute."))
    return redirect(where_from(request))


def _shown(request: HttpRequest, person: Person) -> Shown:
    now = timezone.now()
    can_operate = may_operate(request)
    can_allow = request.user.has_perm(_MAY_ALLOW)
    return Shown(
        person=person,
        name=next((seen.row.name for seen in person.sightings if seen.row.name), ""),
        seats=[
            {
                "redemption": one,
                "team": _team_link(request, grant.team),
                "state": state_badge(one),
                "code": code_text(one.code) if one.code else _("without a code"),
                "until": until(one),
                "buttons": actions.buttons(one, now) if can_operate else actions.leaving_words(one) or "–",
            }
            for one, grant in person.seats
        ],
        claims=table(_CLAIMS, [_claim(one) for one in person.redemptions[:SHOWN]]),
        more_claims=max(0, len(person.redemptions) - SHOWN),
        sightings=table(
            _SIGHTINGS, [_sighting(request, seen, person, can_allow=can_allow) for seen in person.sightings]
        ),
        removals=table(_REMOVALS, [_removal(one) for one in person.departures[:SHOWN]]),
        messages=table(_MESSAGES, [_message(one) for one in person.messages[:SHOWN]]),
        allowed=[_exception(one) for one in person.allowed],
    )


def _claim(redemption: Redemption) -> list[SafeString | str]:
    return [
        code_text(redemption.code) if redemption.code else "–",
        state_badge(redemption),
        team_name(redemption),
        tag(redemption.created_at),
        until(redemption),
        row_link("invites_redemption", redemption.pk, reference(redemption)),
    ]


def _sighting(request: HttpRequest, seen: Sighting, person: Person, *, can_allow: bool) -> list[SafeString | str]:
    look: tuple[object, str, str] = LOOKS[seen.standing]
    row, button = seen.row, SafeString("")
    is_outside = seen.standing in (Standing.STRANGER, Standing.HIDDEN)
    way_out = next(
        (one for one in person.departures if one.state == DepartureState.OPEN and one.team_id == row.team_id), None
    )
    if is_outside and way_out is not None:  # someone who is being removed is no stranger to decide about
        look = (leaving_words(way_out), "warning", "logout")
    elif can_allow and is_outside:
        button = row_button(reverse("admin:find_allow", args=[row.pk]), _("Allow"))
    word, tone, icon = look
    state = _("Deactivated") if row.deactivated_at else capfirst(row.get_kind_display())
    return [_team_link(request, row.team), badge(str(word), tone, icon), state, tag(row.joined_at), button]


def _team_link(request: HttpRequest, team: Team) -> SafeString | str:
    return row_link("teampool_team", team.pk, team) if request.user.has_perm("teampool.view_team") else str(team)


def _removal(departure: Departure) -> list[SafeString | str]:
    state = capfirst(str(_LEFT[DepartureState(departure.state)]))
    if departure.last_problem:
        state = f"{state} · {in_the_way(departure.last_problem)}"
    when = departure.closed_at
    said = format_html("{} · {}", state, tag(when)) if when is not None else state
    return [str(departure.team), reason(departure.reason), tag(departure.opened_at), said]


def _message(message: Message) -> list[SafeString | str]:
    how_far = message_words.standing(message)["text"]
    return [tag(message.created_at), message_words.about(message), message_words.channel(message), how_far]


def _exception(allowed: AllowedMember) -> str:
    where = str(allowed.team) if allowed.team is not None else _("all Teams")
    said = f"{capfirst(allowed.get_origin_display())} · {where}"
    return f"{said} · {allowed.note}" if allowed.note else said

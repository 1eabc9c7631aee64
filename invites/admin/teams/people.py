"""The people on a Team's page, with the buttons for each, and who is leaving."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from base.operator_pages import read_id, row_button
from invites.admin.reasons import in_the_way
from invites.admin.redemptions import actions, standing
from invites.departures import window
from invites.models import Departure, Redemption
from invites.queries import people
from invites.queries.people import Person, Standing
from invites.states import DepartureReason
from notifications.texts.notices import removal_cost
from teampool.models import Team
from teampool.teams import held_places

MOST_REMOVED = 50


@dataclass(frozen=True, slots=True)
class Row:
    """A person with their buttons, or how far their departure is."""

    person: Person
    buttons: SafeString | str = ""
    leaving: str = ""
    leaving_since: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everybody in the Team; `to_reseat`: seats in a lost Team that can be moved.

    `removed`: who was removed lately, when, and what ChatGPT said that it costs.
    """

    seating: people.Seating
    rows: list[Row]
    may_operate: bool
    to_reseat: int
    removed: list[tuple[str, datetime | None, str]]


def team_page(request: HttpRequest, object_id: str) -> HttpResponse:
    """The Team's page, which is `teampool`'s and knows no seats, with its people added."""
    pages = admin.site.get_model_admin(Team)
    team = Team.objects.select_related("owner").defer("access_token").filter(pk=read_id(object_id) or 0).first()
    beside = {"sheet": sheet(request, team)} if team is not None and pages.has_view_permission(request) else {}
    return pages.change_view(request, object_id, extra_context=beside)


def sheet(request: HttpRequest, team: Team) -> Sheet:
    """The people of a Team; the number of queries does not grow with them."""
    seats = people.seating(team)
    can = may_operate(request)
    claims: dict[int, Any] = {}
    if can:
        ids = [person.redemption.pk for person in seats.people if person.redemption is not None]
        claims = {one.pk: one for one in standing.with_grants(Redemption.objects.filter(pk__in=ids))}
    now = timezone.now()
    rows = [_row(team, person, claims, can=can, now=now) for person in seats.people]
    to_reseat = sum(1 for person in seats.people if person.redemption is not None) if team.is_lost else 0
    return Sheet(seats, rows, can, to_reseat, _removed(team, now))


def _removed(team: Team, now: datetime) -> list[tuple[str, datetime | None, str]]:
    """Those of the last 72 hours, and those whose seat is still billed."""
    which = window.removed(now) | Q(billed_until__gt=now)
    ways = team.departures.filter(which, told_at__isnull=False).order_by("-removed_at", "-pk")
    return [(way.subject.label, way.removed_at, removal_cost(way.notice.facts())) for way in ways[:MOST_REMOVED]]


def may_operate(request: HttpRequest) -> bool:
    return request.user.has_perms(["invites.change_redemption", "teampool.change_team"])


def _row(team: Team, person: Person, claims: dict[int, Any], *, can: bool, now: datetime) -> Row:
    if person.leaving is not None:
        way = person.leaving
        return Row(person, "", leaving_words(way), way.opened_at, problem_words(way))
    if not can or person.is_protected:
        return Row(person)
    if person.vacancy_id is not None:
        if not held_places.may_be_released(team, person.since, now):
            return Row(person)
        link = reverse("admin:team_place_release", args=[team.pk, person.vacancy_id])
        return Row(person, row_button(link, _("Release")))
    if person.redemption is not None:
        claim = claims.get(person.redemption.pk)
        return Row(person, actions.buttons(claim, now) if claim is not None else "")
    if person.standing in (Standing.STRANGER, Standing.HIDDEN) and person.member_id is not None:
        args = [team.pk, person.member_id]
        allow = row_button(reverse("admin:team_person_allow", args=args), _("Allow"))
        remove = row_button(reverse("admin:team_person_remove", args=args), _("Remove"))
        return Row(person, actions.joined([allow, remove]))
    return Row(person)


def leaving_words(departure: Departure) -> str:
    match departure.reason:
        case DepartureReason.WITHDRAWN | DepartureReason.RECLAIMED:
            return _("Being revoked")
        case DepartureReason.RESEATED:
            return _("Being moved")
    return _("Being removed")


def problem_words(departure: Departure) -> str:
    """Why the last try failed, in our own words."""
    return in_the_way(departure.last_problem)

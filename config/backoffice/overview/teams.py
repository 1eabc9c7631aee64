"""Teams that need a person: lost, unpaid, without rights, restricted, over-full. One query for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from base.times import full
from config.backoffice.overview.line import Line, changed_at, those_teams
from notifications.texts import notices
from teampool.models import OVER_FULL, Team
from teampool.stored_snapshot import OTHER_WORKSPACE, OWN_LOGIN_MISSING
from teampool.teams.subscriptions import ENDS_SOON, ends_soon
from teampool.teams.unread_seats import does_place_nobody, places_nobody

State = Team.Workspace
# A list of people that cannot be the Team's own: it takes no one until one of its own comes.
UNTRUSTED = (OWN_LOGIN_MISSING, OTHER_WORKSPACE)


def troubled(now: datetime) -> list[Team]:
    """Teams that may need a line; one query for all lines."""
    ends = Q(subscription_until__lte=now) | Q(subscription_until__lte=now + ENDS_SOON, will_renew=False)
    others = ~Q(workspace_state=State.ACTIVE) | OVER_FULL | Q(sync_problem__in=UNTRUSTED)
    some = Team.objects.filter(ends | others | places_nobody(now), archived_at=None)
    return list(some.defer("access_token", "pools", "reading").order_by("id"))


def gone(pool: list[Team]) -> Iterable[Line]:
    """Lost Teams that hold seats of ours; the button leads to the list that re-seats their people."""
    lost = [team for team in pool if team.workspace_state in Team.LOST and team.seats_held]
    if not lost:
        return
    people = sum(team.seats_held for team in lost)
    link = reverse("admin:team_reseat")
    if len(lost) > 1:
        text = _("{teams} Teams were lost; {n} people lost their seat").format(teams=len(lost), n=people)
    else:
        context = {"team": str(lost[0]), "people": people, "state": lost[0].workspace_state}
        text = notices.line("team_suspended", context)
        link = f"{link}?teams={lost[0].pk}"
    since = changed_at("team", "team_changed", [team.pk for team in lost])
    yield Line("gone", text, link=link, button=_("Re-seat {n}").format(n=people), since=since)


def unpaid(pool: list[Team], now: datetime) -> Iterable[Line]:
    over = [team for team in pool if team.workspace_state not in Team.LOST and _is_unpaid(team, now)]
    yield from _line(
        "unpaid",
        over,
        one=_("The subscription of {team} is over; it takes no one"),
        many=_("The subscriptions of {n} Teams are over; they take no one"),
    )


def _is_unpaid(team: Team, now: datetime) -> bool:
    until = team.subscription_until
    return team.workspace_state == State.DELINQUENT or (until is not None and until <= now)


def role_too_low(pool: list[Team]) -> Iterable[Line]:
    yield from _line(
        "role",
        [team for team in pool if team.workspace_state == State.INSUFFICIENT_ROLE],
        one=_("The login may no longer invite to {team}; it takes no one"),
        many=_("The logins may no longer invite to {n} Teams; they take no one"),
    )


def untrusted(pool: list[Team]) -> Iterable[Line]:
    """Teams whose last list cannot be theirs: nothing was concluded from it, and they take nobody new."""
    those = [team for team in pool if team.sync_problem in UNTRUSTED and team.workspace_state == State.ACTIVE]
    yield from _line(
        "untrusted",
        those,
        event="list_untrusted",
        many=_("The lists of people of {n} Teams cannot be their own; they take no one"),
    )


def restricted(pool: list[Team]) -> Iterable[Line]:
    yield from _line(
        "restricted",
        [team for team in pool if team.workspace_state == State.RESTRICTED],
        one=_("ChatGPT drops the invitations to {team}; it takes no one for a day"),
        many=_("ChatGPT drops the invitations to {n} Teams; they take no one for a day"),
        is_red=False,
    )


def subscription_ends(pool: list[Team], now: datetime) -> Iterable[Line]:
    """Within seven days, and ChatGPT says that it is not renewed."""
    ending = [
        (team.subscription_until, team) for team in pool if team.subscription_until is not None and ends_soon(team, now)
    ]
    if ending:
        first = min(until for until, _team in ending)
        many = _("The subscriptions of {n} Teams end soon, the first {time}, unrenewed")
        yield from _line(
            "subscription",
            [team for _until, team in ending],
            event="subscription_ends",
            context={"until": first.isoformat()},
            many=many.replace("{time}", full(first)),
            is_red=False,
        )


def seats_not_read(pool: list[Team], now: datetime) -> Iterable[Line]:
    unread = [team for team in pool if does_place_nobody(team, now)]
    if not unread:
        return
    if len(unread) == 1:
        text = notices.line("seats_not_read", {"team": str(unread[0])})
    else:
        text = _("The seats of {n} Teams were not read for 24 h; they stopped accepting people").format(n=len(unread))
    link, again = those_teams([team.pk for team in unread]), reverse("admin:teampool_team_read_seats")
    yield Line("seats_unread", text, is_red=False, link=link, posts_to=again, button=_("Read again"))


def over_full(pool: list[Team]) -> Iterable[Line]:
    full_up = [team for team in pool if team.is_over_full]
    context = {"used": full_up[0].seats_taken, "total": full_up[0].seats_bought} if full_up else {}
    yield from _line(
        "over_full",
        full_up,
        event="team_over_full",
        context=context,
        many=_("{n} Teams are over-full; nobody is removed by itself"),
        is_red=False,
        button=_("See people"),
    )


def _line(
    kind: str,
    those: list[Team],
    *,
    many: str,
    one: str = "",
    event: str = "",
    context: notices.Context | None = None,
    is_red: bool = True,
    button: str = "",
) -> Iterable[Line]:
    """One Team: its page, in the words of `one` or of the notice of `event`. Several: the list of them, in `many`."""
    if not those:
        return
    if len(those) > 1:
        text = many.format(n=len(those))
    else:
        team = str(those[0])
        text = notices.line(event, {"team": team, **(context or {})}) if event else one.format(team=team)
    link = those_teams([team.pk for team in those])
    yield Line(kind, text, is_red=is_red, link=link, button=button or _("See"))

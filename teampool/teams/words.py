"""Sentences about a Team for the operator: its state, its log-in, its seat cap."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from base.times import day, full, tag
from teampool.models import Owner, Team
from teampool.pool import stored
from teampool.pool.capacity_words import explain
from teampool.stored_snapshot import BLOCKED, NOT_PERMITTED, OTHER_WORKSPACE, OWN_LOGIN_MISSING
from teampool.teams.badges import badge_for
from teampool.teams.health import RESTRICTED_FOR
from teampool.teams.subscriptions import ENDS_SOON, ends_soon
from teampool.upstream.types import AUTOMATION, CODEX, PREMIUM, STANDARD
from teampool.upstream.web_session import NO_TOKEN_HERE, NO_TOKEN_NOW, SAME_TOKEN

# `upstream.paging` writes this.
_FAILED_PAGE = re.compile(r"page (\d+):")


@dataclass(frozen=True, slots=True)
class Credential:
    """`tone` as for badges; `text` says how long the log-in lasts, never a token."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class SubscriptionWords:
    """When the subscription ends and what happens then; `tone` as for badges, "" while nothing has to be done."""

    text: str
    tone: str


def subscription(team: Team, now: datetime) -> SubscriptionWords:
    """For example `until 12-30 · renews`. Red where ChatGPT deactivates the workspace at the end; – when unknown."""
    until = team.subscription_until
    if until is None:
        return SubscriptionWords("–", "")
    if team.will_renew is False and team.cancellation_outcome == "deactivate":
        what, tone = _("will be deactivated"), "danger"
    elif team.will_renew is False:
        what, tone = _("not renewed"), "warning" if until <= now + ENDS_SOON else ""
    else:
        what = pgettext("subscription", "renews") if team.will_renew else ""
        tone = "warning" if not team.will_renew and until <= now + ENDS_SOON else ""
    return SubscriptionWords(" · ".join(filter(None, [_("until {day}").format(day=day(until)), what])), tone)


SEAT_TYPES = {
    STANDARD: gettext_lazy("Standard"),
    PREMIUM: gettext_lazy("Premium"),
    CODEX: gettext_lazy("Codex"),
    AUTOMATION: gettext_lazy("Automation"),
}


def pools(team: Team) -> list[tuple[str, dict[str, int | None]]]:
    """ChatGPT's seat pools as the last read gave them: the name of each kind of seat, and its numbers."""
    return [(str(SEAT_TYPES.get(pool["seat_type"], pool["seat_type"])), pool) for pool in team.pools]


def why(team: Team, now: datetime) -> str:
    """Why the Team has its state, what to do, and whether its subscription ends soon."""
    text = _why(team, now)
    if team.subscription_until is None or not ends_soon(team, now):
        return text
    until = full(team.subscription_until)
    return _("{text} Its subscription ends {time} and is not renewed.").format(text=text, time=until)


def _why(team: Team, now: datetime) -> str:
    match badge_for(team, now).key:
        case "archived":
            return _("Archived: it takes no one and is not looked at any more.")
        case "suspended":
            return _("ChatGPT suspended this Team. Re-seat its people; if it returns, the next sync brings it back.")
        case "access_lost":
            return _(
                "The login no longer reaches this Team. Paste a session of an owner who does, or re-seat its people."
            )
        case "insufficient_role":
            return _("The login is neither owner nor admin here any more. Restore its role at ChatGPT, then sync.")
        case "restricted":
            return _why_restricted(team)
        case "token_expired":
            return _("ChatGPT no longer accepts the login. Paste a new session; the Team then returns by itself.")
        case "subscription_ended" if team.workspace_state == Team.Workspace.DELINQUENT:
            return _("ChatGPT says it is not paid for. Settle the bill there; the next sync then brings the Team back.")
        case "subscription_ended":
            return _("The subscription is over. Renew it at ChatGPT; the next sync then brings the Team back.")
        case "over_full":
            return _("More people than seats. Nobody is removed by itself; the Team takes no one until some leave.")
        case "paused":
            return _("You paused it: it takes no one. The people in it stay.")
        case "cooling":
            return _no_token(team.sync_problem) or _(
                "ChatGPT asked us to slow down. The Team takes people again by itself."
            )
        case "unsynced":
            return _why_not_believed(team.sync_problem) or _(
                "There is no complete list of its people yet. The next sync fetches one."
            )
        case "seats_unread":
            return explain(stored.capacity(team, now))
        case "full":
            return _("No seat is free.")
    text = ngettext("It takes people: {n} seat is free.", "It takes people: {n} seats are free.", team.seats_free)
    return text.format(n=team.seats_free)


def _why_restricted(team: Team) -> str:
    if team.restricted_at is None:
        return _("ChatGPT takes invitations here and never lists them. It takes no one; the people in it stay.")
    until = full(team.restricted_at + RESTRICTED_FOR)
    text = _(
        "ChatGPT takes invitations here and never lists them. It takes no one until {time}; a sync then tries again."
    )
    return text.format(time=until)


def credential(team: Team, *, renews_itself: bool, now: datetime) -> Credential:
    """Renews itself, lasts until a time, or has ended. `renews_itself`: the Owner's tokens are proven to."""
    if team.token_state != Team.Token.HEALTHY:
        return Credential(pgettext("login", "Expired"), "danger")
    if renews_itself and team.owner.login == Owner.Login.OK:
        return Credential(_("Renews itself"), "success")
    if team.access_expires_at is None:
        return Credential("–", "default")
    if team.access_expires_at <= now:
        return Credential(pgettext("login", "Expired"), "danger")
    return Credential(_("Until {time}").format(time=full(team.access_expires_at)), "warning")


def client_problem(owner: Owner) -> str:
    """What a refresh token lacks that cannot be used, and what to do."""
    if owner.client_id:
        return _("wrong client id: import its refresh token with the right one")
    return _("client id missing: import its refresh token with it")


def list_problem(team: Team) -> SafeString | str:
    """Which list a Team shows after a failed sync, in our words only."""
    at = tag(team.snapshot_started_at)
    if team.snapshot_started_at is None:
        return _("The last sync failed; there is no list yet.")
    if advice := _why_not_believed(team.sync_problem):
        return format_html(_("{why} This is the list of {time}."), why=advice, time=at)
    if page := _FAILED_PAGE.match(team.sync_problem):
        return format_html(
            _("The list is incomplete (page {n} failed); this is the one of {time}."), n=page[1], time=at
        )
    return format_html(_("The last sync failed; this is the list of {time}."), time=at)


def sync_reason(team: Team) -> str:
    """Why its last sync failed, in a few words."""
    if team.workspace_state == Team.Workspace.SUSPENDED:
        return _("the Team is suspended")
    if team.token_state != Team.Token.HEALTHY:
        return _("the login expired")
    if team.workspace_state == Team.Workspace.ACCESS_LOST:
        return _("the login no longer reaches the Team")
    if _FAILED_PAGE.match(team.sync_problem):
        return _("the list is incomplete")
    if team.sync_problem == BLOCKED:
        return _("ChatGPT blocks this server's address for now")
    if team.sync_problem == NOT_PERMITTED:
        return _("ChatGPT refused without saying why")
    if team.sync_problem in _NO_TOKEN:
        return str(_NO_TOKEN[team.sync_problem])
    return untrusted(team.sync_problem) or _("ChatGPT cannot be reached")


_NO_TOKEN = {
    NO_TOKEN_HERE: gettext_lazy("ChatGPT gave no token for this workspace"),
    NO_TOKEN_NOW: gettext_lazy("ChatGPT gave no token just now"),
    SAME_TOKEN: gettext_lazy("ChatGPT keeps giving a token that it refuses"),
}


def _no_token(problem: str) -> str:
    """Why a Team waits whose log-in has no token for it; "" for every other problem."""
    if problem not in _NO_TOKEN:
        return ""
    return _("{problem}. The Team takes people again when it does.").format(problem=_NO_TOKEN[problem])


def untrusted(problem: str) -> str:
    """Why a list was not believed, in a few words; "" for every other problem."""
    if problem == OWN_LOGIN_MISSING:
        return _("the list does not show the log-in itself")
    return _("the list is that of another Team") if problem == OTHER_WORKSPACE else ""


def _why_not_believed(problem: str) -> str:
    """Why a list was not believed and what to do; "" for every other problem."""
    if problem == OWN_LOGIN_MISSING:
        return _(
            "ChatGPT gave a list of people without the log-in itself, so it is not believed and the Team takes "
            "no one. Was the log-in removed from this Team? Paste a session of an owner who is in it, then sync."
        )
    if problem == OTHER_WORKSPACE:
        return _(
            "ChatGPT gave the list of another Team, so it is not believed and this Team takes no one. Nobody is "
            "called absent by it. If it stays so after the next sync, paste a new session."
        )
    return ""

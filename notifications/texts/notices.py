"""What operators are told: one line per event, in the words of the first screen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from base.times import full
from notifications import ways
from notifications.audit.words import ACTIONS
from notifications.settings.declared import PUBLIC_URL

Context = Mapping[str, Any]


def line(event: str, context: Context) -> str:
    """The event in the active language, on a single line; an event without words is shown by its name."""
    words = _LINES.get(event)
    text = words(context) if words is not None else str(ACTIONS.get(event, event))
    return " ".join(text.split())[:500]


def public_url(values: Mapping[str, Any]) -> str:
    """This site's address: the setting, else the first entry of CSRF_TRUSTED_ORIGINS, else empty."""
    if values[PUBLIC_URL.key]:
        return str(values[PUBLIC_URL.key])
    return next((origin.rstrip("/") for origin in settings.CSRF_TRUSTED_ORIGINS if "*" not in origin), "")


def admin_address(public_url: str) -> str:
    return public_url + reverse("admin:index")


def _token_expired(context: Context) -> str:
    if context.get("owner"):  # the owner's log-in ended, so all the owner's Teams did
        return _login_expired(context)
    return _("The token of {team} expired; it takes no one").format(team=context["team"])


def _login_expired(context: Context) -> str:
    if context.get("by"):
        return _took_over(context)
    teams, others = context.get("teams", 0), context.get("others", [])
    if not others:
        text = ngettext(
            "Login of {owner} expired; {n} Team takes no one", "Login of {owner} expired; {n} Teams take no one", teams
        )
        return text.format(owner=context["owner"], n=teams)
    values = {"owner": context["owner"], "n": teams, "m": len(others), "by": _(", ").join(dict.fromkeys(others))}
    if not teams:
        text = ngettext(
            "Login of {owner} expired; {by} takes over {m} Team",
            "Login of {owner} expired; {by} takes over {m} Teams",
            len(others),
        )
    else:
        text = ngettext(
            "Login of {owner} expired; {by} takes over {m} Team, {n} without another log-in take no one",
            "Login of {owner} expired; {by} takes over {m} Teams, {n} without another log-in take no one",
            len(others),
        )
    return text.format(**values)


def _took_over(context: Context) -> str:
    match context.get("problem"):
        case "access_lost":
            text = _("{owner} no longer reaches {team}; {by} runs it now")
        case "insufficient_role":
            text = _("{owner} may no longer invite to {team}; {by} runs it now")
        case _:
            text = _("{owner} has no working token for {team}; {by} runs it now")
    return text.format(owner=context["owner"], team=context["team"], by=context["by"])


def _team_suspended(context: Context) -> str:
    people = context.get("people", 0)
    if context.get("state") == "access_lost":
        text = ngettext(
            "The login no longer reaches {team}; {n} person lost their seat",
            "The login no longer reaches {team}; {n} people lost their seat",
            people,
        )
    else:
        text = ngettext(
            "{team} was suspended; {n} person lost their seat",
            "{team} was suspended; {n} people lost their seat",
            people,
        )
    return text.format(team=context["team"], n=people)


def _team_over_full(context: Context) -> str:
    used = f"{context.get('used', '')}/{context.get('total', '')}"
    return _("{team} is over-full {used}; nobody is removed by itself").format(team=context["team"], used=used)


def _seats_not_read(context: Context) -> str:
    return _("The seats of {team} were not read for 24 h; it stopped accepting people").format(team=context["team"])


def _subscription_ends(context: Context) -> str:
    until = parse_datetime(context["until"])
    text = _("The subscription of {team} ends {time} and is not renewed")
    return text.format(team=context["team"], time=full(until) if until is not None else "")


def _low_stock(context: Context) -> str:
    count, threshold = context["current_seats"], context["threshold"]
    text = ngettext("{n} free seat, threshold {m}", "{n} free seats, threshold {m}", count)
    return text.format(n=f"{count:,}", m=f"{threshold:,}")


def _removal_costs(context: Context) -> str:
    return _("{team}: {cost}").format(team=context["team"], cost=removal_cost(context))


def removal_cost(facts: Context) -> str:
    """What ChatGPT said a removal costs, in one sentence; `facts` as `RemovalNotice.facts` has them."""
    until, since = _day(facts.get("billed_until")), _day(facts.get("billed_from"))
    said = [_which_removal(facts)]
    if facts["costs"] and until:
        said = [_("{removal}; this seat is billed until {date}").format(removal=said[0], date=until)]
    elif facts["costs"] and since:
        said = [_("{removal}; this seat is billed from {date}").format(removal=said[0], date=since)]
    if facts.get("needs_replacement"):
        said.append(_("somebody has to take the seat"))
    if facts.get("billing_text"):
        said.append(f"ChatGPT: {facts['billing_text']}")
    return " · ".join(said)


def _which_removal(facts: Context) -> str:
    n, free_below = facts.get("vacancy_ordinal"), facts.get("free_below")
    if n is None:
        silent = _("ChatGPT said nothing about the cost")
        return _("The removal is charged") if facts["costs"] else silent
    nth = _nth(n)
    if facts["costs"] and free_below is not None and n >= free_below:
        return _("{nth} removal, over the free {n}").format(nth=nth, n=max(free_below - 1, 0))
    if facts["costs"]:
        return _("{nth} removal, charged").format(nth=nth)
    if free_below is not None and n < free_below:
        return _("{nth} removal, of the {n} that are free").format(nth=nth, n=free_below - 1)
    if facts.get("seats_billed") == 0:
        return _("{nth} removal, not charged").format(nth=nth)
    return _("{nth} removal, ChatGPT said nothing about the cost").format(nth=nth)


def _nth(n: int) -> str:
    if n % 100 in (11, 12, 13):
        return _("{n}th").format(n=n)
    return {1: _("{n}st"), 2: _("{n}nd"), 3: _("{n}rd")}.get(n % 10, _("{n}th")).format(n=n)


def _day(text: str | None) -> str:
    moment = parse_datetime(text) if text else None
    return localtime(moment).strftime("%Y-%m-%d") if moment is not None else ""


def _guardian_stopped(context: Context) -> str:
    hours = context["hours"]
    text = ngettext(
        "The database stood still for {h} hour; removals are paused",
        "The database stood still for {h} hours; removals are paused",
        hours,
    )
    return text.format(h=f"{hours:,}")


def _guardian_capped(context: Context) -> str:
    text = _("The sweep wanted to remove {n}, limit {m}; it stopped")
    if context.get("hours"):
        text = _("The sweep wanted to remove {n} more, limit {m} a Team in {h} hours; it stopped")
    return text.format(n=context["wanted"], m=context["limit"], h=context.get("hours"))


def _sweep_too_slow(context: Context) -> str:
    return _("A sweep takes {a} s, the interval is {b} s").format(a=context["seconds"], b=context["interval"])


def _list_untrusted(context: Context) -> str:
    return _("The list of people of {team} cannot be its own; it takes no one").format(team=context["team"])


def _invite_unresolved(context: Context) -> str:
    count, minutes = context.get("count", 1), context["minutes"]
    if minutes < 60:
        return ngettext(
            "{n} invitation unconfirmed for 10 min", "{n} invitations unconfirmed for 10 min", count
        ).format(n=count)
    return ngettext("{n} invitation unconfirmed for {h} h", "{n} invitations unconfirmed for {h} h", count).format(
        n=count, h=minutes // 60
    )


def _operator_locked_out(context: Context) -> str:
    # A stranger chooses this name by typing it at the log-in: keep it short.
    username = str(context["username"])[:64]
    return _("Log-in of {username} locked after wrong passwords from {ip}").format(username=username, ip=context["ip"])


def _delivery_failing(context: Context) -> str:
    text = _("Notices by {channel} do not get through: {reason}")
    return text.format(channel=ways.title(context["channel"]), reason=context["reason"])


def _test(context: Context) -> str:
    return _("This is a test. There is nothing to do.")


_LINES: dict[str, Callable[[Context], str]] = {
    "token_expired": _token_expired,
    "login_expired": _login_expired,
    "team_suspended": _team_suspended,
    "team_over_full": _team_over_full,
    "seats_not_read": _seats_not_read,
    "subscription_ends": _subscription_ends,
    "low_stock": _low_stock,
    "removal_costs": _removal_costs,
    "guardian_stopped": _guardian_stopped,
    "guardian_capped": _guardian_capped,
    "sweep_too_slow": _sweep_too_slow,
    "list_untrusted": _list_untrusted,
    "invite_unresolved": _invite_unresolved,
    "operator_locked_out": _operator_locked_out,
    "delivery_failing": _delivery_failing,
    "test": _test,
}

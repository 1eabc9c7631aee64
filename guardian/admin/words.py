"""Findings and sweeps in words and badges."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from base.operator_pages import badge
from base.times import clock, full
from guardian.decisions.status import Outlook
from guardian.models import Finding, Sweep
from guardian.rules.states import Kind, State, SweepState
from guardian.settings import Policy
from invites.admin.reasons import in_the_way
from invites.models import Departure
from invites.states import DepartureState
from invites.words import number
from notifications.texts.notices import removal_cost
from teampool.upstream.types import AUTOMATION, CODEX, PREMIUM

_KINDS = {
    Kind.STRANGER: (gettext_lazy("Stranger"), "danger", "person_alert"),
    Kind.OVERDUE: (gettext_lazy("Overdue"), "warning", "timer_off"),
    Kind.DUPLICATE: (gettext_lazy("Duplicate"), "warning", "group"),
    Kind.VANISHED: (gettext_lazy("Vanished"), "info", "person_off"),
    Kind.OTHER_SEAT: (gettext_lazy("Other kind of seat"), "info", "event_seat"),
}
_SEATS = {
    PREMIUM: gettext_lazy("Premium seat"),
    CODEX: gettext_lazy("Codex seat"),
    AUTOMATION: gettext_lazy("automation seat"),
}
_STATES = {
    State.OPEN: (gettext_lazy("Watched"), "info", "visibility"),
    State.HELD: (gettext_lazy("Waits for you"), "danger", "front_hand"),
    State.APPROVED: (gettext_lazy("To be removed"), "warning", "schedule"),
    State.REMOVING: (gettext_lazy("Being removed"), "info", "hourglass_top"),
    State.FAILED: (gettext_lazy("Not removed"), "danger", "error"),
    State.DISMISSED: (gettext_lazy("Dismissed"), "default", "do_not_disturb_on"),
    State.ALLOWED: (gettext_lazy("Allowed"), "success", "verified_user"),
    State.REMOVED: (gettext_lazy("Removed"), "success", "check_circle"),
    State.GONE: (gettext_lazy("No longer so"), "default", "remove_done"),
}
_SWEEPS = {
    SweepState.LOOKING: (gettext_lazy("Looking"), "info", "hourglass_top"),
    SweepState.ACTING: (gettext_lazy("Removing"), "info", "hourglass_top"),
    SweepState.DONE: (gettext_lazy("Done"), "success", "check_circle"),
    SweepState.ABANDONED: (gettext_lazy("Given up"), "default", "block"),
}
# Why a sweep left a Team out, in the page's order.
SKIPPED = {
    "incomplete": gettext_lazy("its lists could not be read completely"),
    "own_user_missing": gettext_lazy("the list does not show the log-in itself"),
    "nobody_known": gettext_lazy("the list shows nobody who was known there"),
    "other_workspace": gettext_lazy("the list is that of another Team"),
    "cooling": gettext_lazy("cooling down"),
    "out_of_order": gettext_lazy("the login or the Team is out of order"),
}
_PROBLEMS = {
    "changed": gettext_lazy("changed meanwhile; look again"),
    "paused": gettext_lazy("removals are paused"),
    "stays": gettext_lazy("may stay after all: nothing was done"),
}


def kind_word(kind: Kind) -> Any:
    return _KINDS[kind][0]


def state_word(state: State) -> Any:
    return _STATES[state][0]


def kind_badge(finding: Finding) -> SafeString:
    word, tone, icon = _KINDS[Kind(finding.kind)]
    return badge(str(word), tone, icon)


def state_badge(finding: Finding) -> SafeString:
    """The state's badge; for one that failed or has to wait also why."""
    word, tone, icon = _STATES[State(finding.state)]
    shown = badge(str(word), tone, icon)
    hint = ""
    if finding.state == State.FAILED:
        hint = in_the_way(finding.problem) or str(FAILED)
    elif finding.state in (State.OPEN, State.HELD):
        hint = in_the_way(finding.problem)
    return format_html('{} <span class="sk-hint">{}</span>', shown, hint) if hint else shown


FAILED = gettext_lazy("The removal did not work; it is checked again after the next complete list.")


def evidence(finding: Any, policy: Policy, now: datetime) -> SafeString | str:
    """Since when, how often, and until when nothing is done."""
    match finding.kind:
        case Kind.OVERDUE:
            said = [_("time over since {time}").format(time=_at(finding.evidence.get("ends_at"), now))]
        case Kind.VANISHED:
            said = [_("not in the lists since {time}").format(time=_at(finding.evidence.get("absent_since"), now))]
        case Kind.OTHER_SEAT:
            seat = str(finding.evidence.get("seat_type", ""))
            said = [_("first seen {time}").format(time=clock(finding.first_seen_at, now)), str(_SEATS.get(seat, seat))]
        case _:
            said = [_("first seen {time}").format(time=clock(finding.first_seen_at, now)), _seen(finding, policy)]
            until = finding.first_seen_at + policy.grace
            if until > now:
                said.append(_("grace until {time}").format(time=clock(until, now)))
            if getattr(finding, "elsewhere", None):
                said.append(_("seat in {team}").format(team=finding.elsewhere))
    if finding.is_invite:
        said.append(_("invited, not accepted"))
    return _joined(said)


def _seen(finding: Finding, policy: Policy) -> str:
    return _("{n}/{needed} times").format(n=min(finding.sightings, policy.sightings), needed=policy.sightings)


def _at(text: Any, now: datetime) -> str:
    moment = parse_datetime(text) if isinstance(text, str) and text else None
    return clock(moment, now) if moment is not None else "–"


def _joined(said: list[str]) -> SafeString:
    """Join the parts; each stays on one line when the text wraps."""
    pieces = format_html_join(" · ", '<span class="sk-piece">{}</span>', ((one,) for one in said))
    return format_html("<span>{}</span>", pieces)


def why_removed(finding: Finding) -> SafeString:
    way = finding.departure
    known: dict[str, Any] = way.evidence if way is not None else finding.evidence
    now = way.opened_at if way is not None else finding.last_seen_at
    if finding.kind == Kind.OVERDUE:
        said = [_("time over since {time}").format(time=_full(known.get("ends_at")))]
    else:
        said = [
            _("first seen {time}").format(time=clock(finding.first_seen_at, now)),
            ngettext("seen {n} time", "seen {n} times", known.get("sightings", finding.sightings)).format(
                n=number(known.get("sightings", finding.sightings))
            ),
        ]
    if known.get("approved_by"):
        said.append(_("decided by {who}").format(who=known["approved_by"]))
    return _joined(said)


def _full(text: Any) -> str:
    moment = parse_datetime(text) if isinstance(text, str) and text else None
    return full(moment) if moment is not None else "–"


def check(way: Departure | None, now: datetime) -> SafeString | str:
    """How far a removal got, what proves it, and what ChatGPT said that it costs."""
    if way is None:
        return "–"
    cost = removal_cost(way.notice.facts()) if way.removed_at is not None and way.told_at is not None else ""
    return format_html('{} <span class="sk-hint">{}</span>', _check(way, now), cost) if cost else _check(way, now)


def _check(way: Departure, now: datetime) -> SafeString:
    match way.state:
        case DepartureState.DONE:
            return badge(_("Gone: a complete list shows it"), "success", "check_circle")
        case DepartureState.DROPPED:
            shown = badge(_("Stays after all"), "warning", "undo")
            return format_html('{} <span class="sk-hint">{}</span>', shown, in_the_way(way.last_problem))
    if way.told_at is not None:
        text = _("ChatGPT was told {time}; the next complete list proves it").format(time=clock(way.told_at, now))
        return format_html("{}", text)
    shown = badge(_("Under way"), "info", "hourglass_top")
    return format_html('{} <span class="sk-hint">{}</span>', shown, in_the_way(way.last_problem))


def problem(code: str) -> str:
    return str(_PROBLEMS.get(code, code))


def sweep_badge(sweep: Sweep) -> SafeString:
    word, tone, icon = _SWEEPS[SweepState(sweep.state)]
    said = [badge(str(word), tone, icon)]
    if sweep.is_dry:
        said.append(badge(_("Looked only"), "default", "visibility"))
    if sweep.held:
        text = ngettext("{n} waits for you", "{n} wait for you", sweep.held).format(n=number(sweep.held))
        said.append(badge(text, "danger", "front_hand"))
    if sweep.spent:
        text = ngettext("{n} stays for now", "{n} stay for now", sweep.spent).format(n=number(sweep.spent))
        said.append(badge(text, "warning", "schedule"))
    return format_html_join(" ", "{}", ((one,) for one in said))


def spent(sweep: Sweep) -> str:
    text = ngettext(
        "{n} person stays for now: the removals of 72 hours are used up in their Team.",
        "{n} people stay for now: the removals of 72 hours are used up in their Teams.",
        sweep.spent,
    )
    return text.format(n=number(sweep.spent))


def coverage(sweep: Sweep) -> SafeString | str:
    """`10 / 10`, and a word when Teams were left out."""
    if sweep.judged_at is None:
        return "–"
    shown = f"{number(sweep.complete)} / {number(sweep.teams)}"
    if sweep.complete < sweep.teams:
        return format_html('{} <span class="sk-warning">{}</span>', shown, _("incomplete"))
    return format_html('{} <span class="sk-hint">{}</span>', shown, pgettext("sweep", "complete"))


def found(sweep: Sweep) -> str:
    """Standing findings after the sweep, and how many of them were new."""
    if sweep.judged_at is None:
        return "–"
    total = number(sum(sweep.found.values()))
    return _("{n}, {new} new").format(n=total, new=number(sweep.new)) if sweep.new else total


def took(sweep: Sweep) -> str:
    if sweep.finished_at is None:
        return "–"
    return _("{n} s").format(n=number(int((sweep.finished_at - sweep.started_at).total_seconds())))


def mode(*, enforces: bool) -> str:
    return _("removes people") if enforces else _("report only")


def last_sweep(view: Outlook, now: datetime) -> list[str]:
    """`Last sweep 14:02`, and the rest of the line of the first screen; the first part is a link."""
    last = view.last
    said: list[str] = []
    if last is None:
        said.append(_("No sweep yet"))
    elif last.finished_at is None:
        said.append(_("Sweep since {time}").format(time=clock(last.started_at, now)))
    else:
        said.append(_("Last sweep {time}").format(time=clock(last.started_at, now)))
    if last is not None and last.judged_at is not None:
        text = ngettext("{n} / {of} Team complete", "{n} / {of} Teams complete", last.teams)
        said.append(text.format(n=number(last.complete), of=number(last.teams)))
    if not view.policy.is_enabled:
        said.append(_("the guardian is off"))
    else:
        said.append(mode(enforces=view.policy.enforces))
    if view.next_at is not None:
        said.append(_("next about {time}").format(time=clock(max(view.next_at, now), now)))
    return said

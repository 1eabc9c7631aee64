"""Reasons in our own words: why a seat was not given, ended, or was not taken back."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from invites.departures import carry_out, closing, rights
from invites.states import GHOST, NO_PLACE, DepartureReason, Refusal
from teampool.teams import words
from teampool.upstream.types import Failure

_WORDS: dict[str, str] = {
    Failure.SEATS_FULL: gettext_noop("ChatGPT says the Team is full"),
    Failure.EMAIL_REJECTED: gettext_noop("ChatGPT does not accept this e-mail"),
    Failure.DOMAIN_RESTRICTED: gettext_noop("the Team does not allow this e-mail domain"),
    GHOST: gettext_noop("ChatGPT accepted the invitation and never listed it"),
    NO_PLACE: gettext_noop("the Team has fewer seats than when this one was taken"),
    Failure.WORKSPACE_SUSPENDED: gettext_noop("the Team is suspended"),
    Failure.WORKSPACE_DELINQUENT: gettext_noop("the Team is not paid for"),
    Failure.WORKSPACE_NOT_FOUND: gettext_noop("the login does not reach the Team"),
    Failure.ACCESS_REMOVED: gettext_noop("the login was removed from the Team"),
    Failure.PERMISSION_DENIED: gettext_noop("ChatGPT does not permit it there"),
    Failure.TOKEN_REJECTED: gettext_noop("the login expired"),
    Failure.USER_DEACTIVATED: gettext_noop("the owner's account is disabled"),
    Failure.UNKNOWN_401: gettext_noop("the login expired"),
    Failure.REFUSED_UNCLEAR: gettext_noop("ChatGPT refused without saying why"),
    "team_gone": gettext_noop("the Team was lost"),
    "left": gettext_noop("no longer in the lists"),
    "time_over": gettext_noop("time over"),
    "renewed": gettext_noop("goes on under a new code"),
}
# Values of `Departure.last_problem`: why the person stays or is still there.
_IN_THE_WAY: dict[str, str] = {
    carry_out.UNAVAILABLE: gettext_noop("the Team cannot be reached"),
    closing.PROTECTED: gettext_noop("owners and admins are never removed"),
    closing.NOT_PERMITTED: gettext_noop("ChatGPT does not permit it"),
    closing.OTHER_SEAT: gettext_noop("sits in a Premium or Codex seat: nobody is removed from those"),
    carry_out.PAUSED: gettext_noop("removals are paused"),
    closing.HIDDEN: gettext_noop("ChatGPT hides the e-mail: remove the hidden person on the Team's page"),
    closing.ACCEPTED: gettext_noop("was accepted meanwhile"),
    rights.SEATED_AGAIN: gettext_noop("has a seat again"),
    rights.ALLOWED: gettext_noop("was allowed meanwhile"),
    rights.EXTENDED: gettext_noop("was extended meanwhile"),
    rights.OTHER_SEAT_UNSURE: gettext_noop("the other seat is not confirmed"),
    rights.UNDER_WAY: gettext_noop("a redemption is under way"),
    closing.SWITCHED_OFF: gettext_noop("the guardian was switched off"),
    closing.REPORT_ONLY: gettext_noop("the guardian only reports"),
    closing.OUT_OF_HOURS: gettext_noop("outside the guardian's hours"),
    closing.SPENT: gettext_noop("this Team's removals of 72 hours are used up"),
}


def reason(key: str) -> str:
    """The words of a stored reason; a general sentence when it has none."""
    if not key:
        return ""
    if key in DepartureReason.values:
        return str(DepartureReason(key).label)
    if key in Refusal.values:
        return str(Refusal(key).label)
    return _(_WORDS[key]) if key in _WORDS else _("ChatGPT could not be asked")


def in_the_way(problem: str) -> str:
    """Why a departure was dropped or has not worked yet; "" for no problem."""
    if problem in _IN_THE_WAY:
        return _(_IN_THE_WAY[problem])
    return words.untrusted(problem) or reason(problem)

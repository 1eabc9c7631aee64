"""What an operator can do to a redemption now, as buttons; the main one first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from base.operator_pages import row_button
from invites.actions.bulk import Action
from invites.admin.redemptions.parts import resend_button, resend_words
from invites.admin.redemptions.standing import live_grant
from invites.models import Redemption
from invites.seats.resend import Resend, resend_view
from invites.states import DepartureReason, GrantState, RedemptionState

NAMES = {
    Action.WITHDRAW: gettext_lazy("Revoke"),
    Action.TAKE_BACK: gettext_lazy("Take back"),
    Action.RESEAT: gettext_lazy("Re-seat"),
    Action.END_CLAIM: gettext_lazy("End claim"),
}
_LEAVING: dict[str, Any] = {
    DepartureReason.WITHDRAWN: gettext_lazy("Being revoked…"),
    DepartureReason.RECLAIMED: gettext_lazy("Being revoked…"),
    DepartureReason.RESEATED: gettext_lazy("Being moved…"),
}
# Why an action was not done, or would not be.
_PROBLEMS = {
    "joined": gettext_lazy("has joined already: take the seat back instead"),
    "no_seat": gettext_lazy("holds no seat"),
    "bound": gettext_lazy("may sit in this Team only"),
    "full": gettext_lazy("no seat free"),
    "leaving": gettext_lazy("is leaving already"),
    "over": gettext_lazy("is over already"),
    "changed": gettext_lazy("changed meanwhile; look again"),
    "manager": gettext_lazy("owners and admins are never removed"),
    "other_seat": gettext_lazy("sits in a Premium or Codex seat: nobody is removed from those"),
    "seated": gettext_lazy("has a seat of ours: take that back instead"),
    "gone": gettext_lazy("is not in the Team any more"),
}


def problem_words(code: str) -> str:
    return str(_PROBLEMS.get(code, code))


def possible_actions(redemption: Any) -> list[Action]:
    """The actions that can be confirmed, the main one first. `redemption` comes from `standing.with_grants`."""
    grant = live_grant(redemption)
    if grant is None:
        return [Action.END_CLAIM] if redemption.state == RedemptionState.OPEN else []
    if redemption.leaving:
        return []
    is_lost = grant.team.is_lost
    may_move = is_lost or redemption.bound_team_id != grant.team_id
    is_in = grant.state == GrantState.JOINED
    found = [Action.TAKE_BACK if is_in else Action.WITHDRAW]
    if may_move and (is_in or is_lost):
        found.insert(0 if is_lost else 1, Action.RESEAT)
    return found


def leaving_words(redemption: Any) -> str:
    return str(_LEAVING.get(redemption.leaving, _("Being taken back…"))) if redemption.leaving else ""


def main_button(redemption: Redemption, now: datetime) -> SafeString | str:
    """The button in the list: send the mail again if possible, else the first action; – for none."""
    if words := leaving_words(redemption):
        return words
    possible = possible_actions(redemption)
    if _can_resend(redemption, now) and possible[:1] != [Action.RESEAT]:
        return resend_button(redemption, now)
    words = "" if _can_resend(redemption, now) else resend_words(redemption, now)
    parts: list[SafeString | str] = [words] if words != "–" else []
    return joined([*filter(None, parts), *(action_button(redemption, action) for action in possible[:1])])


def buttons(redemption: Redemption, now: datetime) -> SafeString | str:
    """All buttons, and whether the mail can be sent again."""
    if words := leaving_words(redemption):
        return words
    parts: list[SafeString | str] = [action_button(redemption, action) for action in possible_actions(redemption)]
    mail = resend_button(redemption, now)
    if mail != "–":
        parts.insert(0, mail)
    return joined(parts)


def action_button(redemption: Redemption, action: Action) -> SafeString:
    return row_button(reverse(f"admin:{view_name(action)}", args=[redemption.pk]), NAMES[action])


def view_name(action: Action, *, for_many: bool = False) -> str:
    return f"{'redemptions' if for_many else 'redemption'}_{action.name.lower()}"


def joined(parts: Iterable[SafeString | str]) -> SafeString | str:
    return format_html_join(" ", "{}", ((part,) for part in parts)) or "–"


def _can_resend(redemption: Redemption, now: datetime) -> bool:
    return resend_view(redemption, live_grant(redemption), now).state is Resend.AVAILABLE

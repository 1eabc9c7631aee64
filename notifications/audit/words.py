"""The audit in words: who, what, and the change. No queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_aware, localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from notifications.models import AuditEvent

ACTIONS: dict[str, Any] = {
    "setting_changed": gettext_lazy("Setting changed"),
    "announcement_changed": gettext_lazy("Announcement changed"),
    "api_key_created": gettext_lazy("API key made"),
    "api_key_replaced": gettext_lazy("API key replaced"),
    "api_key_revoked": gettext_lazy("API key revoked"),
    "database_restored": gettext_lazy("Database restored from a backup"),
    "operator_added": gettext_lazy("Operator added"),
    "operator_changed": gettext_lazy("Operator changed"),
    "messages_sent_again": gettext_lazy("Messages sent again"),
    "secrets_rekeyed": gettext_lazy("Secrets encrypted anew"),
    "audit_exported": gettext_lazy("Audit exported"),
    "operator_logged_in": gettext_lazy("Logged in"),
    "operator_locked_out": gettext_lazy("Log-in locked"),
    "operator_unlocked": gettext_lazy("Log-in unlocked"),
    "sign_in_begun": gettext_lazy("Sign-in at OpenAI begun"),
    "sign_in_used": gettext_lazy("Sign-in at OpenAI used"),
    "import_accepted": gettext_lazy("Import started"),
    "import_finished": gettext_lazy("Import finished"),
    "team_created": gettext_lazy("Team imported"),
    "team_updated": gettext_lazy("Team imported again"),
    "team_changed": gettext_lazy("Team changed"),
    "team_over_full": gettext_lazy("Team over-full"),
    "team_archived": gettext_lazy("Team archived"),
    "person_allowed": gettext_lazy("Person allowed"),
    "person_disallowed": gettext_lazy("Person no longer allowed"),
    "owner_changed": gettext_lazy("Owner changed"),
    "token_renewed": gettext_lazy("Token renewed"),
    "codes_made": gettext_lazy("Codes made"),
    "codes_voided": gettext_lazy("Codes voided"),
    "codes_exported": gettext_lazy("Codes exported"),
    "redemption_opened": gettext_lazy("Redemption accepted"),
    "redemption_refused": gettext_lazy("Redemption refused"),
    "redemption_ended": gettext_lazy("Redemption ended"),
    "redemption_already": gettext_lazy("Had a seat already"),
    "seat_moved": gettext_lazy("Seat"),
    "seat_end_changed": gettext_lazy("End of the seat changed"),
    "resend_wanted": gettext_lazy("Invitation mail asked for again"),
    "resend_done": gettext_lazy("Invitation mail sent again"),
    "departure_opened": gettext_lazy("To leave the Team"),
    "departure_told": gettext_lazy("ChatGPT told to let go"),
    "departure_done": gettext_lazy("Left the Team"),
    "departure_dropped": gettext_lazy("Stays after all"),
    "invite_unresolved": gettext_lazy("Invitation unconfirmed"),
    "invites_checked": gettext_lazy("Invitations checked again"),
    "low_stock": gettext_lazy("Low stock"),
    "subscription_ends": gettext_lazy("Subscription about to end"),
    "seats_not_read": gettext_lazy("Seats not read"),
    "place_released": gettext_lazy("Held seat called free"),
    "list_untrusted": gettext_lazy("List of people not believed"),
    "guardian_enabled": gettext_lazy("Guardian switched on"),
    "guardian_disabled": gettext_lazy("Guardian switched off"),
    "guardian_report": gettext_lazy("Guardian only reports"),
    "guardian_enforce": gettext_lazy("Guardian removes people from now on"),
    "guardian_capped": gettext_lazy("Sweep stopped at its limit"),
    "sweep_too_slow": gettext_lazy("Sweep slower than its interval"),
    "baseline_taken": gettext_lazy("Everyone present noted as baseline"),
    "removals_paused": gettext_lazy("Removals paused"),
    "removals_resumed": gettext_lazy("Removals resumed"),
    "clock_brought_back": gettext_lazy("The clock had run ahead"),
    "finding_approved": gettext_lazy("Removal decided"),
    "finding_allowed": gettext_lazy("Finding: allowed"),
    "finding_dismissed": gettext_lazy("Finding: dismissed"),
}
OBJECTS: dict[str, Any] = {
    "setting": gettext_lazy("Setting"),
    "announcement": gettext_lazy("Announcement"),
    "audit": gettext_lazy("Audit"),
    "secrets": gettext_lazy("Secrets"),
    "message": pgettext_lazy("menu", "Messages"),
    "api_key": gettext_lazy("API key"),
    "backup": gettext_lazy("Backup"),
    "operator": gettext_lazy("Operator"),
    "sign_in": gettext_lazy("Sign in"),
    "import": gettext_lazy("Import"),
    "team": gettext_lazy("Team"),
    "owner": gettext_lazy("Owner"),
    "batch": gettext_lazy("Batch"),
    "code": gettext_lazy("Code"),
    "redemption": gettext_lazy("Redemption"),
    "grant": gettext_lazy("Seat"),
    "departure": gettext_lazy("Departure"),
    "person": gettext_lazy("Person"),
    "pool": gettext_lazy("Pool"),
    "guardian": gettext_lazy("Guardian"),
    "sweep": gettext_lazy("Sweep"),
    "finding": gettext_lazy("Finding"),
}
ACTORS: dict[str, Any] = {
    "operator": gettext_lazy("Operator"),
    "key": gettext_lazy("API key"),
    "command": gettext_lazy("Command line"),
    "job": gettext_lazy("System"),
    "user": gettext_lazy("Redeemer"),
}
FIELDS: dict[str, Any] = {
    "name": gettext_lazy("name"),
    "is_enabled": gettext_lazy("takes people"),
    "operator_cap": gettext_lazy("seat cap"),
    "token_state": gettext_lazy("token"),
    "workspace_state": gettext_lazy("workspace"),
    "archived_at": gettext_lazy("archived"),
    "login": gettext_lazy("login"),
    "refresh_token": gettext_lazy("refresh token"),
    "client_state": gettext_lazy("client id of the refresh token"),
    "is_active": gettext_lazy("may log in"),
    "password": gettext_lazy("password"),
    "is_open": pgettext_lazy("of a Team", "open"),
    "baseline": gettext_lazy("people who were there before"),
    "owner": gettext_lazy("owner"),
    "snapshot": gettext_lazy("list of people"),
    "plan": gettext_lazy("plan"),
    "version": gettext_lazy("version"),
    "is_shown": gettext_lazy("shown"),
    "zh": gettext_lazy("Chinese"),
    "en": gettext_lazy("English"),
}
VALUES: dict[str, Any] = {
    "True": gettext_lazy("yes"),
    "False": gettext_lazy("no"),
    "None": gettext_lazy("none"),
    "": gettext_lazy("empty"),
    "ok": gettext_lazy("working"),
    "healthy": gettext_lazy("healthy"),
    "expired": gettext_lazy("expired"),
    "disabled": gettext_lazy("disabled"),
    "mismatch": gettext_lazy("belongs to someone else"),
    "given": gettext_lazy("given with the token"),
    "named": gettext_lazy("named by its access token"),
    "proven": gettext_lazy("proven"),
    "wrong": gettext_lazy("wrong"),
    "active": gettext_lazy("active"),
    "suspended": gettext_lazy("suspended"),
    "delinquent": gettext_lazy("unpaid"),
    "access_lost": gettext_lazy("no access"),
    "insufficient_role": gettext_lazy("role too low"),
    "restricted": gettext_lazy("restricted"),
    "reserved": gettext_lazy("reserved"),
    "inviting": gettext_lazy("inviting"),
    "invited": gettext_lazy("invited, not listed yet"),
    "verified": gettext_lazy("listed, not accepted yet"),
    "joined": gettext_lazy("joined"),
    "cancelled": gettext_lazy("cancelled"),
    "ended": gettext_lazy("ended"),
    "changed": gettext_lazy("changed"),
    "report": gettext_lazy("report only"),
    "enforce": gettext_lazy("remove people"),
}
COUNTED = {
    "created": gettext_lazy("created"),
    "updated": gettext_lazy("updated"),
    "duplicate": gettext_lazy("duplicate"),
    "invalid": gettext_lazy("invalid"),
    "failed": gettext_lazy("failed"),
    "lines": gettext_lazy("lines"),
    "count": gettext_lazy("codes"),
    "size": gettext_lazy("codes"),
    "minutes": gettext_lazy("minutes waited"),
    "used": gettext_lazy("people"),
    "total": gettext_lazy("seats"),
    "invitations": gettext_lazy("invitations"),
    "current_seats": gettext_lazy("free seats"),
    "threshold": gettext_lazy("threshold"),
    "messages": gettext_lazy("notices"),
    "secrets": gettext_lazy("secrets"),
    "people": gettext_lazy("people"),
    "teams": gettext_lazy("Teams"),
    "baseline": gettext_lazy("noted as baseline"),
    "hours": gettext_lazy("hours"),
    "wanted": gettext_lazy("people to be removed"),
    "would_go": gettext_lazy("people to be removed"),
    "limit": gettext_lazy("at most"),
    "seconds": gettext_lazy("seconds it took"),
    "interval": gettext_lazy("seconds of interval"),
    "rows": gettext_lazy("records put right"),
}


# By action: turns `details["why"]` into words. The room that records the action registers the function.
_WHY: dict[str, Callable[[Any], str]] = {}


def explain(action: str, words: Callable[[Any], str]) -> None:
    """Register `words`, which `what` uses for the reason of this action."""
    _WHY[action] = words


def action(event: AuditEvent) -> str:
    """What was done; an action without words is shown by its name."""
    return str(ACTIONS.get(event.action, event.action))


def what(event: AuditEvent) -> str:
    """What was done and the change it made: `Team changed: takes people yes → no`."""
    details = _changes(event.details) or _counts(event.details) or event.details.get("narrowed_to", "") or _why(event)
    return _("{action}: {details}").format(action=action(event), details=details) if details else action(event)


def who(event: AuditEvent) -> str:
    """A person by name; a key by kind and name; the guardian by name; other background work as "System"."""
    kind = str(ACTORS.get(event.actor_kind, event.actor_kind))
    if event.actor_kind == "job" and event.actor == "guardian":
        return str(OBJECTS["guardian"])
    if event.actor_kind == "job" or not event.actor:
        return kind
    return event.actor if event.actor_kind in ("operator", "user") else f"{kind} {event.actor}"


def on_what(event: AuditEvent) -> str:
    kind = str(OBJECTS.get(event.object_kind, event.object_kind))
    # Singletons (guardian, pool) use their kind as id: do not print it twice.
    name = event.object_label or ("" if event.object_id == event.object_kind else event.object_id)
    return name if name.startswith(f"{kind} ") else f"{kind} {name}".rstrip()


def _changes(details: dict[str, Any]) -> str:
    before, after = details.get("before"), details.get("after")
    if isinstance(before, dict) and isinstance(after, dict):
        order = [*FIELDS, *after]  # the database's order of JSON keys differs: PostgreSQL sorts them
        keys = sorted(after, key=order.index)
        parts = [f"{_field(key)} {_value(before.get(key))} → {_value(after[key])}" for key in keys]
        return _(", ").join(parts)
    if "before" in details and "after" in details:
        return f"{_value(before)} → {_value(after)}"
    return ""


def _counts(details: dict[str, Any]) -> str:
    parts = [f"{word} {details[key]:,}" for key, word in COUNTED.items() if isinstance(details.get(key), int | float)]
    return _(", ").join(parts)


def _why(event: AuditEvent) -> str:
    why, words = event.details.get("why"), _WHY.get(event.action)
    return words(why) if why and words is not None else ""


def _field(key: str) -> str:
    return str(FIELDS.get(key, key))


def _value(value: Any) -> str:
    text = str(value)
    if text in VALUES:
        return str(VALUES[text])
    moment = parse_datetime(text) if len(text) >= 19 else None
    return localtime(moment).strftime("%Y-%m-%d %H:%M") if moment is not None and is_aware(moment) else text

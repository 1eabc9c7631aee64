"""The only way to write the audit: one function per fact.

Each writes its audit row, and the messages the fact calls for, in the caller's transaction: a rollback removes
both. Details never hold a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from base.actors import Actor
from notifications.models import AuditEvent
from notifications.outbox import forget, tell_operators, write_to_redeemer

# The dedupe key of a reminder mail is this and the redemption's id.
REMINDED = "mail_reminder:"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a fact is about: `kind` is a key of `words.OBJECTS`, `label` what the operator reads."""

    kind: str
    id: str
    label: str = ""


def _record(action: str, subject: Subject, actor: Actor, details: dict[str, Any] | None = None) -> AuditEvent:
    return AuditEvent.objects.create(
        at=timezone.now(),
        actor_kind=actor.kind,
        actor=actor.name[:254],
        ip=actor.ip,
        action=action,
        object_kind=subject.kind,
        object_id=subject.id,
        object_label=subject.label[:254],
        details=details or {},
    )


# Settings, keys, operators


def setting_changed(*, key: str, before: object, after: object, actor: Actor) -> None:
    _record("setting_changed", Subject("setting", key, key), actor, {"before": before, "after": after})


def api_key_created(*, subject: Subject, actor: Actor) -> None:
    _record("api_key_created", subject, actor)


def api_key_replaced(*, subject: Subject, actor: Actor) -> None:
    _record("api_key_replaced", subject, actor)


def api_key_revoked(*, subject: Subject, actor: Actor) -> None:
    _record("api_key_revoked", subject, actor)


def database_restored(*, subject: Subject, actor: Actor) -> None:
    _record("database_restored", subject, actor)


def announcement_changed(*, before: dict[str, Any], after: dict[str, Any], actor: Actor) -> None:
    _record("announcement_changed", Subject("announcement", ""), actor, {"before": before, "after": after})


def audit_exported(*, narrowed_to: str, actor: Actor) -> None:
    """`narrowed_to`: the page's filters and search as in its address; empty when all records were exported."""
    _record("audit_exported", Subject("audit", ""), actor, {"narrowed_to": narrowed_to} if narrowed_to else None)


def messages_sent_again(*, count: int, actor: Actor) -> None:
    _record("messages_sent_again", Subject("message", ""), actor, {"messages": count})


def secrets_rekeyed(*, count: int, actor: Actor) -> None:
    """Every secret was encrypted under the newest key; no value was shown or changed."""
    _record("secrets_rekeyed", Subject("secrets", ""), actor, {"secrets": count})


def operator_logged_in(*, subject: Subject, actor: Actor) -> None:
    _record("operator_logged_in", subject, actor)


def operator_locked_out(*, username: str, ip: str, is_operator: bool) -> None:
    """Tell operators only when an operator's name was tried, once per hour and address: anybody may try any name."""
    subject = Subject("operator", username[:64], username)
    event = _record("operator_locked_out", subject, Actor("user", username, ip))
    if is_operator:
        key = f"lockout:{ip}:{event.at:%Y%m%d%H}"
        tell_operators("operator_locked_out", dedupe_key=key, context={"username": username, "ip": ip})


def operator_added(*, subject: Subject, actor: Actor) -> None:
    _record("operator_added", subject, actor)


def operator_changed(*, subject: Subject, before: dict[str, Any], after: dict[str, Any], actor: Actor) -> None:
    """`is_active`, or that the password is new; the password itself is never recorded."""
    _record("operator_changed", subject, actor, {"before": before, "after": after})


def operator_unlocked(*, subject: Subject, actor: Actor) -> None:
    _record("operator_unlocked", subject, actor)


# Teams and owners


def sign_in_begun(*, subject: Subject, actor: Actor) -> None:
    _record("sign_in_begun", subject, actor)


def sign_in_used(*, subject: Subject, actor: Actor) -> None:
    _record("sign_in_used", subject, actor)


def import_accepted(*, subject: Subject, lines: int, actor: Actor) -> None:
    _record("import_accepted", subject, actor, {"lines": lines})


def import_finished(*, subject: Subject, counts: dict[str, int], actor: Actor) -> None:
    _record("import_finished", subject, actor, counts)


def team_imported(*, subject: Subject, action: str, actor: Actor, details: dict[str, Any] | None = None) -> None:
    """`action` is "created" or "updated"."""
    _record(f"team_{action}", subject, actor, details)


def team_changed(
    *,
    subject: Subject,
    before: dict[str, Any],
    after: dict[str, Any],
    actor: Actor,
    cause: str = "",
    people: int = 0,
    owner: str = "",
    teams: int = 0,
    is_known: bool = False,
) -> None:
    """A change of health, `is_enabled`, archiving or seat cap, with its cause.

    `people` hold a seat in the Team. When its token ended: `owner` is the log-in, and `teams` of the owner's Teams take
    nobody new. `is_known`: the operators were already told that the log-in ended.
    """
    event = _record("team_changed", subject, actor, {"before": before, "after": after, "cause": cause})
    state = after.get("workspace_state")
    if state in ("suspended", "access_lost"):
        lost = {"team": subject.label, "people": people, "state": state}
        tell_operators("team_suspended", dedupe_key=f"team_suspended:{event.pk}", context=lost)
    if after.get("token_state") in ("expired", "disabled") and not is_known:
        ended = {"team": subject.label, "owner": owner, "teams": teams}
        tell_operators("token_expired", dedupe_key=f"token_expired:{event.pk}", context=ended)


def owner_changed(
    *,
    subject: Subject,
    before: dict[str, Any],
    after: dict[str, Any],
    actor: Actor,
    cause: str = "",
    teams: int = 0,
    others: Sequence[str] = (),
) -> None:
    """`teams`: how many Teams of the owner take nobody new because of the change.

    `others`: for each of the rest, the log-in that takes it over.
    """
    event = _record("owner_changed", subject, actor, {"before": before, "after": after, "cause": cause})
    if after.get("login") not in (None, "ok"):
        ended = {"owner": subject.label, "teams": teams, "others": list(others)}
        tell_operators("login_expired", dedupe_key=f"login_expired:{event.pk}", context=ended)


def login_took_over(
    *, subject: Subject, owner: Subject, before: str, problem: str, is_known: bool, actor: Actor
) -> None:
    """`owner` leads the Team `subject` from now on, in place of the log-in `before`, which met `problem` there.

    `is_known`: the operators were already told that the log-in ended.
    """
    change = {"before": {"owner": before}, "after": {"owner": owner.label}, "cause": problem or "the log-in ended"}
    event = _record("team_changed", subject, actor, change)
    if not is_known:
        ended = {"team": subject.label, "owner": before, "by": owner.label, "problem": problem}
        tell_operators("login_expired", dedupe_key=f"login_expired:{event.pk}", context=ended)


def list_untrusted(*, subject: Subject, problem: str, actor: Actor) -> None:
    """A complete list that cannot belong to this Team; nothing was concluded from it."""
    event = _record("list_untrusted", subject, actor, {"problem": problem})
    tell_operators("list_untrusted", dedupe_key=f"list_untrusted:{event.pk}", context={"team": subject.label})


def token_renewed(*, subject: Subject, source: str, actor: Actor) -> None:
    _record("token_renewed", subject, actor, {"source": source})


def team_over_full(*, subject: Subject, used: int, total: int, actor: Actor) -> None:
    event = _record("team_over_full", subject, actor, {"used": used, "total": total})
    context = {"team": subject.label, "used": used, "total": total}
    tell_operators("team_over_full", dedupe_key=f"over_full:{event.pk}", context=context)


def subscription_ends(*, subject: Subject, until: datetime, actor: Actor) -> None:
    """The subscription ends at `until`, within days, and is not renewed."""
    details = {"until": until.isoformat()}
    event = _record("subscription_ends", subject, actor, details)
    context = {"team": subject.label} | details
    tell_operators("subscription_ends", dedupe_key=f"subscription_ends:{event.pk}", context=context)


def seats_not_read(*, subject: Subject, read_at: datetime, actor: Actor) -> None:
    """The seats of a Team were read last at `read_at`, more than 24 hours ago: it places nobody."""
    event = _record("seats_not_read", subject, actor, {"read_at": read_at.isoformat()})
    tell_operators("seats_not_read", dedupe_key=f"seats_not_read:{event.pk}", context={"team": subject.label})


def place_released(*, subject: Subject, email: str, actor: Actor) -> None:
    """An operator said that the place somebody left is free, though ChatGPT's seats cannot be read."""
    _record("place_released", subject, actor, {"email": email})


def low_stock(*, free: int, threshold: int, actor: Actor) -> None:
    """The free seats fell to the threshold, or have been below it for another six hours."""
    stock = {"current_seats": free, "threshold": threshold}
    event = _record("low_stock", Subject("pool", ""), actor, stock)
    tell_operators("low_stock", dedupe_key=f"low_stock:{event.pk}", context=stock)


# Codes, redemptions, seats, departures


def codes_made(*, subject: Subject, details: dict[str, Any], actor: Actor) -> None:
    _record("codes_made", subject, actor, details)


def codes_voided(*, subject: Subject, count: int, actor: Actor) -> None:
    _record("codes_voided", subject, actor, {"count": count})


def codes_exported(*, subject: Subject, count: int, actor: Actor) -> None:
    _record("codes_exported", subject, actor, {"count": count})


def redemption_moved(*, subject: Subject, state: str, actor: Actor, details: dict[str, Any] | None = None) -> None:
    """`state`: opened, refused, ended, or already (the person had a seat)."""
    _record(f"redemption_{state}", subject, actor, details)


def seat_moved(
    *, subject: Subject, before: str, after: str, actor: Actor, details: dict[str, Any] | None = None
) -> None:
    _record("seat_moved", subject, actor, {"before": before, "after": after} | (details or {}))


def seat_end_changed(*, subject: Subject, before: str | None, after: str | None, actor: Actor) -> None:
    """The end was moved or removed (None). A reminder of the old end no longer counts, so a new one may be sent."""
    _record("seat_end_changed", subject, actor, {"before": before, "after": after})
    forget(REMINDED + subject.id)


def person_allowed(*, subject: Subject, team: str, actor: Actor) -> None:
    _record("person_allowed", subject, actor, {"team": team})


def person_disallowed(*, subject: Subject, team: str, actor: Actor) -> None:
    _record("person_disallowed", subject, actor, {"team": team})


def team_archived(*, subject: Subject, actor: Actor, details: dict[str, Any] | None = None) -> None:
    _record("team_archived", subject, actor, details)


def resend_wanted(*, subject: Subject, actor: Actor) -> None:
    _record("resend_wanted", subject, actor)


def resend_done(*, subject: Subject, sent: bool, actor: Actor) -> None:
    _record("resend_done", subject, actor, {"sent": sent})


def departure_moved(
    *, subject: Subject, state: str, reason: str, actor: Actor, details: dict[str, Any] | None = None
) -> None:
    """`state`: opened, told (upstream accepted), done (a later complete list shows it) or dropped."""
    _record(f"departure_{state}", subject, actor, {"reason": reason} | (details or {}))


def removal_costs(*, subject: Subject, team: str, notice: dict[str, Any]) -> None:
    """Operators are told once for each departure; its `departure_told` has the same `notice` as its `why`."""
    tell_operators("removal_costs", dedupe_key=f"removal_costs:{subject.id}", context={"team": team} | notice)


def invite_unresolved(*, subject: Subject, minutes: int, actor: Actor) -> None:
    """The invitation of `subject` is unconfirmed; `invites_unresolved` tells the operators of all such at once."""
    _record("invite_unresolved", subject, actor, {"minutes": minutes})


def invites_checked(*, count: int, actor: Actor) -> None:
    _record("invites_checked", Subject("pool", ""), actor, {"invitations": count})


def invites_unresolved(*, count: int, minutes: int, first: Subject) -> None:
    """Tell operators that `count` invitations are unconfirmed for `minutes`; `first` of them is the dedupe key."""
    key = f"unresolved:{first.id}:{minutes}"
    tell_operators("invite_unresolved", dedupe_key=key, context={"count": count, "minutes": minutes})


# The guardian


def guardian_switched(*, is_on: bool, actor: Actor, details: dict[str, Any] | None = None) -> None:
    subject = Subject("guardian", "guardian", "")
    _record("guardian_enabled" if is_on else "guardian_disabled", subject, actor, details)


def guardian_mode_changed(*, mode: str, would_go: int, actor: Actor) -> None:
    """`would_go`: how many removals the operator was shown before switching."""
    _record(f"guardian_{mode}", Subject("guardian", "guardian", ""), actor, {"would_go": would_go})


def baseline_taken(*, people: int, teams: int, actor: Actor) -> None:
    _record("baseline_taken", Subject("guardian", "guardian", ""), actor, {"people": people, "teams": teams})


def removals_paused(*, hours: float, actor: Actor) -> None:
    """The database stood still (a restored copy, or a long stop): no removals until an operator resumes them."""
    event = _record("removals_paused", Subject("guardian", "guardian", ""), actor, {"hours": round(hours, 1)})
    tell_operators("guardian_stopped", dedupe_key=f"removals_paused:{event.pk}", context={"hours": round(hours)})


def removals_resumed(*, actor: Actor) -> None:
    _record("removals_resumed", Subject("guardian", "guardian", ""), actor)


def guardian_capped(*, sweep_id: int, wanted: int, limit: int, actor: Actor, hours: int = 0) -> None:
    """With `hours` it is the limit of a Team and so many hours, and `wanted` those it left in."""
    details = {"wanted": wanted, "limit": limit} | ({"hours": hours} if hours else {})
    _record("guardian_capped", Subject("sweep", str(sweep_id), ""), actor, details)
    tell_operators("guardian_capped", dedupe_key=f"guardian_capped:{sweep_id}:{hours}", context=details)


def sweep_too_slow(*, sweep_id: int, seconds: int, interval: int, actor: Actor) -> None:
    details = {"seconds": seconds, "interval": interval}
    _record("sweep_too_slow", Subject("sweep", str(sweep_id), ""), actor, details)
    tell_operators("sweep_too_slow", dedupe_key=f"sweep_too_slow:{sweep_id}", context=details)


def clock_brought_back(*, rows: dict[str, int], actor: Actor) -> None:
    """Times written while the clock ran ahead were repaired; `rows`: how many by table."""
    _record("clock_brought_back", Subject("pool", "pool", ""), actor, {"rows": sum(rows.values()), "tables": rows})


def finding_decided(*, subject: Subject, decision: str, kind: str, team: str, actor: Actor) -> None:
    """`decision`: approved, allowed or dismissed."""
    _record(f"finding_{decision}", subject, actor, {"kind": kind, "team": team})


# What redeemers are written


def seat_confirmed(*, subject: Subject, language: str, status_path: str, ends_at: str, move: int | None = None) -> None:
    """Mail the redeemer: their seat appeared in the lists, or (with the number of the `move`) in another Team.

    `ends_at` is written as the mail shows it; empty for a seat without an end.
    """
    context = {"email": subject.label, "status_path": status_path, "ends_at": ends_at}
    mail, key = ("success", subject.id) if move is None else ("moved", f"{subject.id}:{move}")
    write_to_redeemer(
        mail, recipient=subject.label, language=language, dedupe_key=f"mail_{mail}:{key}", context=context
    )


def seat_ends_soon(*, subject: Subject, language: str, status_path: str, ends_at: str) -> None:
    """Mail the redeemer once; again only after `seat_end_changed`."""
    write_to_redeemer(
        "reminder",
        recipient=subject.label,
        language=language,
        dedupe_key=REMINDED + subject.id,
        context={"email": subject.label, "status_path": status_path, "ends_at": ends_at},
    )

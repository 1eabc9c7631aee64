"""Invites: the list, the invitation and the revocation (upstream §4, §5, §6)."""

from __future__ import annotations

import math
import re
from typing import Any

from sandbox.call import Call, Refused
from sandbox.errors import ALREADY, SEAT_FULL, Json, detailed, invalid, plain, seats_needed
from sandbox.listing import invented_id, matching, page, respell
from sandbox.members import removal_reply
from sandbox.pools import PAID_TYPES
from sandbox.state import REQUESTED, ROLES, SEAT_TYPES, Invite, Workspace, normal
from sandbox.wire import Reply

_STATUS: Json = {"string": "pending", "digits": "2", "request": REQUESTED, "unknown": 7}
REFUSED_DOMAIN = "refused.example"
_ADDRESS = re.compile(r"[^@\s,;<>\"]+@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


def list_invites(call: Call) -> Reply:
    """GET invites: every pending invite whose row shows by now, accepted ones that linger included."""
    workspace, _ = call.scoped()
    now = call.world.now()
    workspace.gone_invites = [(until, row) for until, row in workspace.gone_invites if until > now]
    shown = []
    for invite in workspace.invites.values():
        if invite.hidden_reads and invite.visible_at <= now:
            # A reading is one pass over the list: only its first page counts.
            invite.hidden_reads -= call.request.query.get("offset", "0") in ("", "0")
        elif invite.visible_at <= now:
            shown.append(invite)
    shown += [row for _, row in workspace.gone_invites if row.email not in workspace.invites]
    if call.request.query.get("include_pending") == "false":
        shown = [invite for invite in shown if invite.status == REQUESTED]  # the tab of join requests
    shown.sort(key=lambda row: (row.created, row.id))
    rows = [_row(call, invite) for invite in shown if matching(call, [invite.email])]
    return page(call, rows, call.shapes["invites_key"], lambda number: _invented(call, number))


def _row(call: Call, invite: Invite) -> Json:
    shapes = call.shapes
    row: Json = {
        "id": invite.id,
        "email_address": invite.email,
        "role": invite.role,
        "seat_type": invite.seat_type,
        "status": _STATUS.get(shapes["invites_status"], invite.status),
        "created_time": call.world.stamp(invite.created),
        "is_scim_managed": False,
        "creation_source": None,
    }
    if shapes["invites_status"] == "absent":
        del row["status"]
    respell(row, "seat_type", shapes["invites_seat_type"])
    return {key: value for key, value in (row | invite.shows).items() if key not in invite.hides}


def _invented(call: Call, number: int) -> Json:
    email = f"invented.{number}@example.net"
    return {"id": invented_id(number), "email_address": email, "role": "standard-user", "status": 2}


def fault_in(email: str) -> str | None:
    """Return what is wrong with an address, None when nothing is."""
    if not _ADDRESS.fullmatch(email) or ".." in email:
        return "Invalid email"
    domain = email.rpartition("@")[2]
    if domain == REFUSED_DOMAIN or domain.endswith("." + REFUSED_DOMAIN):
        return "Invalid email domain"
    return None


def invite(call: Call) -> Reply:
    """POST invites: all free addresses or none get a seat; checked and taken in one step."""
    workspace, _ = call.writable()
    addresses, role, seat_type, resend = _read(call)
    if workspace.invites_disabled:
        raise Refused(plain(403, "Invites are disabled for this workspace"))
    _throttle(call, workspace)
    errored: dict[str, str] = {email: wrong for email in addresses if (wrong := fault_in(email))}
    good = [email for email in addresses if email not in errored]
    allowed = workspace.allowed_domains
    if allowed is not None and any(email.rpartition("@")[2] not in allowed for email in good):
        raise Refused(detailed(403, "domain_restricted", "This email domain is not allowed in this workspace"))
    if call.tweak.get("only_first"):
        errored |= dict.fromkeys(good[1:], "blocked")
        good = good[:1]
    members = [email for email in good if workspace.members_of_email(email)]
    if members and call.shapes["already_member"] != "list":
        raise Refused(ALREADY[call.shapes["already_member"]])
    invited = [email for email, row in workspace.invites.items() if row.status != REQUESTED]
    pending = [email for email in good if email in invited]
    fresh = [email for email in good if email not in members and email not in pending]
    _find_seats(call, workspace, fresh, seat_type)
    sent = _send(call, workspace, fresh, pending, role, seat_type, resend=resend)
    has_changed = not call.tweak.get("phantom") and bool(fresh or (pending and resend))
    return Reply(body=_answer(call, sent, errored, members), effect=has_changed)


def _find_seats(call: Call, workspace: Workspace, fresh: list[str], seat_type: str) -> None:
    """See that everybody new has a seat of the type: refuse the call or buy what is missing, as the workspace does."""
    if not fresh or seat_type not in PAID_TYPES:
        return
    missing = len(fresh) - workspace.free(call.world.now(), seat_type)
    if missing <= 0:
        return
    if workspace.over_invite == "refuse":
        kind = call.shapes["seat_full"]
        raise Refused(seats_needed(missing) if kind == "seat_full_400" else SEAT_FULL[kind])
    if call.tweak.get("phantom"):
        return  # what is never made needs no seat
    count, login = min(missing, len(fresh)), call.caller.email if call.caller else None
    call.entry["seats_bought"] = count
    call.world.buy(
        workspace, seat_type, count, by="invite", request=call.entry.get("seq"), emails=fresh[-count:], login=login
    )


def _read(call: Call) -> tuple[list[str], str, str, bool]:
    """Return addresses, role, seat type and whether to mail again; refuses with 422 what is malformed."""
    fields = call.fields()
    addresses = fields.get("email_addresses")
    if not isinstance(addresses, list) or not addresses or not all(isinstance(item, str) for item in addresses):
        raise Refused(invalid("email_addresses", "field required: a list of e-mail addresses"))
    role, seat_type = fields.get("role", "standard-user"), fields.get("seat_type", "default")
    if role not in ROLES:
        raise Refused(invalid("role", "value is not a valid enumeration member"))
    if seat_type not in SEAT_TYPES:
        raise Refused(invalid("seat_type", "value is not a valid enumeration member"))
    return list(dict.fromkeys(map(normal, addresses))), role, seat_type, bool(fields.get("resend_emails"))


def _throttle(call: Call, workspace: Workspace) -> None:
    """Refuse with 429 the call that exceeds the workspace's invites per minute."""
    if workspace.invites_per_minute is None:
        return
    now, times = call.world.now(), workspace.invite_times
    while times and times[0] <= now - 60:
        times.popleft()
    if len(times) >= workspace.invites_per_minute:
        wait = math.ceil(times[0] + 60 - now) if times else 60
        raise Refused(plain(429, "Too many requests"), [("Retry-After", str(wait))])
    times.append(now)


def _send(
    call: Call, workspace: Workspace, fresh: list[str], pending: list[str], role: str, seat_type: str, *, resend: bool
) -> list[Invite]:
    """Make the new invites and mail what is to be mailed; a phantom is answered and never made."""
    sent = [workspace.invites[email] for email in pending]
    is_phantom = call.tweak.get("phantom")
    if resend and not is_phantom:
        for row in sent:
            call.world.send_mail(workspace, row)
    for email in fresh:
        row = call.world.make_invite(workspace, email, role, seat_type)
        sent.append(row)
        if not is_phantom:
            workspace.invites[email] = row
            call.world.send_mail(workspace, row)
    call.world.note(workspace)
    return sent


def _answer(call: Call, sent: list[Invite], errored: dict[str, str], members: list[str]) -> Json:
    shapes = call.shapes
    rows: list[Any] = [_row(call, row) for row in sent]
    if call.tweak.get("echo"):
        for row in rows:
            row["email_address"] = f"  {row['email_address'].title()} "
    if call.tweak.get("both_lists"):
        errored = errored | {row.email: "blocked" for row in sent}
    form = shapes["account_invites"]
    if form == "email_key":
        rows = [{"email": row.pop("email_address"), **row} for row in rows]
    elif form == "strings":
        rows = [row["email_address"] for row in rows]
    body: Json = {
        "account_invites": {"int": len(rows), "null": None}.get(form, rows),
        "errored_emails": [_errored(shapes, email, text) for email, text in errored.items()],
        "already_member_emails": members,
    }
    if form == "missing":
        del body["account_invites"]
    if shapes["already_member_emails"] == "missing":
        del body["already_member_emails"]
    return body


def _errored(shapes: dict[str, Any], email: str, text: str) -> Any:
    if shapes["errored_element"] == "string":
        return email
    key = "email_address" if shapes["errored_element"] == "object" else "email"
    if shapes["errored_error"] == "missing":
        return {key: email}
    if shapes["errored_error"] == "object":
        return {key: email, "error": {"code": text.lower().replace(" ", "_"), "message": text}}
    return {key: email, "error": text}


def revoke(call: Call) -> Reply:
    """DELETE invites: by e-mail; the seat is free at once."""
    workspace, _ = call.writable()
    email = call.fields().get("email_address")
    if not isinstance(email, str):
        raise Refused(invalid("email_address", "field required"))
    row = workspace.invites.pop(normal(email), None)
    if row is None:
        if call.shapes["delete_unknown_invite"] == "404":
            raise Refused(plain(404, "Invite not found"))
        reply = removal_reply(call, None)
        reply.effect = False
        return reply
    call.world.note(workspace)
    linger = call.tweak.get("linger", workspace.removal_lag_seconds)
    if linger:
        workspace.gone_invites.append((call.world.now() + linger, row))
    return removal_reply(call, None)

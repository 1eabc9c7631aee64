"""What the control plane shows of the state."""

from __future__ import annotations

from dataclasses import asdict

from sandbox import books
from sandbox.base import Memory
from sandbox.errors import Json
from sandbox.sessions import session_json
from sandbox.settings import CHECKS, ELSEWHERE
from sandbox.shapes import stamp
from sandbox.state import Invite, Member, Person, Refusal, Workspace

SETTINGS = tuple(key for key in CHECKS if key not in ELSEWHERE)


def member_row(world: Memory, member: Member) -> Json:
    """Describe a member, whether or not the lists show the row yet."""
    return {
        "user_id": member.person.id,
        "email": member.person.email,
        "name": member.person.name,
        "role": member.role,
        "seat_type": member.seat_type,
        "created_time": stamp(member.created),
        "visible": member.visible_at <= world.now(),
        "hide_email": member.hide_email,
        "deactivated": member.deactivated_at is not None,
    }


def invite_row(world: Memory, invite: Invite) -> Json:
    """Describe a pending invite, whether or not the list shows it yet."""
    row = asdict(invite)
    del row["created"], row["visible_at"], row["hidden_reads"]
    row["created_time"] = stamp(invite.created)
    row["visible"] = invite.visible_at <= world.now() and not invite.hidden_reads
    return row


def described(world: Memory, workspace: Workspace) -> Json:
    """Describe a workspace: people, seats and settings. `free`, `held` and `pending` are of standard seats."""
    now = world.now()
    return {
        "account_id": workspace.account_id,
        "owner": workspace.owner.email,
        "organization_id": workspace.organization_id,
        "active_until": stamp(workspace.active_until, "z"),
        "seats_entitled": workspace.seats_entitled,
        "seats_in_use": workspace.seats_in_use(),
        "pending": workspace.reserved(),
        "held": workspace.held(now),
        "free": workspace.free(now),
        "pools": books.pool_rows(workspace, now),
        "holds": [books.hold_row(hold) for hold in workspace.holds if hold.until is None or hold.until > now],
        "purchases": [books.purchase_row(one) for one in workspace.purchases],
        "members": [member_row(world, member) for member in workspace.members.values()],
        "invites": [invite_row(world, invite) for invite in workspace.invites.values()],
        "mails": sum(mail.account_id == workspace.account_id for mail in world.mails),
        **{key: getattr(workspace, key) for key in SETTINGS},
    }


def credentials_of(world: Memory, person: Person, workspace: Workspace | None = None) -> Json:
    """Return a login's raw credentials, its tokens scoped to its first workspace or to the one given."""
    mine = world.workspaces_of(person)
    chosen = workspace or (mine[0] if mine else None)
    now = world.now()
    session, refresh = world.tokens.session_of(person), world.tokens.refresh_of(person)
    if session is None:
        raise Refusal(f"{person.email!r} is no login")
    access = world.tokens.current_access(person, chosen, now)
    return {
        "email": person.email,
        "user_id": person.id,
        "account_ids": [found.account_id for found in mine],
        "access_token": access.value,
        "session_token": session.value,
        "refresh_token": refresh.value if refresh else None,
        "client_id": refresh.client_id if refresh else person.client_id,
        "session_json": session_json(world, person, chosen, session, access),
    }

"""What people do by themselves: accept, join, leave, and use the web UI (upstream §16.4, 21, 22)."""

from __future__ import annotations

from typing import Any

from sandbox.base import Memory
from sandbox.errors import Json
from sandbox.report import invite_row, member_row
from sandbox.state import ROLES, SEAT_TYPES, Refusal, normal


class People(Memory):
    """Orders that change a workspace behind its administrator's client."""

    def accept(
        self,
        account_id: str,
        email: str,
        *,
        lag: float | None = None,
        linger: float = 0.0,
        hide_email: bool = False,
    ) -> Json:
        """Accept an invite as the invited person, listed or not yet.

        The member row shows after `lag` seconds (default: the workspace's), with e-mail null if
        `hide_email`; the invite stays listed for `linger` seconds.
        """
        with self.lock:
            workspace = self.find(account_id)
            member = self.take_invite(workspace, email, lag=lag, linger=linger, hide_email=hide_email)
            return member_row(self, member)

    def member(
        self,
        account_id: str,
        email: str,
        *,
        role: str | None = None,
        seat_type: str | None = None,
        name: str | None = None,
        hide_email: bool | None = None,
        deactivated: bool | None = None,
        lag: float | None = None,
    ) -> Json:
        """Let somebody join from outside, or change the row of a member who is there (e.g. demote)."""
        if role not in (None, *ROLES) or seat_type not in (None, *SEAT_TYPES):
            raise Refusal(f"role is one of {', '.join(ROLES)}; seat_type one of {', '.join(SEAT_TYPES)}")
        with self.lock:
            workspace = self.find(account_id)
            row = workspace.members_of_email(email)
            if row is None:
                row = self.admit(workspace, email, lag=lag)
            changes: dict[str, Any] = {"role": role, "seat_type": seat_type, "hide_email": hide_email}
            for key, value in changes.items():
                if value is not None:
                    setattr(row, key, value)
            if name is not None:
                row.person.name = name
            if deactivated is not None:
                row.deactivated_at = self.now() if deactivated else None
            return member_row(self, row)

    def leave(self, account_id: str, email: str) -> Json:
        """Let a member go: by themselves, or removed by an owner in the web UI."""
        with self.lock:
            workspace = self.find(account_id)
            row = workspace.members_of_email(email)
            if row is None:
                raise Refusal(f"{email!r} is not in that workspace", 404)
            del workspace.members[row.person.id]
            return member_row(self, row)

    def invite_from_web(self, account_id: str, email: str, *, seat_type: str = "default") -> Json:
        """Invite somebody in the web UI; no seat check, as an owner may buy one on the way."""
        with self.lock:
            workspace = self.find(account_id)
            if "@" not in email:
                raise Refusal(f"not an e-mail address: {email!r}")
            if workspace.members_of_email(email):
                raise Refusal(f"{email!r} is a member already", 409)
            row = workspace.invites.get(normal(email))
            if row is None:
                row = self.make_invite(workspace, normal(email), seat_type=seat_type)
                row.from_web = True
                workspace.invites[row.email] = row
            self.send_mail(workspace, row)
            return invite_row(self, row)

    def revoke_from_web(self, account_id: str, email: str) -> Json:
        """Withdraw an invite in the web UI."""
        with self.lock:
            row = self.find(account_id).invites.pop(normal(email), None)
            if row is None:
                raise Refusal(f"no pending invite for {email!r}", 404)
            return invite_row(self, row)

"""What people do by themselves: accept, join, leave, and use the web UI (upstream §16.4, 21, 22)."""

from __future__ import annotations

from typing import Any

from sandbox.base import Memory
from sandbox.errors import Json
from sandbox.pools import PAID_TYPES
from sandbox.report import invite_row, member_row
from sandbox.state import REQUESTED, ROLES, SEAT_TYPES, Invite, Member, Refusal, Workspace, normal
from sandbox.vacancies import vacate


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
                row = self.admit(workspace, email, seat_type=seat_type or "default", lag=lag)
            changes: dict[str, Any] = {"role": role, "seat_type": seat_type, "hide_email": hide_email}
            for key, value in changes.items():
                if value is not None:
                    setattr(row, key, value)
            if name is not None:
                row.person.name = name
            if deactivated is not None:
                row.deactivated_at = self.now() if deactivated else None
            self.note(workspace)
            return member_row(self, row)

    def demote(self, account_id: str, email: str, role: str = "standard-user") -> Json:
        """Give a member who is there another role, a lower one usually."""
        with self.lock:
            self._member_of(self.find(account_id), email)
            return self.member(account_id, email, role=role)

    def leave(self, account_id: str, email: str, *, held: bool | None = None) -> Json:
        """Let a member go: by themselves, or removed by an owner in the web UI.

        Their seat is held as `held` says; null: as the workspace's policy says.
        """
        with self.lock:
            workspace = self.find(account_id)
            row = self._member_of(workspace, email)
            vacate(self, workspace, row, held=held)
            return member_row(self, row)

    def _member_of(self, workspace: Workspace, email: str) -> Member:
        row = workspace.members_of_email(email)
        if row is None:
            raise Refusal(f"{email!r} is not in that workspace", 404)
        return row

    def invite_from_web(self, account_id: str, email: str, *, seat_type: str = "default") -> Json:
        """Invite somebody in the web UI; no seat check, as an owner may buy one on the way."""
        with self.lock:
            workspace = self.find(account_id)
            row = self._invited(workspace, email, seat_type=seat_type)
            return invite_row(self, row)

    def invite_as_member(self, account_id: str, email: str, *, by: str, seat_type: str = "default") -> Json:
        """Invite a guest as the member `by`. Without a free seat it is bought or refused, as for anybody (409)."""
        with self.lock:
            workspace = self.find(account_id)
            host = self._member_of(workspace, by)
            is_new = normal(email) not in workspace.invites
            if is_new and seat_type in PAID_TYPES and workspace.free(self.now(), seat_type) < 1:
                if workspace.over_invite == "refuse":
                    raise Refusal(f"no {seat_type} seat is free for {email!r}", 409)
                self.buy(workspace, seat_type, 1, by="member", emails=[normal(email)], login=host.person.email)
            row = self._invited(workspace, email, seat_type=seat_type)
            row.invited_by = host.person.email
            return invite_row(self, row)

    def _invited(self, workspace: Workspace, email: str, *, seat_type: str) -> Invite:
        """Return the pending invite of an address, made and mailed in the web UI."""
        if "@" not in email:
            raise Refusal(f"not an e-mail address: {email!r}")
        if seat_type not in SEAT_TYPES:
            raise Refusal(f"seat_type is one of {', '.join(SEAT_TYPES)}")
        if workspace.members_of_email(email):
            raise Refusal(f"{email!r} is a member already", 409)
        row = workspace.invites.get(normal(email))
        if row is None or row.status == REQUESTED:
            row = self.make_invite(workspace, normal(email), seat_type=seat_type)
            row.from_web = True
            workspace.invites[row.email] = row
        self.send_mail(workspace, row)
        self.note(workspace)
        return row

    def join_request(self, account_id: str, email: str, *, seat_type: str = "default") -> Json:
        """Ask to join, as a stranger: an invite row of status 1, or a member at once if requests are accepted so.

        `accept` is the manager's yes to it.
        """
        with self.lock:
            workspace = self.find(account_id)
            if workspace.members_of_email(email) or normal(email) in workspace.invites:
                raise Refusal(f"{email!r} is a member or invited already", 409)
            if workspace.auto_accept_requests:
                return member_row(self, self.admit(workspace, email, seat_type=seat_type))
            row = self.make_invite(workspace, self.person(email).email, seat_type=seat_type)
            row.status = REQUESTED
            workspace.invites[row.email] = row
            return invite_row(self, row)

    def show_row(
        self, account_id: str, email: str, *, shows: Json | None = None, hides: list[str] | None = None
    ) -> Json:
        """Alter how the lists show somebody's row: `shows` sets fields to anything, `hides` leaves fields out.

        For a member or a pending invite; it changes nothing of what is true. Without either: as it is.
        """
        with self.lock:
            workspace = self.find(account_id)
            row = workspace.members_of_email(email) or workspace.invites.get(normal(email))
            if row is None:
                raise Refusal(f"{email!r} is neither a member nor invited", 404)
            row.shows, row.hides = dict(shows or {}), list(hides or [])
            return member_row(self, row) if isinstance(row, Member) else invite_row(self, row)

    def revoke_from_web(self, account_id: str, email: str) -> Json:
        """Withdraw an invite in the web UI."""
        with self.lock:
            workspace = self.find(account_id)
            row = workspace.invites.pop(normal(email), None)
            if row is None:
                raise Refusal(f"no pending invite for {email!r}", 404)
            self.note(workspace)
            return invite_row(self, row)

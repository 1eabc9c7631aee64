"""The world's memory and its small verbs; everything here is done under `world.lock`."""

from __future__ import annotations

import threading
import time
from typing import Any

from sandbox import books, shapes
from sandbox.clients import CODEX
from sandbox.faults import FaultQueue
from sandbox.journal import Journal
from sandbox.pools import Pool, Purchase
from sandbox.state import DAY, Invite, Mail, Member, Person, Refusal, Workspace, digits, letters, normal
from sandbox.tokens import TokenBook


class Memory:
    """State of one stand-in: its clock, people, workspaces, tokens, faults and request log."""

    def __init__(self, *, teams: int, seats: int, lag: float, latency: float, showcase: bool) -> None:
        self.lock = threading.RLock()
        self.start_with: dict[str, Any] = {
            "teams": teams,
            "seats": seats,
            "lag": lag,
            "latency": latency,
            "showcase": showcase,
        }
        self.latency = latency
        self.wipe()

    def wipe(self) -> None:
        """Forget everything, the clock's offset and the request log included."""
        self.offset = 0.0
        self.list_lag = 0.0
        self.people: dict[str, Person] = {}
        self.workspaces: dict[str, Workspace] = {}
        self.mails: list[Mail] = []
        self.tokens = TokenBook()
        self.shapes = shapes.defaults()
        self.faults = FaultQueue()
        self.journal = Journal()
        self.counter = 0

    def now(self) -> float:
        """Return the stand-in's own time: the machine's, plus what was advanced."""
        return time.time() + self.offset

    def next_number(self) -> int:
        """Return the next running number, for ids."""
        self.counter += 1
        return self.counter

    def stamp(self, at: float) -> str:
        """Write a moment in the style the shapes ask for."""
        return shapes.stamp(at, self.shapes["timestamps"])

    def person(self, email: str, name: str | None = None) -> Person:
        """Return the person with this address, made up on first mention; ids depend on it alone."""
        email = normal(email)
        if "@" not in email:
            raise Refusal(f"not an e-mail address: {email!r}")
        found = self.people.get(email)
        if found is None:
            local = email.partition("@")[0]
            found = Person(f"user-{letters(email)}", email, name or local.replace(".", " ").title(), self.now())
            self.people[email] = found
        return found

    def login(self, email: str, name: str | None = None) -> Person:
        """Return the person with this address as a login: with a session and a refresh token."""
        person = self.person(email, name)
        if person.client_id is None:
            person.client_id = CODEX
            self.tokens.issue_refresh(person, CODEX)
            self.tokens.issue_session(person, self.now(), self.shapes["session_token_length"])
        return person

    def find(self, account_id: str) -> Workspace:
        """Return a workspace for the control plane; refuses an unknown id."""
        try:
            return self.workspaces[account_id]
        except KeyError:
            raise Refusal(f"no workspace {account_id!r}", 404) from None

    def workspaces_of(self, person: Person) -> list[Workspace]:
        """Return the workspaces a person is an active member of, in order of their making."""
        found = []
        for workspace in self.workspaces.values():
            member = workspace.members.get(person.id)
            if member is not None and member.deactivated_at is None and not workspace.access_lost:
                found.append(workspace)
        return found

    def shapes_of(self, workspace: Workspace | None) -> dict[str, Any]:
        """Return the shape toggles that hold for a workspace: its own over the common ones."""
        return self.shapes if workspace is None or not workspace.shapes else self.shapes | workspace.shapes

    def note(self, workspace: Workspace) -> None:
        """Note the seat numbers after a change, so that they can be shown late."""
        books.note(workspace, self.now())

    def open_workspace(
        self,
        owner: Person,
        *,
        name: str | None,
        seats: int | None,
        plan_type: str,
        premium: int = 0,
        owner_seat: str = "default",
    ) -> Workspace:
        """Add a workspace with its owner in it; `seats` standard and `premium` Premium seats are paid."""
        number, now = len(self.workspaces) + 1, self.now()
        workspace = Workspace(
            account_id=digits(1, number),
            number=number,
            name=name or f"Demo Team {number:02d}",
            organization_id=f"org-Sandbox{number:017d}",
            subscription_id=digits(2, number),
            owner=owner,
            created=now - 60 * DAY,
            active_until=now + 30 * DAY,
            pools={"default": Pool(seats), "prolite": Pool(premium)},
            plan_type=plan_type,
        )
        workspace.members[owner.id] = Member(owner, "account-owner", owner_seat, workspace.created, 0.0)
        self.workspaces[workspace.account_id] = workspace
        self.note(workspace)
        return workspace

    def buy(
        self,
        workspace: Workspace,
        seat_type: str,
        count: int,
        *,
        by: str,
        request: int | None = None,
        emails: list[str] | None = None,
        login: str | None = None,
    ) -> Purchase:
        """Buy seats of a type at once, and remember who did; may kill the workspace's tokens."""
        workspace.pools[seat_type].add(count)
        bought = Purchase(workspace.account_id, seat_type, count, self.now(), by, request, emails or [], login)
        workspace.purchases.append(bought)
        self.note(workspace)
        self.changed_plan(workspace)
        return bought

    def changed_plan(self, workspace: Workspace) -> None:
        """Kill the tokens scoped to a workspace after a purchase or a change of plan, if it is set so."""
        if workspace.changes_kill_tokens:
            self.tokens.kill_access_to(workspace.account_id, "token_invalidated")

    def lag_of(self, workspace: Workspace, lag: float | None = None) -> float:
        """Return how long a new row of this workspace stays out of the lists, in seconds."""
        if lag is not None:
            return lag
        return self.list_lag if workspace.list_lag_seconds is None else workspace.list_lag_seconds

    def make_invite(
        self, workspace: Workspace, email: str, role: str = "standard-user", seat_type: str = "default"
    ) -> Invite:
        """Return a new invite, not stored yet."""
        now = self.now()
        visible_at = now + self.lag_of(workspace)
        return Invite(digits(4, self.next_number()), email, role, seat_type, now, visible_at, workspace.list_lag_reads)

    def send_mail(self, workspace: Workspace, invite: Invite) -> None:
        """Note that the invitation mail went out (once more)."""
        invite.mails += 1
        self.mails.append(
            Mail(len(self.mails) + 1, invite.email, workspace.account_id, workspace.name, self.now(), invite.mails)
        )

    def admit(
        self,
        workspace: Workspace,
        email: str,
        *,
        role: str = "standard-user",
        seat_type: str = "default",
        lag: float | None = None,
        hide_email: bool = False,
    ) -> Member:
        """Put a person into a workspace; the row shows after the workspace's lag."""
        person, now = self.person(email), self.now()
        visible_at = now + self.lag_of(workspace, lag)
        member = Member(person, role, seat_type, now, visible_at, hide_email)
        workspace.members[person.id] = member
        # Whoever comes back needs no second seat beside the one that was held for them.
        workspace.holds = [hold for hold in workspace.holds if hold.member.person is not person]
        self.note(workspace)
        return member

    def take_invite(
        self,
        workspace: Workspace,
        email: str,
        *,
        lag: float | None = None,
        linger: float = 0.0,
        hide_email: bool = False,
    ) -> Member:
        """Turn a pending invite into a member, as the invited person does; refuses when there is none."""
        invite = workspace.invites.pop(normal(email), None)
        if invite is None:
            raise Refusal(f"no pending invite for {email!r}", 404)
        if linger:
            workspace.gone_invites.append((self.now() + linger, invite))
        return self.admit(
            workspace, invite.email, role=invite.role, seat_type=invite.seat_type, lag=lag, hide_email=hide_email
        )

"""One backend call: who asks, about which workspace, and whether they may (upstream §2)."""

from __future__ import annotations

from typing import Any

from sandbox.base import Memory
from sandbox.errors import ACCESS_LOST_AS, DEAD_TOKEN, SUSPENDED_AS, UNPARSABLE, Json, detailed, invalid, plain
from sandbox.journal import bearer, session_cookie
from sandbox.state import MANAGERS, Member, Person, Workspace, normal
from sandbox.tokens import decode
from sandbox.wire import Reply, Request


class Refused(Exception):
    """The call ends here with this answer."""

    def __init__(self, spec: Json, headers: list[tuple[str, str]] | None = None) -> None:
        super().__init__(spec)
        self.reply = made(spec)
        self.reply.headers += headers or []


def made(spec: Json) -> Reply:
    """Return the reply described by `status`, `body`, `content_type` and `headers`."""
    return Reply(
        status=spec.get("status", 200),
        body=spec.get("body", ""),
        content_type=spec.get("content_type", "application/json"),
        headers=[(name, str(value)) for name, value in (spec.get("headers") or {}).items()],
        effect=False,
    )


class Call:
    """A request on its way through the backend.

    `tweak` holds the hints of the fault that strikes it, `entry` is its log entry, `workspace` the one
    it was let into.
    """

    def __init__(self, world: Memory, request: Request, op: str, account_id: str | None, item: str | None) -> None:
        self.world = world
        self.request = request
        self.op = op
        self.account_id = account_id
        self.item = item
        self.tweak: dict[str, Any] = {}
        self.workspace: Workspace | None = None
        self.entry: dict[str, Any] = {}
        self.body: Any = self._read_body()
        self.caller = self._caller()

    @property
    def shapes(self) -> dict[str, Any]:
        """The shape toggles for this call: those of the workspace it was let into, else the common ones."""
        return self.world.shapes_of(self.workspace)

    def _read_body(self) -> Any:
        if "form-urlencoded" in self.request.headers.get("content-type", ""):
            return dict(self.request.form())
        return self.request.json()

    def _caller(self) -> Person | None:
        """Who this call is for, by whatever it carries and whether or not that is still good."""
        book = self.world.tokens
        if self.op == "session":
            cookie = session_cookie(self.request)
            session = book.sessions.get(cookie) if cookie else None
            return session.person if session else None
        if self.op == "token":
            sent = self.body if isinstance(self.body, dict) else {}
            known = book.refresh.get(str(sent.get("refresh_token"))) or book.codes.get(str(sent.get("code")))
            return known.person if known else None
        access = book.access.get(bearer(self.request) or "")
        return access.person if access else None

    def emails(self) -> list[str]:
        """The addresses this call is about: those in it, else the caller's."""
        if self.op == "invite" and isinstance(self.body, dict):
            sent = self.body.get("email_addresses")
            return [normal(item) for item in sent if isinstance(item, str)] if isinstance(sent, list) else []
        if self.op == "revoke" and isinstance(self.body, dict):
            sent = self.body.get("email_address")
            return [normal(sent)] if isinstance(sent, str) else []
        if self.op == "remove":
            member = self.target()
            return [member.person.email] if member else []
        return [self.caller.email] if self.caller else []

    def target(self) -> Member | None:
        """The member a removal names, by its id with or without the prefix."""
        workspace = self.world.workspaces.get(self.account_id or "")
        if workspace is None or self.item is None:
            return None
        return workspace.members.get(self.item) or workspace.members.get(f"user-{self.item}")

    def fields(self) -> Json:
        """Return the JSON body as an object; refuses anything else."""
        if not isinstance(self.body, dict):
            raise Refused(invalid("__root__", "value is not a valid dict"))
        return self.body

    def authenticate(self) -> Person:
        """Return who asks; refuses a missing, unreadable, expired or dead token."""
        value = bearer(self.request)
        if value is None:
            raise Refused(plain(401, "Unauthorized"))
        token = self.world.tokens.access.get(value)
        if token is None:
            raise Refused(plain(401, UNPARSABLE) if decode(value) is None else DEAD_TOKEN["token_invalidated"])
        now = self.world.now()
        if token.person.banned:
            raise Refused(DEAD_TOKEN["account_deactivated"])
        if token.dead_as:
            raise Refused(DEAD_TOKEN[token.dead_as])
        if token.expires_at <= now:
            raise Refused(DEAD_TOKEN["token_expired"])
        if token.settles_at > now:
            raise Refused(plain(token.unsettled_status, "Unauthorized"))
        return token.person

    def scoped(self, account_id: str | None = None) -> tuple[Workspace, Member]:
        """Return the workspace and the caller's row in it; refuses strangers and suspended workspaces."""
        person = self.authenticate()
        workspace = self.world.workspaces.get(account_id or self.account_id or "")
        member = workspace.members.get(person.id) if workspace else None
        if workspace is None or member is None or member.deactivated_at is not None:
            raise Refused(ACCESS_LOST_AS["404"])
        if workspace.access_lost:
            raise Refused(ACCESS_LOST_AS[workspace.access_lost_answer])
        self.refuse_suspended(workspace)
        self.workspace = workspace
        return workspace, member

    def refuse_suspended(self, workspace: Workspace) -> None:
        """Refuse whatever is asked in the name of a suspended workspace."""
        if workspace.suspended:
            raise Refused(SUSPENDED_AS[workspace.suspended_answer])

    def writable(self) -> tuple[Workspace, Member]:
        """As `scoped`, for a change: refuses low roles and unpaid workspaces too."""
        workspace, member = self.scoped()
        if member.role not in MANAGERS:
            raise Refused(plain(403, "You do not have permission to perform this action"))
        if workspace.delinquent:
            raise Refused(detailed(401, "workspace_subscription_delinquent", "Team has a delinquent subscription"))
        return workspace, member

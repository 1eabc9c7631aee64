"""The control plane as Python: each method is also `POST /__sandbox__/<name>` with the same fields.

The orders in `READS` are GET. Everything returns plain JSON data and never a raw secret,
except `credentials`. An order that makes no sense raises `Refusal`.
"""

from __future__ import annotations

from typing import Any

from sandbox import shapes
from sandbox.base import Memory
from sandbox.errors import Json
from sandbox.logins import Logins
from sandbox.people import People
from sandbox.report import credentials_of, described
from sandbox.seat_orders import SeatOrders
from sandbox.settings import apply_settings
from sandbox.showcase import furnish
from sandbox.state import SEAT_TYPES, Refusal, Workspace
from sandbox.trouble import Trouble

CODEX_PLAN = "self_serve_business_usage_based"


READS = ("dump", "credentials", "log", "books", "purchases", "name")
WRITES = (
    "reset",
    "seed",
    "workspace",
    "set_workspace",
    "accept",
    "member",
    "demote",
    "leave",
    "invite_from_web",
    "invite_as_member",
    "join_request",
    "revoke_from_web",
    "show_row",
    "buy_seats",
    "drop_seats",
    "set_pool",
    "renew",
    "upgrade",
    "switch_seat",
    "end_holds",
    "invalidate_tokens",
    "kill_tokens",
    "sign_in",
    "token_set",
    "ban",
    "fault",
    "clear_faults",
    "shape",
    "clear_shapes",
    "advance",
    "lag",
    "set_latency",
    "clear_log",
    "refuse",
)
"""The orders by how they are asked for over HTTP; `name` and `refuse` are the server's own."""


class World(People, SeatOrders, Logins, Trouble, Memory):
    """One stand-in for the web backend, and every order that can be given to it."""

    def __init__(
        self,
        *,
        teams: int = 2,
        seats: int = 5,
        lag: float = 0.0,
        latency: float = 0.0,
        showcase: bool = False,
    ) -> None:
        super().__init__(teams=teams, seats=seats, lag=lag, latency=latency, showcase=showcase)
        self.reset()

    def reset(self) -> Json:
        """Go back to the state at the start: clock, faults, shapes, latency and log included."""
        return self.seed(**self.start_with)

    def seed(
        self,
        teams: int = 2,
        seats: int | None = 5,
        *,
        per_login: int = 1,
        members: int = 0,
        premium: int = 0,
        plan_type: str = "team",
        lag: float | None = None,
        latency: float | None = None,
        showcase: bool = False,
    ) -> Json:
        """Forget everything and make `teams` workspaces, `per_login` for each login, `members` besides the owner.

        With `showcase` the last two have something to show: see `sandbox.showcase`.
        """
        if teams < 0 or per_login < 1 or members < 0:
            raise Refusal("teams and members are 0 or more, per_login 1 or more")
        with self.lock:
            self.wipe()
            self.latency = self.start_with["latency"] if latency is None else float(latency)
            for number in range(teams):
                owner = self.login(f"owner{number // per_login + 1}@example.com", f"Owner {number // per_login + 1}")
                made = self.open_workspace(owner, name=None, seats=seats, plan_type=plan_type, premium=premium)
                self._fill(made, members)
            if showcase:
                furnish(self)
            self.list_lag = self.start_with["lag"] if lag is None else float(lag)
            return {"account_ids": list(self.workspaces)}

    def _fill(self, workspace: Workspace, members: int, *, seat_type: str = "default", name: str = "member") -> None:
        for number in range(1, members + 1):
            self.admit(workspace, f"{name}{number}.team{workspace.number}@example.com", seat_type=seat_type, lag=0.0)

    def workspace(
        self,
        email: str | None = None,
        *,
        members: int = 0,
        plan_type: str | None = None,
        name: str | None = None,
        seats: int | None = 5,
        role: str = "account-owner",
        structure: str = "workspace",
        premium: int = 0,
        premium_members: int = 0,
        codex_members: int = 0,
        owner_seat: str | None = None,
        codex_only: bool = False,
        default_pool: bool = True,
    ) -> Json:
        """Add a workspace for a login, new or known; with a lower role somebody else owns it.

        `seats` standard and `premium` Premium seats are paid; `members`, `premium_members` and
        `codex_members` sit in seats of each type, the owner in `owner_seat`. With `codex_only` it has no
        standard seat, and `default_pool` false not even a pool of them; its owner sits in a Codex seat.
        """
        if owner_seat not in (None, *SEAT_TYPES):
            raise Refusal(f"owner_seat is one of {', '.join(SEAT_TYPES)}")
        with self.lock:
            number = len(self.workspaces) + 1
            login = self.login(email or f"owner{number}@example.com")
            owner = login if role == "account-owner" else self.person(f"real.owner.team{number}@example.com")
            workspace = self.open_workspace(
                owner,
                name=name,
                seats=0 if codex_only else seats,
                plan_type=plan_type or (CODEX_PLAN if codex_only else "team"),
                premium=premium,
                owner_seat=owner_seat or ("usage_based" if codex_only else "default"),
            )
            workspace.structure, workspace.codex_only = structure, codex_only
            workspace.pools["default"].is_listed = default_pool
            if owner is not login:
                self.admit(workspace, login.email, role=role, lag=0.0)
            self._fill(workspace, members)
            self._fill(workspace, premium_members, seat_type="prolite", name="premium")
            self._fill(workspace, codex_members, seat_type="usage_based", name="codex")
            return {
                "account_id": workspace.account_id,
                "name": workspace.name,
                "credentials": credentials_of(self, login, workspace),
            }

    def set_workspace(self, account_id: str, **settings: Any) -> Json:
        """Change settings of a workspace (see `sandbox.settings`), or undo them; returns its dump."""
        with self.lock:
            workspace = self.find(account_id)
            apply_settings(self, workspace, settings)
            return described(self, workspace)

    def dump(self) -> Json:
        """Return the whole state without secrets."""
        with self.lock:
            return {
                "now": shapes.stamp(self.now(), "z"),
                "offset": self.offset,
                "lag": self.list_lag,
                "latency": self.latency,
                "workspaces": [described(self, workspace) for workspace in self.workspaces.values()],
                "logins": [self.login_row(person) for person in self.people.values() if person.client_id],
                "mails": len(self.mails),
                "faults": [fault.as_dict() for fault in self.faults.faults],
                "shapes": {key: value for key, value in self.shapes.items() if value != shapes.defaults()[key]},
            }

    def advance(self, seconds: float) -> Json:
        """Move the clock; token expiry, list lag, holds and lingering rows follow it."""
        with self.lock:
            self.offset += float(seconds)
            return {"now": shapes.stamp(self.now(), "z"), "offset": self.offset}

    def lag(self, seconds: float) -> Json:
        """Set how long new rows stay out of the lists; rows made before keep theirs."""
        with self.lock:
            self.list_lag = float(seconds)
            return {"lag": self.list_lag}

    def set_latency(self, seconds: float) -> Json:
        """Set how long each backend request takes."""
        with self.lock:
            self.latency = float(seconds)
            return {"latency": self.latency}

    def log(self, since: int = 0, **wanted: Any) -> list[Json]:
        """Return the requests logged after number `since`, e.g. `log(op="invite", account_id=…)`."""
        with self.lock:
            return self.journal.since(int(since), **wanted)

    def clear_log(self) -> Json:
        """Empty the request log; its numbers go on."""
        with self.lock:
            self.journal.entries.clear()
            return {"seq": self.journal.seq}

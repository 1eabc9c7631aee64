"""The control plane as Python: each method is also `POST /__sandbox__/<name>` with the same fields.

`dump`, `credentials` and `log` are GET. Everything returns plain JSON data and never a raw secret,
except `credentials`. An order that makes no sense raises `Refusal`.
"""

from __future__ import annotations

from typing import Any

from sandbox import shapes
from sandbox.base import Memory
from sandbox.errors import DEAD_TOKEN, Json
from sandbox.people import People
from sandbox.report import credentials_of, described
from sandbox.sessions import DEAD_BODIES
from sandbox.settings import apply_settings
from sandbox.state import Person, Refusal, Workspace, normal


class World(People, Memory):
    """One stand-in for the web backend, and every order that can be given to it."""

    def __init__(self, *, teams: int = 2, seats: int = 5, lag: float = 0.0, latency: float = 0.0) -> None:
        super().__init__(teams=teams, seats=seats, lag=lag, latency=latency)
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
        plan_type: str = "team",
        lag: float | None = None,
        latency: float | None = None,
    ) -> Json:
        """Forget everything and make `teams` workspaces, `per_login` for each login, `members` besides the owner."""
        if teams < 0 or per_login < 1 or members < 0:
            raise Refusal("teams and members are 0 or more, per_login 1 or more")
        with self.lock:
            self.wipe()
            self.latency = self.start_with["latency"] if latency is None else float(latency)
            for number in range(teams):
                owner = self.login(f"owner{number // per_login + 1}@example.com", f"Owner {number // per_login + 1}")
                workspace = self.open_workspace(owner, name=None, seats=seats, plan_type=plan_type)
                self._fill(workspace, members)
            self.list_lag = self.start_with["lag"] if lag is None else float(lag)
            return {"account_ids": list(self.workspaces)}

    def _fill(self, workspace: Workspace, members: int) -> None:
        for number in range(1, members + 1):
            self.admit(workspace, f"member{number}.team{workspace.number}@example.com", lag=0.0)

    def workspace(
        self,
        email: str | None = None,
        *,
        members: int = 0,
        plan_type: str = "team",
        name: str | None = None,
        seats: int | None = 5,
        role: str = "account-owner",
        structure: str = "workspace",
    ) -> Json:
        """Add a workspace for a login, new or known; with a lower role somebody else owns it."""
        with self.lock:
            number = len(self.workspaces) + 1
            login = self.login(email or f"owner{number}@example.com")
            owner = login if role == "account-owner" else self.person(f"real.owner.team{number}@example.com")
            workspace = self.open_workspace(owner, name=name, seats=seats, plan_type=plan_type)
            workspace.structure = structure
            if owner is not login:
                self.admit(workspace, login.email, role=role, lag=0.0)
            self._fill(workspace, members)
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

    def credentials(self) -> list[Json]:
        """Return the raw credentials of every login, as its owner would copy them from a browser."""
        with self.lock:
            return [credentials_of(self, person) for person in self.people.values() if person.client_id]

    def dump(self) -> Json:
        """Return the whole state without secrets."""
        with self.lock:
            return {
                "now": shapes.stamp(self.now(), "z"),
                "offset": self.offset,
                "lag": self.list_lag,
                "latency": self.latency,
                "workspaces": [described(self, workspace) for workspace in self.workspaces.values()],
                "logins": [self._login_row(person) for person in self.people.values() if person.client_id],
                "mails": len(self.mails),
                "faults": [fault.as_dict() for fault in self.faults.faults],
                "shapes": {key: value for key, value in self.shapes.items() if value != shapes.defaults()[key]},
            }

    def _login_row(self, person: Person) -> Json:
        now = self.now()
        alive = [t for t in self.tokens.access_of(person) if not t.dead_as and t.expires_at > now]
        return {
            "email": person.email,
            "user_id": person.id,
            "banned": person.banned,
            "account_ids": [workspace.account_id for workspace in self.workspaces_of(person)],
            "access_tokens_alive": len(alive),
            "refreshes": sum(t.is_spent for t in self.tokens.refresh.values() if t.person is person),
        }

    def invalidate_tokens(
        self,
        email: str = "all",
        *,
        access: bool = True,
        session: bool = False,
        refresh: bool = False,
        code: str = "token_invalidated",
        session_as: str = "empty",
    ) -> Json:
        """Kill tokens of one login or of `all`, whatever their `exp` says; returns how many died."""
        if code not in DEAD_TOKEN or session_as not in DEAD_BODIES:
            raise Refusal(f"code is one of {', '.join(DEAD_TOKEN)}; session_as one of {', '.join(DEAD_BODIES)}")
        with self.lock:
            book, wanted = self.tokens, None if email == "all" else self._known_login(email)
            died = 0
            for is_asked, tokens, dead_as in (
                (access, book.access, code),
                (session, book.sessions, session_as),
                (refresh, book.refresh, "refresh_token_invalidated"),
            ):
                for token in tokens.values() if is_asked else ():
                    if wanted in (None, token.person) and token.dead_as is None:
                        token.dead_as = dead_as
                        died += 1
            return {"died": died}

    def ban(self, email: str, banned: bool = True) -> Json:
        """Deactivate a login's user, or forgive it."""
        with self.lock:
            self._known_login(email).banned = banned
            return {"email": normal(email), "banned": banned}

    def _known_login(self, email: str) -> Person:
        person = self.people.get(normal(email))
        if person is None or person.client_id is None:
            raise Refusal(f"no login {email!r}", 404)
        return person

    def fault(
        self,
        op: str,
        action: Json | str | None = None,
        *,
        account_id: str | None = None,
        email: str | None = None,
        nth: int = 1,
        times: int | None = None,
        apply_effect: str | None = None,
    ) -> Json:
        """Push a fault (see `sandbox.faults`); `action` may be the bare name of a preset."""
        spec = {"preset": action} if isinstance(action, str) else action or {}
        with self.lock:
            pushed = self.faults.push(
                op, spec, account_id=account_id, email=email, nth=nth, times=times, apply_effect=apply_effect
            )
            return pushed.as_dict()

    def clear_faults(self) -> Json:
        """Forget every fault that is left."""
        with self.lock:
            left = len(self.faults.faults)
            self.faults.clear()
            return {"cleared": left}

    def shape(self, **toggles: Any) -> Json:
        """Set shape toggles (see `sandbox.shapes`), all or none; returns every toggle's value."""
        with self.lock:
            for key, value in toggles.items():
                try:
                    shapes.check(key, value)
                except ValueError as error:
                    raise Refusal(str(error)) from None
            self.shapes |= toggles
            return dict(self.shapes)

    def clear_shapes(self) -> Json:
        """Put every shape toggle back to its default."""
        with self.lock:
            self.shapes = shapes.defaults()
            return dict(self.shapes)

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

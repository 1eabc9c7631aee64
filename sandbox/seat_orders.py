"""Orders about seats: buy, drop, renew, switch, end a hold, and the true books (upstream §9, §16.1)."""

from __future__ import annotations

from typing import Any

from sandbox import books
from sandbox.base import Memory
from sandbox.errors import DEAD_TOKEN, Json
from sandbox.pools import PAID_TYPES, Pool
from sandbox.report import member_row
from sandbox.state import DAY, SEAT_TYPES, Refusal, Workspace, normal
from sandbox.vacancies import end_holds

POOL_FIELDS = (
    "paid",
    "renewal_requested",
    "is_listed",
    "pending_unoccupied_removal",
    "pending_occupied_downgrades",
    "pending_unoccupied_downgrades",
)


class SeatOrders(Memory):
    """Orders that change the paid seats of a workspace, and orders that tell the truth about them."""

    def buy_seats(self, account_id: str, seat_type: str = "default", count: int = 1) -> Json:
        """Buy seats as the owner does; returns the pools."""
        with self.lock:
            workspace = self.find(account_id)
            self._pool(workspace, seat_type, count)
            self.buy(workspace, seat_type, count, by="order")
            return books.pool_rows(workspace, self.now())

    def drop_seats(
        self, account_id: str, seat_type: str = "default", count: int = 1, *, at_renewal: bool = False
    ) -> Json:
        """Give seats up, at once or with the next `renew`; returns the pools."""
        with self.lock:
            workspace = self.find(account_id)
            pool = self._pool(workspace, seat_type, count)
            if count > ((pool.renewal_requested if at_renewal else pool.paid) or 0):
                raise Refusal(f"there are no {count} {seat_type} seats to drop", 409)
            if at_renewal:
                pool.renewal_requested = (pool.renewal_requested or 0) - count
                pool.pending_unoccupied_removal += count
            else:
                pool.add(-count)
                self.changed_plan(workspace)
            self.note(workspace)
            return books.pool_rows(workspace, self.now())

    def set_pool(self, account_id: str, seat_type: str = "default", **fields: Any) -> Json:
        """Set fields of a pool as they are (see `sandbox.pools`); with `is_listed` false there is no such pool."""
        with self.lock:
            workspace = self.find(account_id)
            pool = self._pool(workspace, seat_type, 1)
            if unknown := fields.keys() - set(POOL_FIELDS):
                raise Refusal(f"no field {', '.join(sorted(unknown))}; there are: {', '.join(POOL_FIELDS)}")
            for key, value in fields.items():
                setattr(pool, key, value)
            self.note(workspace)
            return books.pool_rows(workspace, self.now())

    def renew(self, account_id: str) -> Json:
        """Begin the next paid time: what was asked for is paid, and the end is 30 days later."""
        with self.lock:
            workspace = self.find(account_id)
            for pool in workspace.pools.values():
                pool.renew()
            workspace.active_until += 30 * DAY
            self.note(workspace)
            return books.pool_rows(workspace, self.now())

    def upgrade(self, account_id: str, seats: int = 2) -> Json:
        """Make a Codex-only workspace a Team with standard seats; its `plan_type` stays what it was."""
        with self.lock:
            workspace = self.find(account_id)
            if not workspace.codex_only:
                raise Refusal("that workspace is no Codex-only one", 409)
            pool = self._pool(workspace, "default", seats)
            workspace.codex_only, pool.is_listed = False, True
            self.buy(workspace, "default", seats, by="order")
            return books.pool_rows(workspace, self.now())

    def switch_seat(self, account_id: str, email: str, seat_type: str) -> Json:
        """Put a member into a seat of another type, whoever it is; no seat check, as the web UI may buy one."""
        if seat_type not in SEAT_TYPES:
            raise Refusal(f"seat_type is one of {', '.join(SEAT_TYPES)}")
        with self.lock:
            workspace = self.find(account_id)
            row = workspace.members_of_email(email)
            if row is None:
                raise Refusal(f"{email!r} is not in that workspace", 404)
            row.seat_type = seat_type
            self.note(workspace)
            return member_row(self, row)

    def end_holds(self, account_id: str, *, email: str | None = None, seat_type: str | None = None) -> Json:
        """Give held seats back before their time: all, or those of one person or one seat type."""
        with self.lock:
            workspace = self.find(account_id)
            named = normal(email) if email else None
            return {"ended": end_holds(self, workspace, email=named, seat_type=seat_type)}

    def kill_tokens(self, account_id: str, code: str = "token_invalidated") -> Json:
        """Kill the access tokens scoped to a workspace, as a purchase or a change of plan may."""
        if code not in DEAD_TOKEN:
            raise Refusal(f"code is one of {', '.join(DEAD_TOKEN)}")
        with self.lock:
            return {"died": self.tokens.kill_access_to(self.find(account_id).account_id, code)}

    def books(self, account_id: str) -> Json:
        """Return what is true of a workspace's seats and people, whatever its lists and numbers show."""
        with self.lock:
            workspace = self.find(account_id)
            self.note(workspace)
            return books.report(workspace, self.now())

    def purchases(self, account_id: str | None = None, *, by: str = "invite") -> list[Json]:
        """Return the purchases in all workspaces or one; by clients' over-invites, or by `member`, `order` or `all`."""
        with self.lock:
            wanted = self.workspaces.values() if account_id is None else [self.find(account_id)]
            made = [one for workspace in wanted for one in workspace.purchases]
            return [books.purchase_row(one) for one in made if by in ("all", one.by)]

    def _pool(self, workspace: Workspace, seat_type: str, count: int) -> Pool:
        if seat_type not in PAID_TYPES:
            raise Refusal(f"seat_type is one of {', '.join(PAID_TYPES)}")
        if count < 1:
            raise Refusal("the number of seats is 1 or more")
        return workspace.pools[seat_type]

"""Whose row takes a place, and what a row proves (upstream §3, §4, §9). Pure.

Only counting uses seat types. Who is present, who is matched and who is absent is decided by every row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from teampool.upstream.types import OTHER_SEATS, PREMIUM, InviteRow, MemberRow

_PENDING = frozenset({"", "2", "pending"})


def is_standard(seat_type: str) -> bool:
    """True for the standard seat type, for none at all, and for a type nobody has heard of."""
    return seat_type.strip().lower() not in OTHER_SEATS


def takes_place(row: MemberRow | InviteRow) -> bool:
    """True for a row that uses a standard seat, whatever its role or the status of its invite.

    A deactivated member takes none: the seat kept for them is in `held`.
    """
    if isinstance(row, MemberRow) and row.deactivated_at is not None:
        return False
    return is_standard(row.seat_type)


def proves_invitation(row: InviteRow) -> bool:
    """True for a row that an invitation of ours makes; a request to join takes a place but proves nothing."""
    return row.status in _PENDING


def people_on_hold(rows: Iterable[MemberRow], *, is_complete: bool) -> int | None:
    """How many people the hold list of standard seats names; None when it must not be believed.

    A row without `deactivated_time` is no removed person: the server ignored the filter and answered the plain list,
    and counting 0 there would give kept seats away.
    """
    held = list(rows)
    if not is_complete or any(row.deactivated_at is None for row in held):
        return None
    return sum(is_standard(row.reclaimable_seat_type) for row in held)


class Kind(StrEnum):
    MEMBER = "member"
    INVITE = "invite"


@dataclass(frozen=True, slots=True)
class Occupant:
    """Somebody in a standard seat; `vacancies.emptied` compares the occupants of two lists."""

    kind: Kind
    upstream_id: str
    email: str = ""


@dataclass(frozen=True, slots=True)
class Lists:
    """Both complete lists of one snapshot, and the id of the row that is the own one.

    Made of complete lists only: an incomplete one proves no absence, so nothing may be counted by it.
    """

    members: tuple[MemberRow, ...]
    invites: tuple[InviteRow, ...]
    own_id: str

    @property
    def own(self) -> int:
        """1 where the own row sits in a standard seat or its seat is unknown, 0 where it sits in another one."""
        return int(all(is_standard(row.seat_type) for row in self.members if row.user_id == self.own_id))

    @property
    def standard_members(self) -> tuple[MemberRow, ...]:
        """Members in a standard seat, without the own row."""
        return tuple(row for row in self.members if row.user_id != self.own_id and takes_place(row))

    @property
    def standard_invites(self) -> tuple[InviteRow, ...]:
        """Pending rows that take a place, without an accepted invite that lingers.

        Only a member who takes a place makes a pending row of the same address a lingering one: the invite of somebody
        in a Codex seat may be one for a standard seat.
        """
        seated = {row.email for row in self.members if row.email and (row.user_id == self.own_id or takes_place(row))}
        return tuple(row for row in self.invites if takes_place(row) and row.email not in seated)

    @property
    def taken(self) -> int:
        """Rows that take a place; the own one does not."""
        return len(self.standard_members) + len(self.standard_invites)

    @property
    def has_premium(self) -> bool:
        """True when either list shows a Premium seat, the own row's and a removed person's included."""
        return any(PREMIUM in (row.seat_type, row.reclaimable_seat_type) for row in self.members) or any(
            row.seat_type == PREMIUM for row in self.invites
        )

    @property
    def occupants(self) -> frozenset[Occupant]:
        """Everybody in a standard seat, the own row included: a seat that its owner leaves may be held as well."""
        members = (row for row in self.members if takes_place(row))
        return frozenset(Occupant(Kind.MEMBER, row.user_id, row.email or "") for row in members) | frozenset(
            Occupant(Kind.INVITE, row.invite_id, row.email or "") for row in self.standard_invites
        )

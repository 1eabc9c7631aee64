"""One look at a Team: who is in it and what was bought, read from ChatGPT outside any transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.utils import timezone

from teampool.models import Member, Owner, Team
from teampool.pool.capacity import needs_hold_list
from teampool.pool.rows import Lists, people_on_hold, proves_invitation, takes_place
from teampool.upstream.client import Upstream
from teampool.upstream.errors import UpstreamError
from teampool.upstream.paging import Listing
from teampool.upstream.types import STANDARD, Failure, InviteRow, MemberRow, Subscription

# The account check is heavy and guarded: it is asked again for a Team's features after this time only.
FEATURES_GOOD_FOR = timedelta(hours=24)
_DEFINITE = (401, 404)


class NotItsList(Exception):
    """A complete list that cannot be this Team's; `problem` says why. It proves nothing about anyone."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the Team besides the log-in's own user. `email` is empty when upstream hides it.

    `since`: when they came, or were invited; None when upstream does not say. `takes_place`: in a standard seat.
    `only_asks`: the row is a request to join, which proves no invitation of ours.
    """

    kind: Member.Kind
    upstream_id: str
    email: str
    role: str
    since: datetime | None = None
    takes_place: bool = True
    only_asks: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Both lists and the seats. Absence may be concluded only while `is_complete`.

    `ended_at`: when both lists had been read. `subscription`: None when it was not read; `refusal` is then the status
    of a definite no. `on_hold`: people on the hold list, None when it was not read or cannot be believed.
    `is_codex_only`: None when the features were not read. `reader_id`: the Owner whose log-in read it; None says that
    it is the Team's.
    """

    started_at: datetime
    members: tuple[MemberRow, ...]
    invites: tuple[InviteRow, ...]
    is_complete: bool
    problem: str
    ended_at: datetime
    subscription: Subscription | None = None
    refusal: int | None = None
    on_hold: int | None = None
    is_codex_only: bool | None = None
    reader_id: int | None = None

    def lists(self, owner: Owner) -> Lists:
        return Lists(self.members, self.invites, own_id(self.members, owner))

    def has_self(self, owner: Owner) -> bool:
        return any(is_own_row(row, owner) for row in self.members)

    def is_administered_by(self, owner: Owner) -> bool:
        return any(is_own_row(row, owner) and row.is_manager for row in self.members)

    @property
    def names_roles(self) -> bool:
        """False when a member's row has no role: that person may be an owner, so nobody is removed by this list."""
        return all(row.role for row in self.members)

    def people(self, owner: Owner) -> list[Person]:
        """Everybody in the Team, whatever their seat type, without the log-in's own user and deactivated rows.

        An accepted invite may stay listed for a while: it is left out, because the member's row is there.
        """
        members = [
            Person(Member.Kind.MEMBER, row.user_id, row.email or "", row.role, row.created_at, takes_place(row))
            for row in self.members
            if row.deactivated_at is None and not is_own_row(row, owner)
        ]
        present = {row.email for row in self.members if row.email and row.deactivated_at is None}
        invited = [
            Person(
                Member.Kind.INVITE,
                row.invite_id,
                row.email or "",
                row.role,
                row.created_at,
                takes_place(row),
                only_asks=not proves_invitation(row),
            )
            for row in self.invites
            if not row.email or row.email not in present
        ]
        return members + invited


def is_own_row(row: MemberRow, owner: Owner) -> bool:
    """True for the log-in's own user: by user id first, because e-mails may be wrong or hidden."""
    if owner.upstream_user_id and row.user_id == owner.upstream_user_id:
        return True
    return bool(row.email) and row.email == owner.email


def own_id(members: Iterable[MemberRow], owner: Owner) -> str:
    return next((row.user_id for row in members if is_own_row(row, owner)), "")


def fetch_lists(upstream: Upstream) -> Snapshot:
    """Read the pending list and the member list. Raises UpstreamError when one cannot be read at all.

    Pending first: a person who accepts in between is then seen twice rather than not at all.
    """
    invites: Listing[InviteRow] = upstream.invites()
    members: Listing[MemberRow] = upstream.members()
    return Snapshot(
        started_at=invites.started_at,
        members=members.rows,
        invites=invites.rows,
        is_complete=invites.is_complete and members.is_complete,
        problem="; ".join(filter(None, (invites.problem, members.problem))),
        ended_at=timezone.now(),
    )


def fetch(upstream: Upstream, *, owner: Owner, team: Team | None = None, in_flight: int = 0) -> Snapshot:
    """Read both lists, then the seats: the subscription, and what it leaves unclear. Raises as `fetch_lists` does.

    `team`: as it is stored, None while it is opened with the features known. `in_flight`: invitations of ours that
    the lists may not show yet. Seats that cannot be read leave `subscription` empty. With incomplete lists they are
    not asked for, since nothing is counted by those.
    """
    snapshot = replace(fetch_lists(upstream), reader_id=owner.pk)
    if not snapshot.is_complete:
        return snapshot
    refusal = on_hold = None
    try:
        seats = upstream.subscription()
    except UpstreamError as error:
        seats = None
        is_definite = error.failure in (Failure.PERMISSION_DENIED, Failure.NOT_FOUND_ITEM) and error.status in _DEFINITE
        refusal = error.status if is_definite else None
    if needs_hold_list(seats, lists=snapshot.lists(owner), in_flight=in_flight):
        on_hold = _hold_list(upstream)
    return replace(
        snapshot,
        subscription=seats,
        refusal=refusal,
        on_hold=on_hold,
        is_codex_only=_features(upstream, team) if team is not None and needs_features(team, seats) else None,
    )


def _hold_list(upstream: Upstream) -> int | None:
    try:
        held = upstream.held_people()
    except UpstreamError:
        return None
    return people_on_hold(held.rows, is_complete=held.is_complete)


def needs_features(team: Team, seats: Subscription | None) -> bool:
    """True where only the account check tells a Codex-only workspace from one whose seats are not shown."""
    pool = seats.pool(STANDARD) if seats else None
    if (pool and pool.paid is not None) or (seats is None and team.reading is not None):
        return False
    read_at = team.features_read_at
    return team.is_codex_only is None or read_at is None or timezone.now() - read_at > FEATURES_GOOD_FOR


def _features(upstream: Upstream, team: Team) -> bool | None:
    try:
        workspaces = upstream.account_check()
    except UpstreamError:
        return None
    return next((one.is_codex_only for one in workspaces if one.account_id == team.account_id), None)

"""One look at a Team: who is in it and what was bought. Fetched outside, stored inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from teampool.models import AllowedMember, Member, Owner, Team
from teampool.pool.rows import takes_place
from teampool.upstream.client import Upstream
from teampool.upstream.errors import UpstreamError
from teampool.upstream.paging import Listing
from teampool.upstream.types import Fault, InviteRow, MemberRow, Subscription

USAGE_BASED = "usage_based"
# Problems in our own words, as `Team.sync_problem` holds them.
OWN_LOGIN_MISSING = "the list does not show the log-in's own user"
OTHER_WORKSPACE = "the list is that of another workspace"


class NotItsList(Exception):
    """A complete list that cannot be this Team's; `problem` says why. It proves nothing about anyone."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who takes a seat besides the credential's own user. `email` is empty when upstream hides it.

    `since`: when they came, or were invited; None when upstream does not say. `takes_place`: in a standard seat.
    """

    kind: Member.Kind
    upstream_id: str
    email: str
    role: str
    since: datetime | None = None
    takes_place: bool = True


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Both lists and the seats. Absence may be concluded only while `is_complete`."""

    started_at: datetime
    members: tuple[MemberRow, ...]
    invites: tuple[InviteRow, ...]
    is_complete: bool
    problem: str
    subscription: Subscription | None

    def has_self(self, owner: Owner) -> bool:
        return any(is_own_row(row, owner) for row in self.members)

    def is_administered_by(self, owner: Owner) -> bool:
        return any(is_own_row(row, owner) and row.is_manager for row in self.members)

    @property
    def names_roles(self) -> bool:
        """False when a member's row has no role: whoever that is might be an owner, and nobody is removed by it."""
        return all(row.role for row in self.members)

    def people(self, owner: Owner) -> list[Person]:
        """Everyone who takes a seat, once: an accepted invite that lingers in the pending list is the member.

        Not the credential's own user, nor usage-based or deactivated rows.
        """
        members = [
            Person(Member.Kind.MEMBER, row.user_id, row.email or "", row.role, row.created_at, takes_place(row))
            for row in self.members
            if row.seat_type != USAGE_BASED and row.deactivated_at is None and not is_own_row(row, owner)
        ]
        present = {row.email for row in self.members if row.email and row.deactivated_at is None}
        invited = [
            Person(Member.Kind.INVITE, row.invite_id, row.email or "", row.role, row.created_at, takes_place(row))
            for row in self.invites
            if row.seat_type != USAGE_BASED and (not row.email or row.email not in present)
        ]
        return members + invited


def is_own_row(row: MemberRow, owner: Owner) -> bool:
    """The credential's own user, by id first: labels and e-mails may be wrong or hidden."""
    if owner.upstream_user_id and row.user_id == owner.upstream_user_id:
        return True
    return bool(row.email) and row.email == owner.email


def fetch(upstream: Upstream) -> Snapshot:
    """Read the pending list, the member list and the seats. Raises UpstreamError when a list cannot be read at all.

    Pending first: whoever accepts in between is then seen twice rather than not at all. Seats that
    cannot be read (role too low, network) leave `subscription` empty, which keeps the last values.
    """
    invites: Listing[InviteRow] = upstream.invites()
    members: Listing[MemberRow] = upstream.members()
    try:
        subscription = upstream.subscription()
    except UpstreamError as error:
        if error.fault is Fault.TEAM and error.op == "members":
            raise
        subscription = None
    return Snapshot(
        started_at=invites.started_at,
        members=members.rows,
        invites=invites.rows,
        is_complete=invites.is_complete and members.is_complete,
        problem="; ".join(filter(None, (invites.problem, members.problem))),
        subscription=subscription,
    )


def known_upstream_ids(team: Team) -> set[str]:
    """Ids of people who may be there without a grant: their rows are no riddle even when the e-mail is hidden."""
    allowed = AllowedMember.objects.filter(Q(team=team) | Q(team=None)).exclude(upstream_user_id="")
    return set(allowed.values_list("upstream_user_id", flat=True))


def is_news(team: Team, snapshot: Snapshot) -> bool:
    """False for an incomplete snapshot, and for one that started before the stored one: it never overwrites it."""
    if not snapshot.is_complete:
        return False
    return team.snapshot_started_at is None or snapshot.started_at > team.snapshot_started_at


def why_untrusted(team: Team, snapshot: Snapshot) -> str:
    """Why this list cannot be this Team's, "" when nothing speaks against it.

    The log-in's own user is always in its Team's list. Nobody who was there is, and several others are, all of
    them from one other Team of ours: that is the other Team's list. Before the guardian removes anyone, it asks the
    same in two more ways: `rules.why_not_judged` and `evidence.twins`.
    """
    if not snapshot.has_self(team.owner):
        return OWN_LOGIN_MISSING
    shown = {row.user_id for row in snapshot.members if not is_own_row(row, team.owner)}
    if len(shown) < 2:
        return ""
    members = Member.objects.filter(kind=Member.Kind.MEMBER)
    known = set(members.filter(team=team).not_own().values_list("upstream_id", flat=True))
    if not known or shown & known:
        return ""
    elsewhere = members.filter(upstream_id__in=shown).exclude(team=team).values("team").annotate(people=Count("pk"))
    return OTHER_WORKSPACE if elsewhere.filter(people__gte=max(2, len(shown) // 2 + 1)).exists() else ""


def store(team: Team, snapshot: Snapshot) -> None:
    """Write the rows and what was bought; the caller holds the Team's lock and checked `is_news`."""
    _store_rows(team, snapshot)
    _learn_ids(team, snapshot)
    seats = snapshot.subscription
    if seats is not None:
        team.seats_entitled = seats.seats_entitled or team.seats_entitled
        team.vacancies_held = seats.held
        team.subscription_until = seats.active_until
        team.will_renew = seats.will_renew
    if team.upstream_full_at is not None and snapshot.started_at > team.upstream_full_at:
        team.upstream_full_at = None
    team.snapshot_started_at = snapshot.started_at
    team.snapshot_has_self = snapshot.has_self(team.owner)
    team.sync_problem = ""
    team.save(
        update_fields=[
            "seats_entitled",
            "vacancies_held",
            "subscription_until",
            "will_renew",
            "upstream_full_at",
            "snapshot_started_at",
            "snapshot_has_self",
            "sync_problem",
        ]
    )


def _learn_ids(team: Team, snapshot: Snapshot) -> None:
    """Note the user id of whoever may be here by e-mail only, so that a new address makes no stranger of them."""
    nameless = AllowedMember.objects.filter(team=team, upstream_user_id="")
    wanted = dict(nameless.values_list("email", "pk"))
    learnt = known_upstream_ids(team) if wanted else set()
    for row in snapshot.members:
        if row.email in wanted and row.user_id[:80] not in learnt:
            nameless.filter(pk=wanted[row.email]).update(upstream_user_id=row.user_id[:80])


def _store_rows(team: Team, snapshot: Snapshot) -> None:
    wanted = {(row.kind, row.upstream_id): row for row in _rows(team, snapshot)}
    stale = []
    for old in team.members.all():
        new = wanted.get((old.kind, old.upstream_id))
        if new is not None and _facts(new) == _facts(old):
            del wanted[old.kind, old.upstream_id]
        else:
            stale.append(old.pk)
    if stale:
        Member.objects.filter(pk__in=stale).delete()
    if wanted:
        Member.objects.bulk_create(wanted.values())


def _facts(row: Member) -> tuple[object, ...]:
    return (row.email, row.name, row.role, row.seat_type, row.joined_at, row.deactivated_at)


def _rows(team: Team, snapshot: Snapshot) -> list[Member]:
    members = [
        Member(
            team=team,
            kind=Member.Kind.MEMBER,
            upstream_id=row.user_id[:80],
            email=(row.email or "")[:254],
            name=(row.name or "")[:200],
            role=row.role[:32],
            seat_type=row.seat_type[:32],
            joined_at=row.created_at,
            deactivated_at=row.deactivated_at,
        )
        for row in snapshot.members
    ]
    invites = [
        Member(
            team=team,
            kind=Member.Kind.INVITE,
            upstream_id=row.invite_id[:80],
            email=(row.email or "")[:254],
            role=row.role[:32],
            seat_type=row.seat_type[:32],
            joined_at=row.created_at,
        )
        for row in snapshot.invites
    ]
    return members + invites

"""One look at a Team: who is in it and what was bought. Fetched outside, stored inside a transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.utils import timezone

from teampool.models import AllowedMember, Member, Owner, Team, Vacancy
from teampool.pool import vacancies
from teampool.pool.capacity import needs_hold_list
from teampool.pool.rows import Lists, people_on_hold, proves_invitation, takes_place
from teampool.upstream.client import Upstream
from teampool.upstream.errors import UpstreamError
from teampool.upstream.paging import Listing
from teampool.upstream.types import PREMIUM, STANDARD, Failure, InviteRow, MemberRow, Subscription

# The account check is heavy and guarded: it is asked again for a Team's features after this time only.
FEATURES_GOOD_FOR = timedelta(hours=24)
_DEFINITE = (401, 404)
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
    """Someone who is there besides the credential's own user. `email` is empty when upstream hides it.

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
        return Lists(self.members, self.invites, _own_id(self.members, owner))

    def has_self(self, owner: Owner) -> bool:
        return any(is_own_row(row, owner) for row in self.members)

    def is_administered_by(self, owner: Owner) -> bool:
        return any(is_own_row(row, owner) and row.is_manager for row in self.members)

    @property
    def names_roles(self) -> bool:
        """False when a member's row has no role: whoever that is might be an owner, and nobody is removed by it."""
        return all(row.role for row in self.members)

    def people(self, owner: Owner) -> list[Person]:
        """Everyone who is there, whatever their seat type: an accepted invite that lingers is the member.

        Not the credential's own user, nor deactivated rows.
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
    """The credential's own user, by id first: labels and e-mails may be wrong or hidden."""
    if owner.upstream_user_id and row.user_id == owner.upstream_user_id:
        return True
    return bool(row.email) and row.email == owner.email


def _own_id(members: Iterable[MemberRow], owner: Owner) -> str:
    return next((row.user_id for row in members if is_own_row(row, owner)), "")


def fetch_lists(upstream: Upstream) -> Snapshot:
    """Read the pending list and the member list. Raises UpstreamError when one cannot be read at all.

    Pending first: whoever accepts in between is then seen twice rather than not at all.
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


def stored_lists(team: Team) -> Lists:
    """The lists as they were stored last, for what is counted without a new look."""
    return _lists(team.members.all(), team.owner)


def _lists(rows: Iterable[Member], owner: Owner) -> Lists:
    """Whose seat is kept is not stored, so a deactivated row counts as possibly Premium."""
    members, invites = [], []
    for row in rows:
        if row.kind == Member.Kind.INVITE:
            invites.append(InviteRow(row.upstream_id, row.email or None, row.role, row.seat_type, row.joined_at))
        else:
            kept = PREMIUM if row.deactivated_at else ""
            members.append(
                MemberRow(
                    row.upstream_id,
                    row.email or None,
                    row.role,
                    row.seat_type,
                    row.name,
                    row.joined_at,
                    row.deactivated_at,
                    kept,
                )
            )
    return Lists(tuple(members), tuple(invites), _own_id(members, owner))


def known_upstream_ids(team: Team) -> set[str]:
    """Ids of people who may be there without a grant: their rows are no riddle even when the e-mail is hidden."""
    allowed = AllowedMember.objects.filter(Q(team=team) | Q(team=None)).exclude(upstream_user_id="")
    return set(allowed.values_list("upstream_user_id", flat=True))


def is_news(team: Team, snapshot: Snapshot) -> bool:
    """False for an incomplete snapshot, for one that another log-in read than leads now, and for an older one."""
    if not snapshot.is_complete or snapshot.reader_id not in (None, team.owner_id):
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


def store(team: Team, snapshot: Snapshot, *, withdrawn: Collection[str] = ()) -> None:
    """Write the rows, the places that emptied, and what was read of the seats.

    `withdrawn`: addresses whose pending invitation ChatGPT said it withdrew. The caller holds the Team's lock, checked
    `is_news`, and counts the seats after it.
    """
    _note_vacancies(team, *_store_rows(team, snapshot), withdrawn=withdrawn, gone_by=snapshot.ended_at)
    _learn_ids(team, snapshot)
    _learn_seats(team, snapshot)
    if team.upstream_full_at is not None and snapshot.started_at > team.upstream_full_at:
        team.upstream_full_at = None
    team.snapshot_started_at = snapshot.started_at
    team.snapshot_has_self = snapshot.has_self(team.owner)
    team.sync_problem = ""
    team.save(
        update_fields=[
            *_SEATS,
            "upstream_full_at",
            "snapshot_started_at",
            "snapshot_has_self",
            "sync_problem",
        ]
    )


_SEATS = (
    "subscription_until",
    "will_renew",
    "cancellation_outcome",
    "pools",
    "seats_refused_at",
    "seats_refused_again_at",
    "seats_refused_status",
    "is_codex_only",
    "features_read_at",
)


def _learn_seats(team: Team, snapshot: Snapshot) -> None:
    """What the subscription and the account check said, or that the subscription was refused for good."""
    seats = snapshot.subscription
    if snapshot.is_codex_only is not None:
        team.is_codex_only, team.features_read_at = snapshot.is_codex_only, snapshot.started_at
    if seats is None:
        if snapshot.refusal is not None:
            team.seats_refused_at = team.seats_refused_at or snapshot.started_at
            team.seats_refused_again_at, team.seats_refused_status = snapshot.started_at, snapshot.refusal
        return
    team.seats_refused_at = team.seats_refused_again_at = team.seats_refused_status = None
    team.subscription_until, team.will_renew = seats.active_until, seats.will_renew
    team.cancellation_outcome = seats.cancellation_outcome[:32]
    team.pools = [asdict(pool) for pool in seats.pools]
    pool = seats.pool(STANDARD)
    if pool and pool.paid is not None:
        team.is_codex_only = None  # upgraded or never one: the subscription decides, and the features are old news


def _note_vacancies(team: Team, before: Lists, after: Lists, *, withdrawn: Collection[str], gone_by: datetime) -> None:
    ids = {row.invite_id for row in before.invites if row.email in withdrawn}
    gone = vacancies.emptied(before=before.occupants, after=after.occupants, withdrawn=ids, gone_by=gone_by)
    Vacancy.objects.bulk_create(
        Vacancy(
            team=team,
            kind=one.occupant.kind.value,
            upstream_id=one.occupant.upstream_id,
            email=one.occupant.email,
            gone_by=one.gone_by,
        )
        for one in gone
    )


def _learn_ids(team: Team, snapshot: Snapshot) -> None:
    """Note the user id of whoever may be here by e-mail only, so that a new address makes no stranger of them."""
    nameless = AllowedMember.objects.filter(team=team, upstream_user_id="")
    wanted = dict(nameless.values_list("email", "pk"))
    learnt = known_upstream_ids(team) if wanted else set()
    for row in snapshot.members:
        if row.email in wanted and row.user_id[:80] not in learnt:
            nameless.filter(pk=wanted[row.email]).update(upstream_user_id=row.user_id[:80])


def _store_rows(team: Team, snapshot: Snapshot) -> tuple[Lists, Lists]:
    """Replace the stored rows that differ; the lists before and after."""
    wanted = {(row.kind, row.upstream_id): row for row in _rows(team, snapshot)}
    olds = list(team.members.all())
    before, after = _lists(olds, team.owner), _lists(wanted.values(), team.owner)
    stale = []
    for old in olds:
        new = wanted.get((old.kind, old.upstream_id))
        if new is not None and _facts(new) == _facts(old):
            del wanted[old.kind, old.upstream_id]
        else:
            stale.append(old.pk)
    if stale:
        Member.objects.filter(pk__in=stale).delete()
    if wanted:
        Member.objects.bulk_create(wanted.values())
    return before, after


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

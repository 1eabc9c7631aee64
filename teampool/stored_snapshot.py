"""A Team's last snapshot in our rows: whether a new one may replace it, and replacing it inside a transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime

from django.db.models import Count, Q

from teampool.models import AllowedMember, Member, Owner, Team, Vacancy
from teampool.pool import vacancies
from teampool.pool.rows import Lists
from teampool.snapshot import Snapshot, is_own_row, own_id
from teampool.upstream.types import PREMIUM, STANDARD, Failure, InviteRow, MemberRow
from teampool.upstream.web_session import NO_TOKEN_HERE, NO_TOKEN_NOW, SAME_TOKEN

# Problems in our own words, as `Team.sync_problem` holds them.
OWN_LOGIN_MISSING = "the list does not show the log-in's own user"
OTHER_WORKSPACE = "the list is that of another workspace"
BLOCKED = "ChatGPT blocked the address of this server"
NOT_PERMITTED = "ChatGPT did not permit it"
REFUSALS = {
    Failure.EDGE_BLOCK: BLOCKED,
    Failure.PERMISSION_DENIED: NOT_PERMITTED,
    Failure.EXCHANGE_FAILED: NO_TOKEN_HERE,
    Failure.SESSION_DOUBTFUL: NO_TOKEN_NOW,
    Failure.REFRESH_TRANSIENT: NO_TOKEN_NOW,
    Failure.TOKEN_REPEATED: SAME_TOKEN,
}


def stored_lists(team: Team) -> Lists:
    """The lists as they were stored last, for what is counted without a new look."""
    return _lists(team.members.all(), team.owner)


def _lists(rows: Iterable[Member], owner: Owner) -> Lists:
    """Stored rows do not say which seat is kept for a deactivated member, so it counts as Premium."""
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
    return Lists(tuple(members), tuple(invites), own_id(members, owner))


def known_upstream_ids(team: Team) -> set[str]:
    """User ids of allowed people: their rows can be named even when the e-mail is hidden."""
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
    """Store the user ids of people allowed by e-mail alone, so that a change of address makes nobody a stranger."""
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

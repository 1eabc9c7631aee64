"""Make one workspace of a log-in a Team: open a new Team, or give a known one its new token.

A Team opens with its first complete snapshot. Everybody present then belongs there (the baseline). Nobody holds a grant
in it yet, so all of them count as outsiders (design §2).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from base.actors import Actor
from notifications.audit import events
from teampool import bells
from teampool.counting import count
from teampool.imports.reasons import EMAIL_MISMATCH, UNREACHABLE, Refused
from teampool.imports.who import Login
from teampool.login import take_over
from teampool.login.token_chain import newest
from teampool.login.tokens import store_tokens
from teampool.models import AllowedMember, Owner, Team, TeamLogin, Vacancy
from teampool.pool import seats
from teampool.snapshot import Snapshot, fetch, is_own_row
from teampool.stored_snapshot import is_news, store
from teampool.teams.health import welcome
from teampool.upstream.client import Upstream
from teampool.upstream.types import TokenSet, Workspace

CREATED, UPDATED = "created", "updated"
SOURCE = "import"


@dataclass(frozen=True, slots=True)
class Brought:
    """The result for one workspace. `baseline`: how many people were there.

    `is_spare`: another log-in, which renews itself, goes on leading; this one can take over.
    """

    id: int
    account_id: str
    name: str
    action: str
    baseline: int = 0
    problem: str = ""
    is_spare: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def store_login(login: Login, *, actor: Actor) -> Owner:
    """The Owner's row, with the newest tokens. Raises Refused when its e-mail is stored with another user."""
    owner, _is_new = Owner.objects.get_or_create(
        email=login.email, defaults={"upstream_user_id": login.user_id, "device_id": UUID(login.device_id)}
    )
    if owner.upstream_user_id and login.user_id and owner.upstream_user_id != login.user_id:
        raise Refused(EMAIL_MISMATCH, email=login.email)
    record = login.record
    store_tokens(
        owner_id=owner.pk,
        access_token=record.access_token,
        # A file that is imported again holds old tokens: store their newest successors.
        refresh_token=newest(record.refresh_token) if record.refresh_token else "",
        session_token=newest(record.session_token) if record.session_token else "",
        client_id=login.client.client_id,
        client_state=login.client.state,
        is_session_proven=login.is_session_proven,
        user_id=login.user_id,
        source=SOURCE,
        actor=actor,
    )
    owner.refresh_from_db()
    return owner


def open_or_renew(*, owner: Owner, workspace: Workspace, tokens: TokenSet, actor: Actor) -> Brought:
    """Open this workspace as a Team, or renew the Team it is. Raises UpstreamError when it cannot be read.

    With incomplete lists the Team exists but stays closed, and `problem` asks to retry.
    """
    known = Team.objects.filter(account_id=workspace.account_id).first()
    if known is not None and known.opened_at is not None:
        return _renew(known.pk, owner, workspace, tokens, actor=actor)
    # Taken before the first request: only a snapshot that begins later lets people in.
    opened_at = timezone.now()
    with Upstream(
        access_token=tokens.access_token, account_id=workspace.account_id, device_id=str(owner.device_id)
    ) as upstream:
        # Its features came with the account check that named this workspace.
        snapshot = replace(fetch(upstream, owner=owner), is_codex_only=workspace.is_codex_only)
    team_id, is_new = _row(owner, workspace, tokens, actor=actor)
    if not is_new:
        _hand_over(team_id, owner, workspace, tokens, actor=actor)
    baseline = _open(team_id, workspace, snapshot, opened_at, actor=actor) if snapshot.is_complete else None
    problem = "" if snapshot.is_complete else UNREACHABLE
    # Two lines may bring in one workspace at once: only the line that opens the Team counts it as created.
    is_created = baseline is not None if snapshot.is_complete else is_new
    action = CREATED if is_created else UPDATED
    return _brought(team_id, action, baseline=baseline or 0, problem=problem)


def _renew(team_id: int, owner: Owner, workspace: Workspace, tokens: TokenSet, *, actor: Actor) -> Brought:
    """A Team that is open already; the next sync reads its seats."""
    with transaction.atomic():
        is_kept = _hand_over(team_id, owner, workspace, tokens, actor=actor)
        bells.sync_team(team_id)
    return _brought(team_id, UPDATED, is_spare=is_kept)


def _row(owner: Owner, workspace: Workspace, tokens: TokenSet, *, actor: Actor) -> tuple[int, bool]:
    """The Team's row, created if missing; two importers at once get the same row. True if this call created it."""
    try:
        with transaction.atomic():
            team = Team.objects.create(
                owner=owner,
                account_id=workspace.account_id,
                name=workspace.name[:120],
                plan=workspace.plan[:48],
                organization_id=workspace.organization_id[:64],
                access_token=tokens.access_token,
                access_expires_at=tokens.expires_at,
            )
            TeamLogin.objects.create(team=team, owner=owner)
            events.team_imported(subject=team.subject, action=CREATED, actor=actor, details={"owner": owner.email})
        return team.pk, True
    except IntegrityError:
        return Team.objects.get(account_id=workspace.account_id).pk, False


def _hand_over(team_id: int, owner: Owner, workspace: Workspace, tokens: TokenSet, *, actor: Actor) -> bool:
    """Give a known Team the new token. True: it is kept beside that of the log-in in use, which goes on leading.

    The log-in in use is replaced when it has ended here, or cannot renew itself; and this one was just seen to work.
    """
    now = timezone.now()
    with transaction.atomic():
        owner = Owner.objects.select_for_update(no_key=True).get(pk=owner.pk)  # lock order: the Owner before the Team
        team = Team.objects.select_for_update(of=("self",), no_key=True).select_related("owner").get(pk=team_id)
        TeamLogin.objects.get_or_create(team=team, owner=owner)
        welcome(TeamLogin.objects.filter(team=team, owner=owner))
        before: dict[str, Any] = {}
        changes: dict[str, Any] = {"plan": workspace.plan[:48], "organization_id": workspace.organization_id[:64]}
        if not team.name:
            changes["name"] = workspace.name[:120]
        is_kept = team.owner_id != owner.pk and team.archived_at is None and _goes_on(team)
        if team.archived_at is not None:
            before["archived_at"] = team.archived_at.isoformat()
            changes["archived_at"] = None
            if team.opened_at is not None:
                changes["opened_at"] = now  # nobody new until a new snapshot was read
        if team.owner_id != owner.pk and not is_kept:
            before["owner"] = team.owner.email
            changes |= take_over.hand_to(team, owner, now=now)
        Team.objects.filter(pk=team_id).update(**changes)
        if before:
            after = {key: {"owner": owner.email, "archived_at": None}[key] for key in before}
            events.team_changed(subject=team.subject, before=before, after=after, actor=actor, cause=SOURCE)
        events.team_imported(subject=team.subject, action=UPDATED, actor=actor, details={"owner": owner.email})
        store_tokens(
            owner_id=owner.pk,
            team_id=team_id,
            access_token=tokens.access_token,
            access_expires_at=tokens.expires_at,
            source=SOURCE,
            actor=actor,
        )
    return is_kept


def _goes_on(team: Team) -> bool:
    """True while the log-in in use works here and renews itself: no other log-in displaces it."""
    is_well = team.token_state == Team.Token.HEALTHY and team.workspace_state not in take_over.NO_ACCESS
    return is_well and team.owner.is_proven and not take_over.problem_of(team, team.owner)


def _open(team_id: int, workspace: Workspace, snapshot: Snapshot, opened_at: datetime, *, actor: Actor) -> int | None:
    """Open the Team with this snapshot; the size of the baseline. None: another process opened it."""
    with transaction.atomic():
        team = Team.objects.select_for_update(of=("self",), no_key=True).select_related("owner").get(pk=team_id)
        if team.opened_at is not None:
            return None
        baseline = _write_baseline(team, snapshot)
        if is_news(team, snapshot):
            store(team, snapshot)
            taken = snapshot.lists(team.owner).taken
            seats.recount(
                team_id=team_id,
                capacity=count(team, snapshot, now=timezone.now()),
                taken=taken,
                outsiders=taken + Vacancy.objects.waiting().filter(team=team).count(),
            )
        changes: dict[str, Any] = {"opened_at": opened_at, "sync_tried_at": opened_at}
        if workspace.is_delinquent or (snapshot.subscription is not None and snapshot.subscription.is_delinquent):
            changes["workspace_state"] = Team.Workspace.DELINQUENT
        Team.objects.filter(pk=team_id).update(**changes)
        events.team_changed(
            subject=team.subject,
            before={"is_open": False},
            after={"is_open": True, "baseline": baseline},
            actor=actor,
            cause=SOURCE,
        )
        return baseline


def _write_baseline(team: Team, snapshot: Snapshot) -> int:
    """Allow everybody present except the log-in's own user, by id and e-mail where shown."""
    people = [(row.email or "", row.user_id) for row in snapshot.members if not is_own_row(row, team.owner)]
    shown = {row.email for row in snapshot.members if row.email}
    # An accepted invite stays in the list of invites for a while: count that person as a member only.
    people += [
        (row.email or "", "" if row.email else row.invite_id) for row in snapshot.invites if row.email not in shown
    ]
    AllowedMember.objects.bulk_create(
        (
            AllowedMember(
                team=team, email=email[:254], upstream_user_id=user_id[:80], origin=AllowedMember.Origin.BASELINE
            )
            for email, user_id in people
        ),
        ignore_conflicts=True,
    )
    return len(people)


def _brought(team_id: int, action: str, *, baseline: int = 0, problem: str = "", is_spare: bool = False) -> Brought:
    team = Team.objects.get(pk=team_id)
    return Brought(team.pk, team.account_id, team.name, action, baseline=baseline, problem=problem, is_spare=is_spare)

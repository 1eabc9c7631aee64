"""Archive Teams: out of the pool, history kept; codes bound to them move to another Team or are voided."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from base.actors import Actor
from invites.codes import uses
from invites.models import RedeemCode, SeatGrant
from notifications.audit import events
from teampool.models import Team
from teampool.pool import stock_alert


@dataclass(frozen=True, slots=True)
class ArchivePlan:
    """What archiving a Team means: how many people are in it, and how many usable codes are bound to it."""

    team: Team
    seated: int
    codes: int


def preview(team_ids: list[int]) -> list[ArchivePlan]:
    """What `archive_teams` would do to each Team; a fixed number of queries."""
    now = timezone.now()
    seated = Counter(SeatGrant.objects.live().filter(team_id__in=team_ids).values_list("team_id", flat=True))
    bound = Counter(RedeemCode.objects.redeemable(now).filter(team_id__in=team_ids).values_list("team_id", flat=True))
    teams = Team.objects.filter(pk__in=team_ids, archived_at=None).select_related("owner").order_by("pk")
    return [ArchivePlan(team, seated[team.pk], bound[team.pk]) for team in teams]


def expired_team_ids() -> list[int]:
    """Teams whose token has ended: those that "clean out" offers."""
    over = Team.objects.filter(archived_at=None).exclude(token_state=Team.Token.HEALTHY)
    return list(over.order_by("pk").values_list("pk", flat=True))


def archive_teams(*, team_ids: list[int], codes_to: Team | None, actor: Actor) -> int:
    """Archive these Teams. Their codes move to `codes_to`; with None, codes with a use left are voided.

    People keep their claims and can be re-seated. Returns how many were archived; skips Teams that already are.
    """
    if codes_to is not None and (codes_to.archived_at is not None or codes_to.pk in team_ids):
        raise ValueError("codes can only be re-pointed to a Team that stays")
    return sum(_archive_one(team_id, codes_to, actor) for team_id in team_ids)


def _archive_one(team_id: int, codes_to: Team | None, actor: Actor) -> bool:
    now = timezone.now()
    bound = RedeemCode.objects.filter(team_id=team_id)
    if codes_to is None:
        # Codes first: a code used meanwhile keeps its seat, and that person can be re-seated.
        voided = uses.void(codes=bound, actor=actor)
        moved = 0
    else:
        voided = 0
        moved = bound.redeemable(now).update(team_id=codes_to.pk)
        # Also used-up codes: a use may be given back later.
        bound.filter(voided_at=None).update(team_id=codes_to.pk)
    with transaction.atomic(durable=True):
        if Team.objects.filter(pk=team_id, archived_at=None).update(archived_at=now) != 1:
            return False
        stock_alert.ring()
        team = Team.objects.get(pk=team_id)
        details = {"codes_voided": voided, "codes_moved": moved}
        events.team_archived(subject=team.subject, actor=actor, details=details)
    return True

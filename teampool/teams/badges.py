"""The badge of a Team: the first of `BADGES` that applies.

Each rule is written twice, for a Team in memory and for a query; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, F, Q, QuerySet, Value, When
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from base.times import clock
from teampool.models import OVER_FULL, SEATS_USED, Team, without_number


@dataclass(frozen=True, slots=True)
class Badge:
    """`tone`: danger, warning, info, success or default, as the theme names them; `icon` says it without colour."""

    key: str
    word: str | Promise
    tone: str
    icon: str
    applies: Callable[[Team, datetime], bool]
    condition: Callable[[datetime], Q]

    def text(self, team: Team, now: datetime) -> str:
        word = str(self.word)
        if team.cooldown_until is None or "{time}" not in word:
            return word
        return word.format(time=clock(team.cooldown_until, now))


def _is_unsynced(team: Team, now: datetime) -> bool:
    if team.opened_at is None or team.snapshot_started_at is None:
        return True
    return team.snapshot_started_at < team.opened_at or not team.snapshot_has_self


def _of_workspace(state: Team.Workspace, word: str | Promise, tone: str, icon: str) -> Badge:
    return Badge(
        state, word, tone, icon, lambda team, now: team.workspace_state == state, lambda now: Q(workspace_state=state)
    )


AVAILABLE = Badge("available", _("Available"), "success", "check_circle", lambda team, now: True, lambda now: Q())
BADGES = (
    Badge(
        "archived",
        _("Archived"),
        "default",
        "inventory_2",
        lambda team, now: team.archived_at is not None,
        lambda now: Q(archived_at__isnull=False),
    ),
    _of_workspace(Team.Workspace.SUSPENDED, _("Suspended"), "danger", "cancel"),
    _of_workspace(Team.Workspace.ACCESS_LOST, _("No access"), "danger", "link_off"),
    _of_workspace(Team.Workspace.INSUFFICIENT_ROLE, _("Role too low"), "danger", "remove_moderator"),
    Badge(
        "token_expired",
        _("Token expired"),
        "danger",
        "key_off",
        lambda team, now: team.token_state != Team.Token.HEALTHY,
        lambda now: ~Q(token_state=Team.Token.HEALTHY),
    ),
    Badge(
        "subscription_ended",
        _("Subscription ended"),
        "danger",
        "credit_card_off",
        lambda team, now: (
            team.workspace_state == Team.Workspace.DELINQUENT
            or (team.subscription_until is not None and team.subscription_until <= now)
        ),
        lambda now: Q(workspace_state=Team.Workspace.DELINQUENT) | Q(subscription_until__lte=now),
    ),
    Badge(
        "over_full",
        _("Over-full"),
        "danger",
        "group_add",
        lambda team, now: team.is_over_full,
        lambda now: OVER_FULL,
    ),
    # It takes no one until its seats are read, or the operator sets a cap.
    Badge(
        "seats_unread",
        _("Seats not read"),
        "warning",
        "sync_problem",
        lambda team, now: team.snapshot_started_at is not None and team.is_seats_unread(now),
        lambda now: without_number(now) & Q(snapshot_started_at__isnull=False),
    ),
    # Below all red badges, because it passes by itself.
    _of_workspace(Team.Workspace.RESTRICTED, _("Invitations dropped"), "warning", "unsubscribe"),
    Badge(
        "paused",
        _("Paused"),
        "default",
        "pause_circle",
        lambda team, now: not team.is_enabled,
        lambda now: Q(is_enabled=False),
    ),
    Badge(
        "cooling",
        _("Cooling down until {time}"),
        "warning",
        "hourglass_top",
        lambda team, now: team.cooldown_until is not None and team.cooldown_until > now,
        lambda now: Q(cooldown_until__gt=now),
    ),
    # No complete list proves yet who is in it, so it takes no one.
    Badge(
        "unsynced",
        _("Waiting for sync"),
        "warning",
        "sync",
        _is_unsynced,
        lambda now: (
            Q(opened_at=None)
            | Q(snapshot_started_at=None)
            | Q(snapshot_started_at__lt=F("opened_at"))
            | Q(snapshot_has_self=False)
        ),
    ),
    Badge(
        "full",
        _("Full"),
        "info",
        "groups",
        lambda team, now: team.seats_free == 0 or team.upstream_full_at is not None,
        lambda now: Q(seat_total__lte=SEATS_USED) | Q(upstream_full_at__isnull=False),
    ),
    AVAILABLE,
)
BY_KEY = {badge.key: badge for badge in BADGES}
RED = tuple(badge.key for badge in BADGES if badge.tone == "danger")


def badge_for(team: Team, now: datetime) -> Badge:
    return next(badge for badge in BADGES if badge.applies(team, now))


def with_badge(teams: QuerySet[Team], now: datetime) -> QuerySet[Any]:
    rules = [When(badge.condition(now), then=Value(badge.key)) for badge in BADGES if badge is not AVAILABLE]
    return teams.annotate(badge_key=Case(*rules, default=Value(AVAILABLE.key), output_field=CharField()))


def need_a_person(now: datetime) -> int:
    """How many Teams have a red badge, except lost Teams in which nobody of ours is left: nothing can be done there."""
    is_lost = Q(workspace_state__in=Team.LOST)
    # Lost Teams that the first screen does name: with an expired log-in, or with more people than seats.
    fits = Q(seats_bought=None) | Q(seats_taken__lte=F("seats_bought"))
    needs_nobody = is_lost & fits & Q(seats_held=0, token_state=Team.Token.HEALTHY)
    return with_badge(Team.objects.all(), now).filter(badge_key__in=RED).exclude(needs_nobody).count()

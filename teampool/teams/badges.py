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
    """`tone`: bad, warn, busy, good or idle. `icon` says the same to people who do not see colours."""

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


def _of_workspace(key: str, word: str | Promise, tone: str, icon: str, state: Team.Workspace) -> Badge:
    return Badge(
        key, word, tone, icon, lambda team, now: team.workspace_state == state, lambda now: Q(workspace_state=state)
    )


AVAILABLE = Badge("available", _("Available"), "good", "check_circle", lambda team, now: True, lambda now: Q())
BADGES = (
    Badge(
        "archived",
        _("Archived"),
        "idle",
        "inventory_2",
        lambda team, now: team.archived_at is not None,
        lambda now: Q(archived_at__isnull=False),
    ),
    _of_workspace("suspended", _("Suspended"), "bad", "cancel", Team.Workspace.SUSPENDED),
    _of_workspace("access_lost", _("No access"), "bad", "link_off", Team.Workspace.ACCESS_LOST),
    _of_workspace("insufficient_role", _("Role too low"), "bad", "remove_moderator", Team.Workspace.INSUFFICIENT_ROLE),
    Badge(
        "token_expired",
        _("Token expired"),
        "bad",
        "key_off",
        lambda team, now: team.token_state != Team.Token.HEALTHY,
        lambda now: ~Q(token_state=Team.Token.HEALTHY),
    ),
    Badge(
        "subscription_ended",
        _("Subscription ended"),
        "bad",
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
        "bad",
        "group_add",
        lambda team, now: team.is_over_full,
        lambda now: OVER_FULL,
    ),
    # Below all red badges, because it passes by itself.
    _of_workspace("restricted", _("Invitations dropped"), "warn", "unsubscribe", Team.Workspace.RESTRICTED),
    Badge(
        "paused",
        _("Paused"),
        "idle",
        "pause_circle",
        lambda team, now: not team.is_enabled,
        lambda now: Q(is_enabled=False),
    ),
    Badge(
        "cooling",
        _("Cooling down until {time}"),
        "warn",
        "hourglass_top",
        lambda team, now: team.cooldown_until is not None and team.cooldown_until > now,
        lambda now: Q(cooldown_until__gt=now),
    ),
    # No complete list proves yet who is in it, so it takes no one.
    Badge(
        "unsynced",
        _("Waiting for sync"),
        "warn",
        "sync",
        _is_unsynced,
        lambda now: (
            Q(opened_at=None)
            | Q(snapshot_started_at=None)
            | Q(snapshot_started_at__lt=F("opened_at"))
            | Q(snapshot_has_self=False)
        ),
    ),
    # It takes no one until its seats are read, or the operator sets a cap.
    Badge(
        "seats_unread",
        _("Seats not read"),
        "warn",
        "sync_problem",
        lambda team, now: team.is_seats_unread(now),
        without_number,
    ),
    Badge(
        "full",
        _("Full"),
        "busy",
        "groups",
        lambda team, now: team.seats_free == 0 or team.upstream_full_at is not None,
        lambda now: Q(seat_total__lte=SEATS_USED) | Q(upstream_full_at__isnull=False),
    ),
    AVAILABLE,
)
BY_KEY = {badge.key: badge for badge in BADGES}
RED = tuple(badge.key for badge in BADGES if badge.tone == "bad")


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

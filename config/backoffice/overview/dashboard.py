"""The first screen: seats, what needs a person now, whether the background work moves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from config.backoffice.overview import chart, guardian, logins, notices, people, stock, teams, worker
from config.backoffice.overview.line import Line
from guardian.admin import words
from guardian.clockwork import heartbeats
from guardian.decisions import status
from invites.models import CodeBatch, Redemption, SeatGrant
from invites.settings import IS_OPEN
from invites.states import GrantState
from teampool.models import Team
from teampool.pool.stock import summary


@dataclass(frozen=True, slots=True)
class Seats:
    """The parts of the bar; they add up to every seat there is, or to more where a Team is over-full."""

    joined: int
    waiting: int
    outsiders: int
    free: int
    unavailable: int

    @property
    def total(self) -> int:
        return self.joined + self.waiting + self.outsiders + self.free + self.unavailable


@dataclass(frozen=True, slots=True)
class Setup:
    """The three steps of a fresh installation, each ticked off by what is there."""

    has_team: bool
    has_codes: bool
    has_redemption: bool

    @property
    def is_done(self) -> bool:
        return self.has_team and self.has_codes and self.has_redemption


def first_screen(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds what the template draws. The number of queries does not grow with the pool."""
    now = timezone.now()
    setup = Setup(Team.objects.exists(), CodeBatch.objects.exists(), Redemption.objects.exists())
    context |= {"setup": setup, "public_address": request.build_absolute_uri(reverse("form")), "now": now}
    context["is_paused"] = not IS_OPEN.get()
    if not setup.has_team:
        return context
    pool = summary(now, waiting=Redemption.objects.waiting().count())
    heartbeat = heartbeats.newest_beat()
    may_see_sweeps = request.user.has_perm("guardian.view_sweep")
    waiting = SeatGrant.objects.live().filter(team__archived_at=None).exclude(state=GrantState.JOINED).count()
    return context | {
        "pool": pool,
        "waiting": waiting,
        "seats": Seats(pool.held - waiting, waiting, pool.outsiders, pool.free, pool.unavailable),
        "lines": attention(now, heartbeat=heartbeat),
        "last_sync": Team.objects.filter(archived_at=None).aggregate(at=Max("snapshot_started_at"))["at"],
        "last_sweep": words.last_sweep(status.outlook(now), now) if may_see_sweeps else None,
        "heartbeat": heartbeat,
        "chart": chart.chart(now) if request.user.has_perm("invites.view_redemption") else None,
        "is_worker_well": heartbeat is not None and now - heartbeat <= worker.WORKER_SILENT,
    }


def attention(now: datetime, *, heartbeat: datetime | None) -> list[Line]:
    """What needs a person now, a line per kind, worst first; a fixed number of queries.

    `heartbeat`: the newest sign of life of the background work, None when there never was one.
    """
    pool = teams.troubled(now)
    waiting = guardian.counts()
    return [
        *worker.worker_silent(now, heartbeat),
        *teams.gone(pool),
        *logins.logins_expired(),
        *teams.unpaid(pool, now),
        *teams.role_too_low(pool),
        *teams.untrusted(pool),
        *people.waiting_for_a_seat(now),
        *logins.tokens_ending(now),
        *teams.subscription_ends(pool, now),
        *teams.seats_not_read(pool, now),
        *guardian.removals_paused(),
        *guardian.capped(waiting),
        *teams.restricted(pool),
        *people.unresolved(now),
        *people.removals_failed(now),
        *guardian.overdue_seats(now),
        *guardian.strangers(waiting, now),
        *guardian.vanished(waiting),
        *teams.over_full(pool),
        *stock.low_stock(now),
        *notices.messages_failed(),
        *guardian.too_slow(),
    ]

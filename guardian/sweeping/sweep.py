"""One sweep: look at every Team, judge what the lists say, remove whom the rules and the policy allow.

It runs in slices, one at a time in the whole installation. After a crash any worker continues it, because all it needs
is in rows: which Teams were read (their own columns), the findings, the departures.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from guardian import mode
from guardian.clockwork import heartbeats
from guardian.mode import ACTOR
from guardian.models import Finding, Sweep, Watch
from guardian.rules import hours
from guardian.rules.states import State, SweepState
from guardian.settings import ENFORCE, REPORT, Policy, current_policy
from guardian.sweeping.judging import judge
from guardian.sweeping.reading import Notice, look
from invites.departures.carry_out import carry_out
from notifications.audit import events
from teampool import leases

SLICE = timedelta(seconds=45)
LEASE = ("sweep",)
LEASE_TTL = timedelta(minutes=3)
# An unfinished sweep older than this is abandoned: its lists are too old to judge by.
STALE_AFTER = timedelta(minutes=30)
# The self-timed job may ring a few seconds early; that ring still counts as due.
EARLY = timedelta(seconds=5)


def run_due() -> bool:
    """Run a slice of the regular sweep if the guardian is on, in its hours and due. True: run another at once."""
    heartbeats.pause_if_stale(timezone.now())
    mode.settle()
    policy = current_policy()
    if not policy.is_enabled:
        return False
    with leases.slot(LEASE, ttl=LEASE_TTL) as alone:
        if alone is None:
            return False  # another worker sweeps, or died less than three minutes ago
        if not is_active(policy):
            mode.rest()
            return False
        with leases.slot(leases.LONG_JOBS, ttl=LEASE_TTL) as place:
            if place is None:
                return True
            sweep = _unfinished() or _begin(policy, is_dry=False)
            return sweep is not None and not run_slice(sweep, policy, is_alone=alone.renew, keeps_hours=True)


def run_now(*, is_dry: bool, on_result: Notice | None = None) -> Sweep | None:
    """Run a whole sweep now, at any hour. None: another sweep is running.

    A dry sweep writes findings and removes nobody; while the guardian is off, every sweep is dry.
    """
    heartbeats.pause_if_stale(timezone.now())
    mode.settle()
    policy = current_policy()
    with leases.slot(LEASE, ttl=LEASE_TTL) as alone:
        if alone is None:
            return None
        old = _unfinished()
        if old is not None:
            _abandon(old)
        sweep = _begin(policy, is_dry=is_dry or not policy.is_enabled, is_forced=True)
        while sweep is not None and not run_slice(sweep, policy, is_alone=alone.renew, on_result=on_result):
            if not alone.renew():
                break  # another worker took the sweep over
    return sweep


def is_active(policy: Policy) -> bool:
    zone = ZoneInfo(settings.TIME_ZONE)
    return hours.is_within(timezone.now(), start=policy.active_from, end=policy.active_until, zone=zone)


def _closes_at(policy: Policy) -> datetime | None:
    """The end of the active hours; now, if they ended while the Teams were read. None: they never end."""
    now, zone = timezone.now(), ZoneInfo(settings.TIME_ZONE)
    if not is_active(policy):
        return now
    return hours.closes_at(now, start=policy.active_from, end=policy.active_until, zone=zone)


def _unfinished() -> Sweep | None:
    sweep = Sweep.objects.filter(finished_at=None).order_by("-pk").first()
    if sweep is not None and sweep.started_at < timezone.now() - STALE_AFTER:
        _abandon(sweep)
        return None
    return sweep


def _abandon(sweep: Sweep) -> None:
    Sweep.objects.filter(pk=sweep.pk, finished_at=None).update(state=SweepState.ABANDONED, finished_at=timezone.now())


def _begin(policy: Policy, *, is_dry: bool, is_forced: bool = False) -> Sweep | None:
    now = timezone.now()
    soon = now - timedelta(seconds=policy.interval[0]) + EARLY
    if not is_forced and Sweep.objects.filter(is_dry=False, started_at__gt=soon, started_at__lte=now).exists():
        return None
    return Sweep.objects.create(
        started_at=now, mode=ENFORCE if policy.enforces else REPORT, is_dry=is_dry, limit=policy.max_per_sweep
    )


def run_slice(
    sweep: Sweep,
    policy: Policy,
    *,
    is_alone: Callable[[], bool],
    on_result: Notice | None = None,
    keeps_hours: bool = False,
) -> bool:
    """Continue `sweep` for at most SLICE; True when it is finished.

    `keeps_hours`: remove nobody outside the active hours. Reading takes long, so the lease and the settings are asked
    again before judging.
    """
    until = timezone.now() + SLICE
    if sweep.state == SweepState.LOOKING:
        if not look(sweep, policy, until, on_result) or not is_alone():
            return False
        policy = current_policy()
        judge(sweep, policy, until=_closes_at(policy) if keeps_hours else None)
    if not _act(sweep, policy, until, keeps_hours=keeps_hours):
        return False
    _finish(sweep, policy)
    return True


def _act(sweep: Sweep, policy: Policy, until: datetime, *, keeps_hours: bool) -> bool:
    """Carry out this sweep's departures one by one; the reconciler carries out those that a crash leaves."""
    now = timezone.now()
    due = Finding.objects.filter(
        sweep=sweep, state=State.REMOVING, departure__told_at=None, departure__due_at__lte=now
    ).values_list("departure_id", flat=True)
    pause = threading.Event()
    for departure_id in list(due.order_by("departure_id")):
        if timezone.now() >= until:
            return False
        if keeps_hours and not is_active(policy):
            mode.rest()
            return True
        mode.settle()  # drops the departure if the guardian was meanwhile switched off, or to report mode
        if departure_id is not None and carry_out(departure_id=departure_id):
            pause.wait(policy.draw_pause())
    return True


def _finish(sweep: Sweep, policy: Policy) -> None:
    now = timezone.now()
    Sweep.objects.filter(pk=sweep.pk).update(state=SweepState.DONE, finished_at=now)
    sweep.state, sweep.finished_at = SweepState.DONE, now
    if sweep.is_dry:
        return
    seconds = int((now - sweep.started_at).total_seconds())
    mode.watch()
    if seconds <= policy.interval[1]:
        Watch.objects.filter(pk=1).exclude(too_slow_since=None).update(too_slow_since=None)
        return
    with transaction.atomic(durable=True):
        if Watch.objects.filter(pk=1, too_slow_since=None).update(too_slow_since=now):
            interval = int(policy.interval[1])
            events.sweep_too_slow(sweep_id=sweep.pk, seconds=seconds, interval=interval, actor=ACTOR)

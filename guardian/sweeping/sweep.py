"""One sweep: look at every Team, judge what the lists say, remove whom the rules and the policy allow.

In slices, one at a time in the whole installation; whoever takes over after a crash goes on where it was, because
everything it needs stands in rows: which Teams were looked at (their own columns), what was found, who is to leave.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from guardian import mode as switching
from guardian.clockwork import heartbeats
from guardian.mode import ACTOR
from guardian.models import Finding, Sweep, Watch
from guardian.rules import hours, policy
from guardian.rules.policy import Policy
from guardian.rules.states import State, SweepState
from guardian.sweeping.judging import judge
from guardian.sweeping.reading import Notice, look
from invites.departures.carry_out import carry_out
from notifications.audit import events
from teampool import leases

SLICE = timedelta(seconds=45)
LEASE = ("sweep",)
LEASE_TTL = timedelta(minutes=3)
# An unfinished sweep older than this is history: its lists would be too.
STALE_AFTER = timedelta(minutes=30)
# The self-timed job may ring a few seconds early; that ring still counts as due.
EARLY = timedelta(seconds=5)


def run_due() -> bool:
    """A slice of the regular sweep, when it is on, inside its hours and due. True: there is more to do at once."""
    heartbeats.pause_if_stale(timezone.now())
    switching.settle()
    settings_now = policy.current()
    if not settings_now.is_enabled:
        return False
    with leases.slot(LEASE, ttl=LEASE_TTL) as alone:
        if alone is None:
            return False  # one is at work, or died less than three minutes ago
        if not is_active(settings_now):
            switching.rest()
            return False
        with leases.slot(leases.LONG_JOBS, ttl=LEASE_TTL) as place:
            if place is None:
                return True
            sweep = _unfinished() or _begin(settings_now, is_dry=False)
            return sweep is not None and not run_slice(sweep, settings_now, is_alone=alone.renew, keeps_hours=True)


def run_now(*, is_dry: bool, on_result: Notice | None = None) -> Sweep | None:
    """One whole sweep right now, whatever the hours. None: another one is at work.

    A dry one notes what it finds and removes nobody; nor does a wet one while the guardian is off.
    """
    heartbeats.pause_if_stale(timezone.now())
    switching.settle()
    settings_now = policy.current()
    with leases.slot(LEASE, ttl=LEASE_TTL) as alone:
        if alone is None:
            return None
        old = _unfinished()
        if old is not None:
            _abandon(old)
        sweep = _begin(settings_now, is_dry=is_dry or not settings_now.is_enabled, is_forced=True)
        while sweep is not None and not run_slice(sweep, settings_now, is_alone=alone.renew, on_result=on_result):
            if not alone.renew():
                break  # taken over by another one
    return sweep


def is_active(now_settings: Policy) -> bool:
    zone = ZoneInfo(settings.TIME_ZONE)
    return hours.is_within(timezone.now(), start=now_settings.active_from, end=now_settings.active_until, zone=zone)


def _closes_at(now_settings: Policy) -> datetime | None:
    """When the guardian's hours are over; now, when they ended while it looked. None: they never are."""
    now, zone = timezone.now(), ZoneInfo(settings.TIME_ZONE)
    if not is_active(now_settings):
        return now
    return hours.closes_at(now, start=now_settings.active_from, end=now_settings.active_until, zone=zone)


def _unfinished() -> Sweep | None:
    sweep = Sweep.objects.filter(finished_at=None).order_by("-pk").first()
    if sweep is not None and sweep.started_at < timezone.now() - STALE_AFTER:
        _abandon(sweep)
        return None
    return sweep


def _abandon(sweep: Sweep) -> None:
    Sweep.objects.filter(pk=sweep.pk, finished_at=None).update(state=SweepState.ABANDONED, finished_at=timezone.now())


def _begin(settings_now: Policy, *, is_dry: bool, is_forced: bool = False) -> Sweep | None:
    now = timezone.now()
    soon = now - timedelta(seconds=settings_now.interval[0]) + EARLY
    if not is_forced and Sweep.objects.filter(is_dry=False, started_at__gt=soon, started_at__lte=now).exists():
        return None
    mode = policy.ENFORCE if settings_now.enforces else policy.REPORT
    return Sweep.objects.create(started_at=now, mode=mode, is_dry=is_dry, limit=settings_now.max_per_sweep)


def run_slice(
    sweep: Sweep,
    settings_now: Policy,
    *,
    is_alone: Callable[[], bool],
    on_result: Notice | None = None,
    keeps_hours: bool = False,
) -> bool:
    """Go on with `sweep` for at most a slice; True when it is finished.

    With `keeps_hours` nobody is removed any more once its hours are over.

    Looking takes its time: who acts then, and by what settings, is asked anew.
    """
    until = timezone.now() + SLICE
    if sweep.state == SweepState.LOOKING:
        if not look(sweep, settings_now, until, on_result) or not is_alone():
            return False
        settings_now = policy.current()
        judge(sweep, settings_now, until=_closes_at(settings_now) if keeps_hours else None)
    if not _act(sweep, settings_now, until, keeps_hours=keeps_hours):
        return False
    _finish(sweep, settings_now)
    return True


def _act(sweep: Sweep, settings_now: Policy, until: datetime, *, keeps_hours: bool) -> bool:
    """Tell upstream, one after the other; what is left by a crash or a slice, the reconciler tells as well."""
    now = timezone.now()
    due = Finding.objects.filter(
        sweep=sweep, state=State.REMOVING, departure__told_at=None, departure__due_at__lte=now
    ).values_list("departure_id", flat=True)
    pause = threading.Event()
    for departure_id in list(due.order_by("departure_id")):
        if timezone.now() >= until:
            return False
        if keeps_hours and not is_active(settings_now):
            switching.rest()
            return True
        switching.settle()  # switched off or over to reports since: then it is dropped
        if departure_id is not None and carry_out(departure_id=departure_id):
            pause.wait(settings_now.draw_pause())
    return True


def _finish(sweep: Sweep, settings_now: Policy) -> None:
    now = timezone.now()
    Sweep.objects.filter(pk=sweep.pk).update(state=SweepState.DONE, finished_at=now)
    sweep.state, sweep.finished_at = SweepState.DONE, now
    if sweep.is_dry:
        return
    seconds = int((now - sweep.started_at).total_seconds())
    switching.watch()
    if seconds <= settings_now.interval[1]:
        Watch.objects.filter(pk=1).exclude(too_slow_since=None).update(too_slow_since=None)
        return
    with transaction.atomic(durable=True):
        if Watch.objects.filter(pk=1, too_slow_since=None).update(too_slow_since=now):
            interval = int(settings_now.interval[1])
            events.sweep_too_slow(sweep_id=sweep.pk, seconds=seconds, interval=interval, actor=ACTOR)

"""Delete rows that nobody needs any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max
from django_q.models import Failure, Success

from guardian.models import Finding, Heartbeat, Sweep
from guardian.rules.states import STANDING
from invites.models import RedeemAttempt
from notifications.models import Message
from teampool.models import Vacancy

KEEP_TASKS = timedelta(days=14)
KEEP_ATTEMPTS = timedelta(days=1)
KEEP_MESSAGES = timedelta(days=90)
KEEP_SWEEPS = timedelta(days=30)
KEEP_FINDINGS = timedelta(days=365)
KEEP_VACANCIES = timedelta(days=30)
KEEP_HEARTBEATS = timedelta(days=1)


def prune(now: datetime) -> None:
    """Delete old results of jobs, attempts, sent messages, findings, sweeps and heartbeats.

    Waiting and failed messages stay: an operator may still send them. `teampool.imports.jobs` deletes imported secrets.
    """
    for finished in (Success, Failure):
        finished.objects.filter(stopped__lt=now - KEEP_TASKS).delete()
    Vacancy.objects.filter(place_back_at__lt=now - KEEP_VACANCIES).delete()
    RedeemAttempt.objects.filter(at__lt=now - KEEP_ATTEMPTS).delete()
    Message.objects.filter(state=Message.State.SENT, sent_at__lt=now - KEEP_MESSAGES).delete()
    # A sweep that removed people is kept as long as those findings.
    Finding.objects.exclude(state__in=STANDING).filter(closed_at__lt=now - KEEP_FINDINGS).delete()
    Sweep.objects.filter(started_at__lt=now - KEEP_SWEEPS, removed=None).delete()
    # The newest heartbeat stays: `pause_if_stale` reads from it how long the product stood still.
    newest = Heartbeat.objects.aggregate(at=Max("at"))["at"]
    Heartbeat.objects.filter(at__lt=now - KEEP_HEARTBEATS).exclude(at=newest).delete()

"""Housekeeping removes what nobody will look at again, and nothing younger."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from django_q.models import Failure, Success, Task

from guardian.clockwork.housekeeping import prune
from guardian.models import Heartbeat
from invites.models import RedeemAttempt
from notifications.models import Message

NOW = timezone.now()


def a_task(number: int, *, stopped: datetime, success: bool) -> Task:
    return Task.objects.create(
        id=f"{number:032d}", name=f"task {number}", func="a.b", started=stopped, stopped=stopped, success=success
    )


@pytest.mark.parametrize(("success", "model"), [(True, Success), (False, Failure)])
def test_it_drops_finished_tasks_after_two_weeks(db, success, model):
    a_task(1, stopped=NOW - timedelta(days=14, minutes=1), success=success)
    young = a_task(2, stopped=NOW - timedelta(days=13, hours=23), success=success)
    prune(NOW)
    assert [task.pk for task in model.objects.all()] == [young.pk]


def test_it_drops_attempts_after_a_day(db):
    RedeemAttempt.objects.create(ip="192.0.2.1", at=NOW - timedelta(hours=25))
    young = RedeemAttempt.objects.create(ip="192.0.2.1", at=NOW - timedelta(hours=23))
    prune(NOW)
    assert list(RedeemAttempt.objects.all()) == [young]


def test_it_drops_old_messages_only_once_sent(db):
    long_ago = NOW - timedelta(days=91)
    for state in Message.State:
        Message.objects.create(
            event="x",
            channel="bark",
            created_at=long_ago,
            due_at=long_ago,
            sent_at=long_ago if state == Message.State.SENT else None,
            state=state,
            dedupe_key=state,
        )
    prune(NOW)
    assert Message.State.SENT not in Message.objects.values_list("state", flat=True)
    assert Message.objects.count() == len(Message.State) - 1


def test_it_keeps_the_newest_heartbeat_whatever_its_age(db):
    Heartbeat.objects.create(node="old", at=NOW - timedelta(days=9))
    Heartbeat.objects.create(node="less old", at=NOW - timedelta(days=8))
    prune(NOW)
    assert list(Heartbeat.objects.values_list("node", flat=True)) == ["less old"]

"""Rows that are work: who may claim one, and whose word counts."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from base.work import WorkQuerySet, free
from invites.models import Departure
from notifications.models import Message
from teampool.models import Owner, Team
from tests.cast import a_team, run_together

NOW = timezone.now()
SECOND = timedelta(seconds=1)
LEASE = timedelta(minutes=1)


def a_message(**fields) -> Message:
    given = {"event": "x", "channel": "bark", "dedupe_key": uuid.uuid4().hex, "created_at": NOW, "due_at": NOW}
    return Message.objects.create(**given | fields)


def claim(row: Message) -> bool:
    return Message.objects.claim(row, now=NOW, until=NOW + LEASE)


@pytest.mark.django_db
class TestFree:
    @pytest.mark.parametrize(
        ("lease", "is_free"), [(None, True), (NOW - SECOND, True), (NOW, True), (NOW + SECOND, False)]
    )
    def test_a_row_is_free_unless_its_lease_still_runs(self, lease, is_free):
        message = a_message(lease_until=lease)
        assert Message.objects.filter(free(NOW)).exists() is is_free
        assert Message.objects.due(NOW).exists() is is_free
        assert claim(message) is is_free

    def test_it_is_due_when_its_time_has_come(self):
        a_message(due_at=NOW + SECOND)
        assert not Message.objects.due(NOW).exists()
        assert Message.objects.due(NOW + SECOND).exists()

    def test_only_one_of_two_claims_by_the_lease_alone_changes_a_row(self):
        owner = Owner.objects.create(email="owner@example.com", device_id=uuid.uuid4())
        claims = [
            Owner.objects.filter(free(NOW, "refresh_lease_until"), pk=owner.pk).update(refresh_lease_until=NOW + SECOND)
            for _ in range(2)
        ]
        assert claims == [1, 0]


@pytest.mark.django_db
class TestTheFence:
    def test_a_claim_raises_it_and_knows_it_did(self):
        message = a_message()
        assert claim(message)
        stored = Message.objects.get()
        assert (message.attempts, message.lease_until) == (stored.attempts, stored.lease_until) == (1, NOW + LEASE)

    def test_a_worker_that_wakes_too_late_writes_nothing(self):
        a_message()
        late, next_one = Message.objects.get(), Message.objects.get()
        assert claim(late)
        Message.objects.update(lease_until=NOW)  # it ended
        next_one.refresh_from_db()
        assert claim(next_one)
        assert not Message.objects.let_go(late, due_at=NOW + SECOND, last_error="late")
        assert (late.last_error, Message.objects.get().last_error) == ("", "")
        assert Message.objects.let_go(next_one, due_at=NOW + SECOND, last_error="mine")
        stored = Message.objects.get()
        assert (stored.lease_until, stored.due_at, stored.last_error) == (None, NOW + SECOND, "mine")

    def test_what_was_read_before_another_claim_cannot_be_claimed(self):
        a_message()
        seen = Message.objects.get()
        first = Message.objects.get()
        assert claim(first)
        assert Message.objects.let_go(first)
        assert not claim(seen)

    def test_a_row_that_was_moved_on_is_not_written(self):
        message = a_message()
        Message.objects.update(state=Message.State.FAILED)
        assert not claim(message)
        assert not Message.objects.write(message, last_error="late")


@pytest.mark.django_db
class TestPostponed:
    def departure(self, **fields) -> Departure:
        return Departure.objects.create(team=a_team(**fields), email="ana@example.com", reason="stranger", due_at=NOW)

    @pytest.mark.parametrize(("cooldown", "due_in"), [(None, SECOND), (-SECOND, SECOND), (2 * SECOND, 2 * SECOND)])
    def test_until_then_or_until_the_team_has_cooled_down(self, cooldown, due_in):
        departure = self.departure(cooldown_until=cooldown and NOW + cooldown)
        assert Departure.objects.postpone(departure, NOW + SECOND, last_problem="busy") == NOW + due_in
        stored = Departure.objects.get()
        assert (stored.due_at, stored.last_problem) == (NOW + due_in, "busy")

    def test_a_cool_down_that_began_since_the_row_was_read_counts(self):
        departure = self.departure()
        assert departure.team.cooldown_until is None
        Team.objects.update(cooldown_until=NOW + LEASE)
        assert Departure.objects.postpone(departure, NOW + SECOND) == NOW + LEASE

    def test_not_by_a_worker_that_wakes_too_late(self):
        departure = self.departure()
        Departure.objects.update(attempts=1)
        assert Departure.objects.postpone(departure, NOW + SECOND) is None
        assert Departure.objects.get().due_at == NOW


@pytest.mark.django_db(transaction=True)
class TestRace:
    """Eight workers saw the same row; each claims it at the same moment, on a connection of its own."""

    def claims(self) -> int:
        a_message()
        meet = threading.Barrier(8)

        def worker() -> bool:
            seen = Message.objects.get()
            meet.wait(10)
            return claim(seen)

        work: list[Callable[[], bool]] = [worker] * 8
        return run_together(*work).count(True)

    def test_one_gets_it(self):
        assert self.claims() == 1
        assert Message.objects.get().attempts == 1

    def test_control_without_the_fence_and_the_lease_all_get_it(self, monkeypatch):
        def unguarded(rows, row, *, now, until) -> bool:
            return rows.filter(pk=row.pk).update(attempts=row.attempts + 1, lease_until=until) == 1

        monkeypatch.setattr(WorkQuerySet, "claim", unguarded)
        assert self.claims() == 8

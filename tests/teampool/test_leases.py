from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from teampool import leases
from tests.cast import run_together

MINUTE = timedelta(minutes=1)


@pytest.mark.django_db
class TestTake:
    def test_one_holder_at_a_time(self):
        assert leases.take(name="a", ttl=MINUTE, holder="x")
        assert not leases.take(name="a", ttl=MINUTE, holder="y")
        assert leases.take(name="b", ttl=MINUTE, holder="y")

    def test_its_holder_renews_it(self):
        now = timezone.now()
        with time_machine.travel(now, tick=False) as clock:
            leases.take(name="a", ttl=MINUTE, holder="x")
            clock.shift(50)
            assert leases.take(name="a", ttl=MINUTE, holder="x")
            clock.shift(50)
            assert not leases.take(name="a", ttl=MINUTE, holder="y")

    def test_a_dead_holder_loses_it_by_time(self):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            leases.take(name="a", ttl=MINUTE, holder="x")
            clock.shift(60)
            assert leases.take(name="a", ttl=MINUTE, holder="y")
            assert not leases.take(name="a", ttl=MINUTE, holder="x")

    def test_it_is_given_back_by_its_holder_only(self):
        leases.take(name="a", ttl=MINUTE, holder="x")
        leases.give_back(name="a", holder="y")
        assert not leases.take(name="a", ttl=MINUTE, holder="z")
        leases.give_back(name="a", holder="x")
        assert leases.take(name="a", ttl=MINUTE, holder="z")


@pytest.mark.django_db(transaction=True)
def test_of_eight_takers_at_once_one_wins():
    takers = [lambda holder=str(number): leases.take(name="race", ttl=MINUTE, holder=holder) for number in range(8)]
    assert sorted(run_together(*takers)) == [False] * 7 + [True]


@pytest.mark.django_db
class TestSlot:
    def test_two_places_and_no_third(self):
        with leases.slot(ttl=MINUTE) as first, leases.slot(ttl=MINUTE) as second, leases.slot(ttl=MINUTE) as third:
            assert {first.name, second.name} == set(leases.LONG_JOBS)
            assert third is None
        with leases.slot(ttl=MINUTE) as again:
            assert again is not None

    def test_it_is_free_again_after_an_error(self):
        with pytest.raises(ZeroDivisionError), leases.slot(["only"], ttl=MINUTE):
            raise ZeroDivisionError
        with leases.slot(["only"], ttl=MINUTE) as place:
            assert place is not None

    def test_renewing_tells_when_it_was_lost(self):
        with time_machine.travel(timezone.now(), tick=False) as clock, leases.slot(["only"], ttl=MINUTE) as place:
            assert place.renew()
            clock.shift(61)
            assert leases.take(name="only", ttl=MINUTE, holder="other")
            assert not place.renew()

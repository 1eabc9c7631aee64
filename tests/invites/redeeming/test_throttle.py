from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.utils import timezone

from invites.models import RedeemAttempt
from invites.redeeming import throttle
from invites.redeeming.errors import EmailInvalid, TooMany
from invites.redeeming.redeem import redeem
from invites.redeeming.throttle import read_limit
from tests.cast import ANA, SAM, run_together

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOME, OFFICE = "192.0.2.1", "192.0.2.2"


def tries(count: int, *, ip: str = HOME, email: str = "", now: datetime = NOON) -> None:
    for _ in range(count):
        throttle.check(ip=ip, email=email, now=now)


class TestReadLimit:
    @pytest.mark.parametrize(
        ("text", "tries", "window"),
        [
            ("10/m", 10, timedelta(minutes=1)),
            ("1/s", 1, timedelta(seconds=1)),
            (" 100/H ", 100, timedelta(hours=1)),
            ("5/d", 5, timedelta(days=1)),
        ],
    )
    def test_it_reads_a_number_per_time(self, text, tries, window):
        limit = read_limit(text)
        assert (limit.tries, limit.window) == (tries, window)

    @pytest.mark.parametrize("text", ["off", "OFF", " off "])
    def test_it_reads_off(self, text):
        assert read_limit(text) is None

    @pytest.mark.parametrize("text", ["", "10", "0/m", "-1/m", "ten/m", "10/w", "10/m/h", "10 m", "1.5/m", "１０/m"])
    def test_it_refuses_anything_else(self, text):
        with pytest.raises(ImproperlyConfigured, match="REDEEM_THROTTLE"):
            read_limit(text)

    def test_a_bad_value_refuses_the_start(self, settings):
        settings.REDEEM_THROTTLE = "often"
        with pytest.raises(SystemCheckError, match="REDEEM_THROTTLE"):
            call_command("check")

    @pytest.mark.parametrize("text", ["off", "10/m"])
    def test_a_good_value_starts(self, settings, text):
        settings.REDEEM_THROTTLE = text
        call_command("check")


@pytest.mark.django_db
class TestCheck:
    @pytest.fixture(autouse=True)
    def _limit(self, settings):
        settings.REDEEM_THROTTLE = "10/m"

    def test_it_lets_ten_through_and_refuses_the_eleventh(self):
        tries(10)
        with pytest.raises(TooMany):
            tries(1)

    def test_it_counts_no_try_of_a_clock_that_ran_ahead(self):
        tries(10, now=NOON + timedelta(days=2))
        tries(10)
        with pytest.raises(TooMany) as refused:
            tries(1)
        assert refused.value.minutes == 1

    def test_it_counts_each_address_apart(self):
        tries(10)
        tries(10, ip=OFFICE)

    def test_it_counts_an_email_over_all_addresses(self):
        for number in range(10):
            tries(1, ip=f"198.51.100.{number}", email=ANA)
        with pytest.raises(TooMany):
            tries(1, ip=OFFICE, email=ANA)
        tries(1, ip=OFFICE, email=SAM)

    def test_it_counts_an_email_however_it_is_typed(self):
        for number in range(10):
            tries(1, ip=f"198.51.100.{number}", email=ANA, now=timezone.now())
        with pytest.raises(TooMany):
            redeem(email=f"  {ANA.upper()} ", code="", ip=OFFICE)

    @pytest.mark.parametrize("email", ["", "no address", "a\0@example.com", "ａｎａ@example.com", "\ud800", "x" * 5000])
    def test_what_is_no_address_counts_for_none(self, email):
        for number in range(11):
            with pytest.raises(EmailInvalid):
                redeem(email=email, code="", ip=f"198.51.100.{number}")
        assert RedeemAttempt.objects.filter(email="").count() == 11

    def test_a_refused_try_does_not_count(self):
        tries(10)
        for _ in range(5):
            with pytest.raises(TooMany):
                tries(1)
        tries(1, now=NOON + timedelta(seconds=61))

    def test_it_slides(self):
        tries(5)
        tries(5, now=NOON + timedelta(seconds=50))
        tries(5, now=NOON + timedelta(seconds=65))
        with pytest.raises(TooMany):
            tries(1, now=NOON + timedelta(seconds=66))

    def test_it_says_when_there_is_room_again(self, settings):
        settings.REDEEM_THROTTLE = "2/h"
        tries(1)
        tries(1, now=NOON + timedelta(minutes=30))
        with pytest.raises(TooMany) as refused:
            tries(1, now=NOON + timedelta(minutes=40, seconds=30))
        assert refused.value.minutes == 20

    def test_it_says_one_minute_rather_than_none(self):
        tries(10)
        with pytest.raises(TooMany) as refused:
            tries(1, now=NOON + timedelta(seconds=59))
        assert refused.value.minutes == 1

    def test_it_waits_for_the_longer_of_both(self, settings):
        settings.REDEEM_THROTTLE = "1/h"
        tries(1, ip=HOME)
        tries(1, ip=OFFICE, email=ANA, now=NOON + timedelta(minutes=30))
        with pytest.raises(TooMany) as refused:
            tries(1, ip=HOME, email=ANA, now=NOON + timedelta(minutes=30))
        assert refused.value.minutes == 60

    @pytest.mark.parametrize(("count", "queries"), [(0, 3), (9, 3)])
    def test_it_asks_the_database_the_same_however_many_there_were(self, django_assert_num_queries, count, queries):
        tries(count)
        RedeemAttempt.objects.bulk_create(RedeemAttempt(ip=OFFICE, email=SAM, at=NOON) for _ in range(200))
        with django_assert_num_queries(queries):
            tries(1, email=ANA)

    def test_off_counts_nothing(self, settings, django_assert_num_queries):
        settings.REDEEM_THROTTLE = "off"
        with django_assert_num_queries(0):
            tries(50)

    def test_addresses_of_one_home_count_together(self):
        for number in range(10):
            tries(1, ip=f"2001:db8:1:2::{number}")
        with pytest.raises(TooMany):
            tries(1, ip="2001:db8:1:2:ffff::1")
        tries(1, ip="2001:db8:1:3::1")

    def test_an_address_written_as_ipv6_is_the_same(self):
        tries(10)
        with pytest.raises(TooMany):
            tries(1, ip=f"::ffff:{HOME}")


@pytest.mark.django_db(transaction=True)
class TestCheckAtOnce:
    def test_of_many_at_once_only_as_many_as_allowed_pass(self, settings):
        settings.REDEEM_THROTTLE = "5/m"
        outcomes = run_together(*[lambda: throttle.check(ip=HOME, email="", now=NOON) for _ in range(12)])
        assert sum(outcome is None for outcome in outcomes) <= 6  # on PostgreSQL a row may commit late
        assert sum(outcome is None for outcome in outcomes) >= 5
        assert all(outcome is None or isinstance(outcome, TooMany) for outcome in outcomes)

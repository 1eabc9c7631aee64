from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from teampool.known import Known, is_stale
from teampool.pool.capacity import Capacity, Evidence, Reading, Refusals, capacity_of, needs_hold_list
from teampool.pool.rows import Lists
from teampool.upstream.types import SeatPool
from tests.teampool.pool.books import OWN, START, a_subscription, invite, member

HOUR = timedelta(hours=1)
ALONE = Lists((member(OWN),), (), OWN)
FIVE = SeatPool("default", 5, 0, 4)
REFUSED = Refusals(START - timedelta(minutes=10), START, 401)
KEPT = Reading(Known.POOLS, 5, 1, 0, 0, 4, 0, START)


def capacity(**facts: Any) -> Capacity:
    given = {"now": START, "read_at": START, "lists": ALONE, "subscription": None, "is_codex_only": False, **facts}
    return capacity_of(Evidence(**given))


def places(**facts: Any) -> tuple[int, Known]:
    found = capacity(**facts)
    return found.places, found.known


def pool(paid: int | None = 5, held: int | None = 0, available: int | None = None):
    return a_subscription(SeatPool("default", paid, held, available))


class TestThePool:
    """Line 1."""

    def test_the_example_of_the_contract(self) -> None:
        seats = a_subscription(SeatPool("default", 4, 1, 1), SeatPool("prolite", 2, 0, 1))
        people = (
            member("user-1"),
            member("user-2", "prolite"),
            *(member(f"user-c{n}", "usage_based") for n in range(5)),
        )
        lists = Lists((member(OWN), *people), (), OWN)
        found = capacity(subscription=seats, lists=lists)
        assert (found.places, found.known, found.since, found.seats_bought) == (2, Known.POOLS, START, 3)
        assert found.free(taken=lists.taken) == 1
        assert found.read_now

    def test_zero_paid_is_a_known_zero(self) -> None:
        assert places(subscription=pool(0), kept=KEPT) == (0, Known.POOLS)
        assert [capacity(subscription=pool(0)).is_over_full(people) for people in (0, 1)] == [False, True]

    def test_it_never_falls_below_nothing(self) -> None:
        assert places(subscription=pool(2, held=4))[0] == 0

    @pytest.mark.parametrize(("held", "available", "expected"), [(0, None, 4), (2, None, 2), (0, 1, 1), (None, 3, 3)])
    def test_a_missing_term_is_left_out(self, held: int | None, available: int | None, expected: int) -> None:
        assert places(subscription=pool(5, held, available))[0] == expected

    def test_an_owner_in_another_seat_takes_none(self) -> None:
        lists = Lists((member(OWN, "usage_based"),), (), OWN)
        found = capacity(subscription=pool(), lists=lists)
        assert (found.places, found.own, found.seats_bought) == (5, 0, 5)

    @pytest.mark.parametrize(
        "seats",
        [
            pool(None),
            pool(5, None, None),
            a_subscription(FIVE, FIVE),
            a_subscription(SeatPool("prolite", 5)),
            a_subscription(entitled=0),
        ],
    )
    def test_what_cannot_be_read_is_unread_or_the_last_number(self, seats) -> None:
        assert places(subscription=seats) == (0, Known.UNREAD)
        assert places(subscription=seats, kept=KEPT) == (4, Known.POOLS)
        assert places(subscription=seats, cap=3, cap_set_at=START) == (3, Known.CAP)
        assert places(subscription=seats, refusals=REFUSED) == (0, Known.UNREAD)

    def test_one_member_and_one_pending_are_over_one_bought_seat_only_by_what_was_bought(self) -> None:
        found = capacity(subscription=pool(5, held=2, available=0))
        assert found.free(taken=4) == 0
        assert not found.is_over_full(4)
        assert found.is_over_full(5)


class TestTheHoldList:
    lists = Lists((member(OWN),), (invite("user-1"),), OWN)

    def test_it_is_needed_where_held_may_be_an_invitation(self) -> None:
        held = pool(5, held=1)
        assert needs_hold_list(held, lists=self.lists, in_flight=0)
        assert needs_hold_list(held, lists=ALONE, in_flight=1)
        assert not needs_hold_list(held, lists=ALONE, in_flight=0)
        assert not needs_hold_list(pool(5), lists=self.lists, in_flight=1)
        assert not needs_hold_list(None, lists=self.lists, in_flight=1)

    def test_an_invitation_in_held_is_told_apart(self) -> None:
        found = capacity(subscription=pool(5, held=1, available=3), lists=self.lists, on_hold=0)
        assert (found.places, found.free(taken=1)) == (4, 3)

    def test_unreadable_it_changes_nothing(self) -> None:
        assert places(subscription=pool(5, held=1, available=3), lists=self.lists)[0] == 3

    def test_no_more_than_is_invited_can_be_invitations(self) -> None:
        assert places(subscription=pool(5, held=3, available=1), lists=self.lists, on_hold=0)[0] == 2
        assert places(subscription=pool(5, held=3, available=1), lists=self.lists, on_hold=0, in_flight=1)[0] == 3

    def test_it_lags_too_so_our_own_vacancies_count(self) -> None:
        assert places(subscription=pool(5, held=1, available=3), lists=self.lists, on_hold=0, waiting=1)[0] == 3

    def test_more_on_hold_than_held_counts(self) -> None:
        assert places(subscription=pool(5, held=1, available=3), lists=self.lists, on_hold=2)[0] == 2


class TestCodexOnly:
    """Line 2."""

    @pytest.mark.parametrize("seats", [None, a_subscription(), a_subscription(entitled=9)])
    def test_it_takes_nobody_and_no_cap_helps(self, seats) -> None:
        found = capacity(subscription=seats, is_codex_only=True, cap=4, refusals=REFUSED, kept=KEPT)
        assert (found.places, found.known, found.is_codex_only, found.reading) == (0, Known.POOLS, True, KEPT)

    def test_a_pool_that_was_bought_decides(self) -> None:
        assert places(subscription=pool(), is_codex_only=True)[0] == 4


class TestOneKind:
    """Line 3: it cannot see Premium seats nobody sits in, nor seats that are held."""

    seats = a_subscription(entitled=5)

    def test_everything_bought_is_standard(self) -> None:
        found = capacity(subscription=self.seats)
        assert (found.places, found.known, found.seats_bought) == (4, Known.ENTITLED, 4)

    @pytest.mark.parametrize(
        "lists",
        [
            Lists((member(OWN), member("user-1", "prolite")), (), OWN),
            Lists((member(OWN),), (invite("user-1", "prolite"),), OWN),
            Lists((member(OWN, "prolite"),), (), OWN),
        ],
    )
    def test_a_premium_row_makes_it_unknown(self, lists: Lists) -> None:
        assert places(subscription=self.seats, lists=lists) == (0, Known.UNREAD)

    @pytest.mark.parametrize("assigned", [{"prolite": 1}, {"prolite": None}, {"a new one": 2}, None])
    def test_so_does_what_is_assigned(self, assigned) -> None:
        assert places(subscription=replace(self.seats, assigned=assigned)) == (0, Known.UNREAD)

    def test_codex_and_automation_seats_are_not_in_the_sum(self) -> None:
        assigned = {"default": 2, "usage_based": 5, "automation": 1, "prolite": 0}
        assert places(subscription=replace(self.seats, assigned=assigned))[0] == 4

    def test_it_needs_to_know_that_it_is_not_codex_only(self) -> None:
        assert places(subscription=self.seats, is_codex_only=None) == (0, Known.UNREAD)

    def test_premium_seats_nobody_sits_in_are_what_it_cannot_see(self) -> None:
        four_standard_and_four_premium = a_subscription(entitled=8)
        assert places(subscription=four_standard_and_four_premium)[0] == 7


class TestTheAssumption:
    """Line 4: a number nobody read, shown as an assumption."""

    def test_refused_twice_and_never_read(self) -> None:
        assert places(refusals=REFUSED) == (4, Known.ASSUMED)
        assert places(refusals=REFUSED, assumed=7) == (7, Known.ASSUMED)

    @pytest.mark.parametrize(
        "facts",
        [
            {"refusals": None},
            {"refusals": replace(REFUSED, first_at=START - timedelta(minutes=9, seconds=59))},
            {"lists": Lists((member(OWN), member("user-1", "prolite")), (), OWN)},
            {"subscription": a_subscription()},
            {"is_codex_only": None},
        ],
    )
    def test_nothing_is_assumed_where(self, facts: dict[str, Any]) -> None:
        assert places(**{"refusals": REFUSED, **facts}) == (0, Known.UNREAD)

    def test_a_number_once_read_is_never_replaced_by_it(self) -> None:
        assert places(refusals=REFUSED, kept=KEPT, now=START + 25 * HOUR) == (0, Known.STALE)

    def test_over_full_is_unknown(self) -> None:
        assert not capacity(refusals=REFUSED).is_over_full(99)


class TestTheCap:
    def test_it_bounds_what_was_read(self) -> None:
        found = capacity(subscription=pool(), cap=3)
        assert (found.places, found.known, found.is_capped, found.seats_bought) == (3, Known.CAP, True, 4)
        assert places(subscription=pool(), cap=9) == (4, Known.POOLS)

    @pytest.mark.parametrize("facts", [{}, {"refusals": REFUSED}, {"is_codex_only": None}])
    def test_it_stands_in_where_nothing_was_read(self, facts: dict[str, Any]) -> None:
        found = capacity(cap=6, cap_set_at=START, **facts)
        assert (found.places, found.known, found.since, found.is_capped) == (6, Known.CAP, None, False)

    def test_one_older_than_the_upgrade_stands_in_only_where_chatgpt_will_never_say(self) -> None:
        """It may have been a bound on a number that was read by the old rule: 50 on a Team of four."""
        assert places(cap=50) == (0, Known.UNREAD)
        assert places(cap=6, refusals=REFUSED) == (6, Known.CAP)

    def test_below_the_people_it_is_no_over_full(self) -> None:
        assert not capacity(subscription=pool(), cap=1).is_over_full(3)


class TestAge:
    day = START + 24 * HOUR
    later = START + 24 * HOUR + timedelta(seconds=1)

    def test_a_kept_number_counts_for_a_day(self) -> None:
        found = capacity(kept=KEPT, now=self.day, read_at=self.day)
        assert (found.places, found.known, found.since, found.read_now) == (4, Known.POOLS, START, False)

    def test_then_it_places_nobody_until_it_is_read(self) -> None:
        found = capacity(kept=KEPT, now=self.later, read_at=self.later)
        assert (found.places, found.known, found.since, found.seats_bought) == (0, Known.STALE, START, None)
        read = capacity(kept=found.reading, now=self.later, read_at=self.later, subscription=pool())
        assert (read.places, read.known, read.since) == (4, Known.POOLS, self.later)

    def test_a_cap_older_than_the_read_stays_only_a_bound(self) -> None:
        assert places(kept=KEPT, now=self.later, cap=3, cap_set_at=START - HOUR) == (0, Known.STALE)
        assert places(kept=KEPT, now=self.later, cap=3, cap_set_at=None) == (0, Known.STALE)

    def test_a_cap_set_since_it_is_stale_stands_in(self) -> None:
        found = capacity(kept=KEPT, now=self.later + HOUR, cap=6, cap_set_at=self.later)
        assert (found.places, found.known, found.seats_bought) == (6, Known.CAP, None)

    def test_a_cap_set_while_it_was_fresh_was_a_bound_on_it(self) -> None:
        assert places(kept=KEPT, now=self.later, cap=100, cap_set_at=START + HOUR) == (4, Known.POOLS)
        assert places(kept=KEPT, now=self.later, cap=3, cap_set_at=START + HOUR) == (3, Known.CAP)

    def test_is_stale(self) -> None:
        assert not is_stale(read_at=START, cap_set_at=None, now=self.day)
        assert is_stale(read_at=START, cap_set_at=START, now=self.later)
        assert not is_stale(read_at=START, cap_set_at=START + HOUR, now=self.later)

    def test_the_owner_who_moves_into_a_standard_seat_takes_one_of_a_kept_number(self) -> None:
        codex = replace(KEPT, own=0, available=5)
        found = capacity(kept=codex)
        assert (codex.places, found.places, found.seats_bought) == (5, 4, 4)
        back = capacity(kept=found.reading, lists=Lists((member(OWN, "usage_based"),), (), OWN))
        assert back.places == 4


class TestFree:
    def test_what_is_taken_in_flight_or_waiting_is_not_free(self) -> None:
        found = capacity(subscription=pool())
        assert found.free(taken=1, in_flight=1, waiting=1) == 1
        assert found.free(taken=9) == 0

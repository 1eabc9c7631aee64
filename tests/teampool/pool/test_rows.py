from __future__ import annotations

from dataclasses import replace

import pytest

from teampool.pool.rows import Lists, people_on_hold, proves_invitation, takes_place
from tests.teampool.pool.books import OWN, invite, member


class TestTakesPlace:
    @pytest.mark.parametrize("seat_type", ["default", "", "never heard of"])
    def test_standard_and_unknown_seats_do(self, seat_type: str) -> None:
        assert takes_place(member("user-1", seat_type))
        assert takes_place(invite("user-1", seat_type))

    @pytest.mark.parametrize("seat_type", ["prolite", "usage_based", "automation"])
    def test_seats_of_another_type_do_not(self, seat_type: str) -> None:
        assert not takes_place(member("user-1", seat_type))
        assert not takes_place(invite("user-1", seat_type))

    @pytest.mark.parametrize("status", ["", "2", "1", "7", "pending", "accepted", "?"])
    def test_an_invite_does_whatever_its_status(self, status: str) -> None:
        assert takes_place(invite("user-1", status=status))

    def test_an_admin_does(self) -> None:
        assert takes_place(replace(member("user-1"), role="account-admin"))

    def test_a_deactivated_member_does_not(self) -> None:
        assert not takes_place(member("user-1", gone=True))


class TestProvesInvitation:
    @pytest.mark.parametrize(
        ("status", "proves"),
        [("2", True), ("pending", True), ("", True), ("1", False), ("7", False), ("accepted", False), ("?", False)],
    )
    def test_only_a_pending_row_proves_ours(self, status: str, proves: bool) -> None:
        assert proves_invitation(invite("user-1", status=status)) is proves


class TestPeopleOnHold:
    def test_it_counts_standard_seats(self) -> None:
        rows = [member("user-1", gone=True, kept="default"), member("user-2", gone=True)]
        premium = member("user-3", gone=True, kept="prolite")
        assert people_on_hold([*rows, premium], is_complete=True) == 2
        assert people_on_hold([], is_complete=True) == 0

    def test_an_incomplete_list_is_not_believed(self) -> None:
        assert people_on_hold([], is_complete=False) is None

    def test_the_plain_list_is_no_hold_list(self) -> None:
        assert people_on_hold([member(OWN), member("user-1", gone=True)], is_complete=True) is None


class TestLists:
    def test_it_counts_who_takes_a_place(self) -> None:
        members = (member(OWN), member("user-1"), member("user-2", "prolite"), member("user-3", gone=True))
        lists = Lists(members, (invite("user-4"), invite("user-5", "usage_based"), invite("user-6", status="1")), OWN)
        assert (lists.own, lists.taken, len(lists.standard_members)) == (1, 3, 1)
        assert lists.has_premium

    @pytest.mark.parametrize(("seat_type", "own"), [("default", 1), ("?", 1), ("usage_based", 0), ("prolite", 0)])
    def test_the_owner_takes_a_standard_seat_or_not(self, seat_type: str, own: int) -> None:
        assert Lists((member(OWN, seat_type),), (), OWN).own == own

    def test_an_owner_who_is_not_shown_takes_one(self) -> None:
        assert Lists((), (), OWN).own == 1

    def test_an_accepted_invite_that_lingers_is_its_member(self) -> None:
        assert Lists((member(OWN), member("user-1")), (invite("user-1"), invite(OWN)), OWN).taken == 1

    def test_the_standard_invite_of_somebody_in_a_codex_seat_counts(self) -> None:
        assert Lists((member(OWN), member("user-1", "usage_based")), (invite("user-1"),), OWN).taken == 1

    def test_hidden_people_are_not_each_other(self) -> None:
        hidden = replace(member("user-1"), email=None)
        assert Lists((member(OWN), hidden), (replace(invite("user-2"), email=None),), OWN).taken == 2

    def test_premium_is_seen_in_every_row(self) -> None:
        assert Lists((member(OWN, "prolite"),), (), OWN).has_premium
        assert Lists((member(OWN),), (invite("user-1", "prolite"),), OWN).has_premium
        assert Lists((member(OWN), member("user-1", gone=True, kept="prolite")), (), OWN).has_premium
        assert not Lists((member(OWN),), (), OWN).has_premium

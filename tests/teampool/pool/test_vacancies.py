from __future__ import annotations

from datetime import timedelta

from teampool.pool.rows import Kind, Lists, Occupant
from teampool.pool.vacancies import Read, Vacancy, emptied, is_settled, still_waiting
from tests.teampool.pool.books import OWN, START, invite, member

ANA = Vacancy(Occupant(Kind.MEMBER, "user-ana"), START)
LATER = START + timedelta(minutes=15)
SOON = LATER - timedelta(seconds=1)


def gone(before: Lists, after: Lists, *withdrawn: str) -> list[str]:
    found = emptied(before=before.occupants, after=after.occupants, withdrawn=withdrawn, gone_by=START)
    return [one.occupant.upstream_id for one in found]


def lists(*rows) -> Lists:
    members = tuple(row for row in rows if hasattr(row, "user_id"))
    return Lists(members, tuple(row for row in rows if not hasattr(row, "user_id")), OWN)


class TestEmptied:
    def test_somebody_left_and_somebody_else_came(self) -> None:
        assert gone(lists(member("user-ana")), lists(member("user-sam"))) == ["user-ana"]

    def test_a_move_to_another_seat_empties_the_place(self) -> None:
        assert gone(lists(member("user-ana")), lists(member("user-ana", "prolite"))) == ["user-ana"]
        assert gone(lists(member(OWN)), lists(member(OWN, "usage_based"))) == [OWN]

    def test_an_accepted_invite_empties_nothing(self) -> None:
        assert gone(lists(invite("user-ana")), lists(member("user-ana"))) == []

    def test_an_invite_we_withdrew_is_no_vacancy(self) -> None:
        assert gone(lists(invite("user-ana")), lists(), "invite-user-ana-0") == []

    def test_an_invite_that_just_vanished_may_have_been_accepted(self) -> None:
        assert gone(lists(invite("user-ana")), lists()) == ["invite-user-ana-0"]

    def test_a_member_who_is_invited_again_left(self) -> None:
        assert gone(lists(member("user-ana")), lists(invite("user-ana"))) == ["user-ana"]


class TestIsSettled:
    def test_a_quarter_of_an_hour_after_the_last_one_left(self) -> None:
        assert is_settled(began=LATER, last_left=START)
        assert not is_settled(began=SOON, last_left=START)
        assert is_settled(began=START, last_left=None)


class TestStillWaiting:
    def test_a_settled_read_with_a_number_gives_the_place_back(self) -> None:
        assert still_waiting([ANA], Read(LATER, has_number=True, was_ever_read=True)) == ()

    def test_neither_an_early_one_nor_one_without_a_number_does(self) -> None:
        assert still_waiting([ANA], Read(SOON, has_number=True, was_ever_read=True)) == (ANA,)
        assert still_waiting([ANA], Read(LATER, has_number=False, was_ever_read=True)) == (ANA,)

    def test_where_no_number_was_ever_read_the_list_does(self) -> None:
        assert still_waiting([ANA], Read(SOON, has_number=False, was_ever_read=False)) == (ANA,)
        assert still_waiting([ANA], Read(LATER, has_number=False, was_ever_read=False)) == ()

    def test_who_left_later_waits_longer(self) -> None:
        sam = Vacancy(Occupant(Kind.MEMBER, "user-sam"), START + timedelta(minutes=5))
        assert still_waiting([ANA, sam], Read(LATER, has_number=True, was_ever_read=True)) == (sam,)

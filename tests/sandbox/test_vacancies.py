"""Seats held after a removal, the notices, and numbers that lag behind (upstream §7, §9)."""

from __future__ import annotations

import pytest

from tests.sandbox.test_seats import ANA, SAM, books, numbers


@pytest.fixture
def team(omar):
    """Omar, with five people besides him in seven seats."""
    omar.world.set_workspace(omar.account_id, seats_entitled=7)
    omar.joined = [omar.world.member(omar.account_id, f"m{n}@example.net") for n in range(1, 6)]
    return omar


def remove(team, number: int) -> dict:
    return team.remove(team.joined[number - 1]["user_id"]).data


def hold_list(team, seat_type="default") -> list[dict]:
    return team.members(f"?active_vacancy_hold_seat_type={seat_type}").data["items"]


class TestPolicy:
    def test_by_default_the_seat_is_free_at_once(self, team):
        assert remove(team, 1)["policy_notice"] is None
        assert numbers(team) == (7, 0, 2)
        assert hold_list(team) == []

    @pytest.mark.parametrize(("first", "held"), [(0, 0), (1, 3), (3, 1)])
    def test_it_holds_none_all_or_from_the_nth_on(self, team, first, held):
        team.world.set_workspace(team.account_id, holds_from=first)
        for number in (1, 2, 3):
            remove(team, number)
        assert numbers(team) == (7, held, 4 - held)
        assert len(hold_list(team)) == held
        assert len(books(team)["held"]) == held

    def test_a_hold_ends_by_the_clock(self, team):
        team.world.set_workspace(team.account_id, holds_from=1, hold_seconds=3600)
        remove(team, 1)
        assert books(team)["free_standard"] == 1
        team.world.advance(3601)
        assert (numbers(team), hold_list(team)) == ((7, 0, 2), [])
        assert books(team)["free_standard"] == 2

    def test_or_by_an_order_only(self, team):
        team.world.set_workspace(team.account_id, holds_from=1, hold_seconds=None)
        remove(team, 1)
        remove(team, 2)
        team.world.advance(10**8)
        assert len(team.world.books(team.account_id)["held"]) == 2
        assert team.world.end_holds(team.account_id, email="M1@example.net") == {"ended": 1}
        assert team.world.end_holds(team.account_id) == {"ended": 1}

    def test_or_when_the_person_comes_back(self, team):
        team.world.set_workspace(team.account_id, holds_from=1)
        remove(team, 1)
        team.invite("m1@example.net")
        team.world.accept(team.account_id, "m1@example.net")
        assert numbers(team) == (7, 0, 1)

    def test_a_premium_seat_is_held_in_its_own_pool_and_a_codex_seat_never(self, team):
        team.world.set_workspace(team.account_id, holds_from=1, premium_seats=1)
        premium = team.world.member(team.account_id, ANA, seat_type="prolite")
        codex = team.world.member(team.account_id, SAM, seat_type="usage_based")
        team.remove(premium["user_id"])
        team.remove(codex["user_id"])
        assert (numbers(team, "prolite"), numbers(team)[1]) == ((1, 1, 0), 0)
        assert [row["email"] for row in hold_list(team, "prolite")] == [ANA]
        assert hold_list(team, "sofa") == []

    def test_a_removal_in_the_web_ui_is_held_as_well(self, team):
        team.world.set_workspace(team.account_id, holds_from=1)
        team.world.leave(team.account_id, "m1@example.net")
        team.world.leave(team.account_id, "m2@example.net", held=False)
        assert numbers(team)[1] == 1


class TestNotice:
    @pytest.mark.parametrize(("before", "ordinal", "delta"), [(1, 2, 0), (2, 3, 1), (7, 8, 1)])
    def test_it_counts_below_at_and_past_the_threshold(self, team, before, ordinal, delta):
        team.world.set_workspace(team.account_id, vacancy_threshold=3, vacancies=before)
        notice = remove(team, 1)["policy_notice"]
        assert (notice["vacancy_ordinal"], notice["free_vacancy_threshold"]) == (ordinal, 3)
        assert (notice["billed_seat_delta"], notice["replacement_required"]) == (delta, bool(delta))
        assert numbers(team)[1] == delta

    def test_it_may_promise_what_the_seats_do_not_keep(self, team):
        team.world.set_workspace(team.account_id, vacancy_threshold=5, holds_from=1)
        assert remove(team, 1)["policy_notice"]["billed_seat_delta"] == 0
        assert numbers(team)[1] == 1

    @pytest.mark.parametrize(("form", "expected"), [("null", [None]), ("absent", [])])
    def test_a_held_seat_may_come_without_a_notice(self, team, form, expected):
        team.world.set_workspace(team.account_id, vacancy_threshold=0, shapes={"policy_notice": form})
        answer = remove(team, 1)
        assert [answer[key] for key in ("policy_notice",) if key in answer] == expected
        assert numbers(team)[1] == 1

    def test_a_billing_notice_may_be_there_or_not(self, team):
        assert remove(team, 1)["billing_notice"] is None
        team.world.shape(billing_notice="object")
        assert isinstance(remove(team, 2)["billing_notice"], dict)
        team.world.shape(billing_notice="absent")
        assert "billing_notice" not in remove(team, 3)


class TestHoldList:
    def test_its_rows_say_since_when_and_which_seat(self, team):
        team.world.set_workspace(team.account_id, holds_from=1)
        remove(team, 1)
        (row,) = hold_list(team)
        assert (row["email"], row["reclaimable_seat_type"]) == ("m1@example.net", "default")
        assert row["deactivated_time"]
        assert "m1@example.net" not in team.listed_members()

    def test_it_pages_and_filters_like_the_plain_list(self, team):
        team.world.set_workspace(team.account_id, holds_from=1)
        for number in (1, 2, 3):
            remove(team, number)
        page = team.members("?active_vacancy_hold_seat_type=default&offset=2&limit=2").data
        assert (len(page["items"]), page["total"]) == (1, 3)
        assert team.members("?active_vacancy_hold_seat_type=default&query=m2").data["total"] == 1

    def test_its_rows_may_stand_in_the_plain_list_too(self, team):
        team.world.set_workspace(team.account_id, holds_from=1)
        remove(team, 1)
        team.world.shape(members_held="shown")
        rows = {row["email"]: row for row in team.members().data["items"]}
        assert rows["m1@example.net"]["deactivated_time"]
        assert [row["deactivated_time"] for email, row in rows.items() if email != "m1@example.net"] == [None] * 5


class TestLag:
    @pytest.mark.parametrize("kind", ["available", "held", "hold_list"])
    def test_each_number_follows_after_so_long_by_itself(self, team, kind):
        team.world.set_workspace(team.account_id, holds_from=2, **{f"{kind}_lag_seconds": 90})
        remove(team, 1)
        remove(team, 2)
        late = {"available": (7, 1, 1), "held": (7, 0, 2), "hold_list": (7, 1, 2)}[kind]
        assert (numbers(team), len(hold_list(team))) == (late, 0 if kind == "hold_list" else 1)
        team.world.advance(91)
        assert (numbers(team), len(hold_list(team))) == ((7, 1, 2), 1)

    @pytest.mark.parametrize("kind", ["available", "held", "hold_list"])
    def test_or_after_so_many_readings(self, team, kind):
        team.world.set_workspace(team.account_id, holds_from=2, **{f"{kind}_lag_reads": 2})
        remove(team, 1)
        remove(team, 2)
        seen = [(numbers(team), len(hold_list(team))) for _ in range(3)]
        late = {"available": ((7, 1, 1), 1), "held": ((7, 0, 2), 1), "hold_list": ((7, 1, 2), 0)}[kind]
        assert seen == [late, late, ((7, 1, 2), 1)]

    def test_what_changed_first_shows_first(self, team):
        team.world.set_workspace(team.account_id, available_lag_seconds=60)
        remove(team, 1)
        team.world.advance(40)
        remove(team, 2)
        assert numbers(team) == (7, 0, 1)
        team.world.advance(21)
        assert numbers(team) == (7, 0, 2)
        team.world.advance(40)
        assert numbers(team) == (7, 0, 3)

    def test_the_end_of_a_hold_is_late_from_the_moment_it_ended(self, team):
        team.world.set_workspace(team.account_id, holds_from=1, hold_seconds=100, available_lag_seconds=50)
        remove(team, 1)
        team.world.advance(120)
        assert numbers(team) == (7, 0, 1)
        team.world.advance(31)
        assert numbers(team) == (7, 0, 2)

    def test_the_books_are_never_late(self, team):
        team.world.set_workspace(team.account_id, available_lag_reads=9, held_lag_reads=9)
        remove(team, 1)
        assert books(team)["free_standard"] == 2


class TestPendingInHeld:
    def test_pending_invitations_may_count_as_held(self, team):
        team.invite(ANA)
        assert numbers(team) == (7, 0, 1)
        team.world.set_workspace(team.account_id, pending_in_held=True)
        assert numbers(team) == (7, 1, 0)
        assert hold_list(team) == []
        team.world.accept(team.account_id, ANA)
        assert numbers(team) == (7, 0, 0)
        assert books(team)["free_standard"] == 0

"""Invitations beyond the free seats: refused, or bought and counted (upstream §5, §16.4)."""

from __future__ import annotations

import threading

import pytest

from sandbox.errors import SEAT_FULL
from sandbox.state import Refusal
from tests.sandbox.test_seats import ANA, SAM, books, numbers


@pytest.fixture
def full(omar):
    """Omar, whose workspace has no free seat and buys what is missing."""
    omar.world.set_workspace(omar.account_id, seats_entitled=1, over_invite="buy")
    return omar


class TestRefused:
    @pytest.mark.parametrize("kind", sorted(SEAT_FULL))
    def test_it_is_refused_in_each_wording_and_nothing_is_bought(self, omar, kind):
        omar.world.set_workspace(omar.account_id, seats_entitled=1)
        omar.world.shape(seat_full=kind)
        assert omar.invite(ANA).status == SEAT_FULL[kind]["status"]
        assert omar.pending() == []
        assert omar.world.purchases(by="all") == []


class TestBought:
    def test_it_answers_like_any_other_and_costs_a_seat(self, full):
        answer = full.invite(ANA)
        assert (answer.status, answer.data["account_invites"][0]["email_address"]) == (200, ANA)
        assert numbers(full)[0] == 2
        (bought,) = full.world.purchases()
        entry = full.world.log(op="invite")[0]
        assert (bought["account_id"], bought["seat_type"], bought["count"]) == (full.account_id, "default", 1)
        assert (bought["request"], bought["emails"], bought["login"]) == (entry["seq"], [ANA], full.email)
        assert (entry["seats_bought"], entry["effect_applied"]) == (1, True)
        assert books(full)["seats_bought_by_us"] == 1
        assert full.state()["purchases"] == [bought]

    def test_a_free_seat_or_a_known_person_costs_none(self, full):
        full.world.set_workspace(full.account_id, seats_entitled=2)
        full.invite(ANA)
        full.invite(ANA)
        assert full.world.purchases() == []
        assert full.invite(SAM, seat_type="usage_based").status == 200
        assert full.world.purchases() == []

    def test_a_premium_seat_is_bought_in_its_own_pool(self, full):
        full.invite(ANA, seat_type="prolite")
        assert (numbers(full)[0], numbers(full, "prolite")[0]) == (1, 1)
        assert full.world.purchases()[0]["seat_type"] == "prolite"

    def test_it_is_bought_though_the_answer_is_lost_but_not_when_nothing_was_done(self, full):
        full.world.fault("invite", "500")
        full.world.fault("invite", "500_after")
        full.world.fault("invite", "ghost_b")
        assert [full.invite(ANA).status, len(full.world.purchases())] == [500, 0]
        assert [full.invite(ANA).status, len(full.world.purchases())] == [500, 1]
        assert [full.invite(SAM).status, len(full.world.purchases())] == [200, 1]

    def test_the_loser_of_the_last_seat_is_bought_for(self, full):
        full.world.set_workspace(full.account_id, seats_entitled=2)
        gate = threading.Barrier(2)

        def race(email):
            gate.wait(10)
            full.invite(email)

        threads = [threading.Thread(target=race, args=(email,)) for email in (ANA, SAM)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sorted(full.pending()) == [ANA, SAM]
        assert books(full)["seats_bought_by_us"] == 1

    def test_a_vacancy_that_is_held_is_no_free_seat(self, full):
        full.world.set_workspace(full.account_id, seats_entitled=2, holds_from=1)
        ana = full.world.member(full.account_id, ANA)
        full.remove(ana["user_id"])
        full.invite(SAM)
        assert books(full)["seats_bought_by_us"] == 1


class TestGuests:
    def test_a_member_invites_and_the_workspace_pays(self, full):
        full.world.member(full.account_id, ANA)
        full.world.invite_as_member(full.account_id, SAM, by=ANA)
        assert full.listed_invites() == [SAM]
        assert full.world.purchases() == []
        (bought,) = full.world.purchases(by="member")
        assert (bought["login"], bought["emails"]) == (ANA, [SAM])

    def test_a_member_is_refused_where_over_invites_are(self, omar):
        omar.world.set_workspace(omar.account_id, seats_entitled=2)
        omar.world.member(omar.account_id, ANA)
        with pytest.raises(Refusal):
            omar.world.invite_as_member(omar.account_id, SAM, by=ANA)
        omar.world.invite_as_member(omar.account_id, SAM, by=ANA, seat_type="usage_based")
        assert omar.state()["invites"][0]["invited_by"] == ANA


class TestJoinRequests:
    def test_a_request_is_a_row_of_status_1_and_keeps_no_seat(self, omar):
        omar.world.join_request(omar.account_id, ANA)
        assert omar.invites().data["items"][0]["status"] == 1
        assert books(omar)["free_standard"] == 4
        assert len(omar.invites("?include_pending=false&include_requests=true").data["items"]) == 1

    def test_a_manager_says_yes(self, omar):
        omar.world.join_request(omar.account_id, ANA)
        omar.world.accept(omar.account_id, ANA)
        assert ANA in omar.people()
        assert omar.listed_invites() == []

    def test_an_invitation_takes_its_place(self, omar):
        omar.world.join_request(omar.account_id, ANA)
        omar.invite(ANA)
        assert [row["status"] for row in omar.invites().data["items"]] == [2]
        assert books(omar)["free_standard"] == 3

    def test_it_may_be_accepted_by_itself(self, omar):
        omar.world.set_workspace(omar.account_id, auto_accept_requests=True)
        omar.world.join_request(omar.account_id, ANA)
        assert ANA in omar.people()

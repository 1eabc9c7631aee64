"""Seats by type: the pools, who sits where, and what the subscription says of it (upstream §9)."""

from __future__ import annotations

import pytest

from sandbox.state import Refusal
from tests.sandbox.client import Admin

ANA, SAM = "ana@example.net", "sam@example.net"


def pools(omar) -> dict:
    return {row["type"]: row for row in omar.seats().data["seat_capacity"]}


def numbers(omar, seat_type="default") -> tuple:
    row = pools(omar)[seat_type]
    return row["paid"], row["held"], row["available"]


def books(omar) -> dict:
    return omar.world.books(omar.account_id)


def admin_of(server, **workspace) -> Admin:
    """The owner of one more workspace."""
    made = server.world.workspace(**workspace)
    admin = Admin(server)
    admin.credentials, admin.email = made["credentials"], made["credentials"]["email"]
    admin.account_id, admin.token = made["account_id"], made["credentials"]["access_token"]
    return admin


class TestPools:
    def test_a_mixed_workspace_adds_up_in_each_type(self, server):
        omar = admin_of(server, seats=4, premium=2, members=1, premium_members=1, codex_members=5)
        assert numbers(omar) == (4, 0, 2)
        assert numbers(omar, "prolite") == (2, 0, 1)
        seats = omar.seats().data
        assert seats["assigned"] == {"default": 2, "prolite": 1, "usage_based": 5, "automation": 0}
        assert (seats["seats_entitled"], seats["seats_in_use"]) == (6, 8)
        assert (books(omar)["free_standard"], books(omar)["oversold"]) == (2, 0)

    def test_an_owner_may_sit_in_a_codex_seat(self, server):
        omar = admin_of(server, seats=2, owner_seat="usage_based")
        assert omar.members().data["items"][0]["seat_type"] == "usage_based"
        assert numbers(omar) == (2, 0, 2)
        assert omar.invite(ANA, SAM).status == 200
        assert books(omar)["free_standard"] == 0

    def test_each_type_has_seats_of_its_own_and_codex_needs_none(self, server):
        omar = admin_of(server, seats=1, premium=1)
        assert omar.invite(ANA, seat_type="prolite").status == 200
        assert omar.invite(SAM, seat_type="prolite").status == 400
        assert omar.invite(SAM).status == 400
        assert omar.invite(SAM, seat_type="usage_based").status == 200

    def test_a_pool_takes_any_field(self, omar):
        omar.world.set_pool(
            omar.account_id, renewal_requested=3, pending_unoccupied_removal=2, pending_occupied_downgrades=["x"]
        )
        row = pools(omar)["default"]
        assert (row["paid"], row["renewal_requested"], row["pending_unoccupied_removal"]) == (5, 3, 2)
        assert row["pending_occupied_downgrades"] == ["x"]
        with pytest.raises(Refusal):
            omar.world.set_pool(omar.account_id, sofa=1)

    def test_an_unknown_number_of_seats_is_shown_as_such(self, server):
        omar = admin_of(server, seats=None)
        assert numbers(omar) == (None, 0, None)
        assert omar.seats().data["seats_entitled"] is None
        assert omar.invite(ANA).status == 400


class TestOrders:
    def test_seats_are_bought_and_dropped_by_type(self, omar):
        omar.world.buy_seats(omar.account_id, "prolite", 2)
        omar.world.buy_seats(omar.account_id)
        assert (numbers(omar)[0], numbers(omar, "prolite")[0]) == (6, 2)
        omar.world.drop_seats(omar.account_id, "prolite", 1)
        omar.world.drop_seats(omar.account_id, count=2, at_renewal=True)
        row = pools(omar)["default"]
        assert (row["paid"], row["renewal_requested"], row["pending_unoccupied_removal"]) == (6, 4, 2)
        omar.world.renew(omar.account_id)
        assert (numbers(omar)[0], numbers(omar, "prolite")[0]) == (4, 1)
        assert pools(omar)["default"]["pending_unoccupied_removal"] == 0
        assert omar.world.purchases() == []
        assert [one["count"] for one in omar.world.purchases(by="order")] == [2, 1]

    def test_nobody_drops_seats_that_are_not_there(self, omar):
        with pytest.raises(Refusal):
            omar.world.drop_seats(omar.account_id, "prolite")
        with pytest.raises(Refusal):
            omar.world.buy_seats(omar.account_id, "usage_based")
        with pytest.raises(Refusal):
            omar.world.buy_seats(omar.account_id, count=0)

    def test_dropping_seats_under_people_oversells(self, omar):
        omar.invite(ANA, SAM)
        omar.world.drop_seats(omar.account_id, count=3)
        told = books(omar)
        assert (told["free_standard"], told["oversold"], told["over_full"]) == (0, 1, 1)
        assert numbers(omar) == (2, 0, 1)

    def test_somebody_is_switched_to_another_seat_or_demoted(self, omar):
        omar.world.member(omar.account_id, ANA, role="account-admin")
        omar.world.switch_seat(omar.account_id, ANA, "prolite")
        omar.world.demote(omar.account_id, ANA)
        row = omar.members().data["items"][1]
        assert (row["seat_type"], row["role"]) == ("prolite", "standard-user")
        assert books(omar)["pools"]["prolite"]["free"] == -1
        with pytest.raises(Refusal):
            omar.world.demote(omar.account_id, SAM)

    def test_the_books_tell_who_is_in_invited_asking_and_held(self, omar):
        for email in (ANA, SAM):
            omar.world.member(omar.account_id, email)
        omar.world.leave(omar.account_id, SAM, held=True)
        omar.invite("tim@example.net")
        omar.world.join_request(omar.account_id, "kim@example.net")
        told = books(omar)
        assert told["members"] == {omar.email: "default", ANA: "default"}
        assert told["invited"] == {"tim@example.net": "default"}
        assert told["requests"] == ["kim@example.net"]
        assert [one["email"] for one in told["held"]] == [SAM]
        assert told["free_standard"] == 1


class TestCodexOnly:
    def test_it_has_the_feature_and_no_standard_seat(self, server):
        omar = admin_of(server, codex_only=True)
        entry = omar.check().data["accounts"][omar.account_id]
        assert "codex_only" in entry["features"]
        assert entry["account"]["plan_type"] == "self_serve_business_usage_based"
        assert (entry["account"]["account_user_role"], entry["account"]["structure"]) == ("account-owner", "workspace")
        assert entry["entitlement"]["subscription_plan"] == "chatgptteamplan"
        assert numbers(omar) == (0, 0, 0)
        assert omar.invite(ANA).status == 400
        assert omar.invite(ANA, seat_type="usage_based").status == 200

    def test_it_may_have_no_standard_pool_at_all(self, server):
        omar = admin_of(server, codex_only=True, default_pool=False)
        assert pools(omar).keys() == {"prolite"}

    def test_an_upgrade_keeps_the_plan_type(self, server):
        omar = admin_of(server, codex_only=True, default_pool=False)
        omar.world.upgrade(omar.account_id, seats=3)
        entry = omar.check().data["accounts"][omar.account_id]
        assert "codex_only" not in entry["features"]
        assert entry["account"]["plan_type"] == "self_serve_business_usage_based"
        assert numbers(omar) == (3, 0, 3)
        with pytest.raises(Refusal):
            omar.world.upgrade(omar.account_id)


class TestRefused:
    """The seats cannot be read while the lists answer (upstream §16.4, 13)."""

    @pytest.mark.parametrize("status", ["401", "404", "500", "502", "503"])
    def test_one_workspace_refuses_and_recovers(self, server, omar, status):
        omar.world.set_workspace(omar.account_id, subscription_answer=status)
        assert omar.seats().status == int(status)
        assert (omar.members().status, omar.invites().status) == (200, 200)
        assert Admin(server, 1).seats().status == 200
        omar.world.set_workspace(omar.account_id, subscription_answer="normal")
        assert omar.seats().status == 200

    def test_it_may_begin_at_a_moment(self, omar):
        omar.world.set_workspace(omar.account_id, subscription_answer="401", subscription_refuses_in=600)
        assert omar.seats().status == 200
        omar.world.advance(601)
        assert omar.seats().status == 401

    def test_an_admin_may_be_refused_where_the_owner_is_not(self, server):
        admin = admin_of(server, email="admin@example.com", role="account-admin")
        assert admin.seats().status == 200
        admin.world.set_workspace(admin.account_id, admin_reads_seats=False)
        assert admin.seats().status == 401
        admin.world.member(admin.account_id, admin.email, role="account-owner")
        assert admin.seats().status == 200


class TestTokens:
    def test_a_purchase_or_a_change_of_plan_leaves_the_tokens_alone(self, omar):
        omar.world.buy_seats(omar.account_id)
        omar.world.set_workspace(omar.account_id, plan_type="business")
        assert omar.me().status == 200

    def test_it_kills_them_where_it_is_set_so(self, server, omar):
        other = Admin(server, 1)
        omar.world.set_workspace(omar.account_id, changes_kill_tokens=True)
        assert omar.me().status == 200
        omar.world.set_workspace(omar.account_id, plan_type="business")
        assert (omar.me().status, other.me().status) == (401, 200)
        omar.token = omar.session().data["accessToken"]
        omar.world.buy_seats(omar.account_id)
        assert omar.me().data["error"]["code"] == "token_invalidated"

    def test_an_order_kills_them(self, omar):
        assert omar.world.kill_tokens(omar.account_id, code="token_revoked")["died"] >= 1
        assert omar.me().data["error"]["code"] == "token_revoked"

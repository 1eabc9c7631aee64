from __future__ import annotations

import pytest

from tests.sandbox.client import ask

ROW_KEYS = {
    "id", "account_user_id", "email", "verified_email", "role", "seat_type", "credit_limits", "name", "created_time",
    "is_scim_managed", "creation_source", "deactivated_time", "pending_seat_type", "reclaimable_seat_type",
    "trial_state", "is_trial",
}  # fmt: skip


def join(omar, *names):
    return [omar.world.member(omar.account_id, f"{name}@example.net") for name in names]


class TestListMembers:
    def test_it_shows_the_owner_in_the_recorded_shape(self, omar):
        answer = omar.members()
        assert answer.status == 200
        assert answer.data.keys() == {"items", "total", "limit", "offset"}
        assert (answer.data["total"], answer.data["limit"], answer.data["offset"]) == (1, 25, 0)
        row = answer.data["items"][0]
        assert row.keys() == ROW_KEYS
        assert row["id"].startswith("user-")
        assert row["account_user_id"] == f"{row['id']}__{omar.account_id}"
        assert (row["email"], row["role"], row["seat_type"]) == ("owner1@example.com", "account-owner", "default")

    def test_it_pages_by_offset_and_limit(self, omar):
        join(omar, *(f"m{number:02d}" for number in range(30)))
        first = omar.members("?offset=0&limit=20&query=").data
        second = omar.members("?offset=20&limit=20").data
        assert (len(first["items"]), len(second["items"]), first["total"], second["total"]) == (20, 11, 31, 31)
        assert len({row["id"] for row in first["items"] + second["items"]}) == 31

    def test_it_clamps_the_limit_and_says_so(self, omar):
        assert omar.members("?limit=5000").data["limit"] == 100

    def test_it_filters_by_query(self, omar):
        join(omar, "ana", "sam")
        assert [row["email"] for row in omar.members("?query=ANA").data["items"]] == ["ana@example.net"]

    def test_it_refuses_a_limit_that_is_no_number(self, omar):
        answer = omar.members("?limit=many")
        assert answer.status == 422
        assert isinstance(answer.data["detail"], list)

    def test_it_needs_no_account_header(self, server, omar):
        headers = {"Authorization": f"Bearer {omar.token}"}
        assert ask(server, "GET", omar.path("users"), headers=headers).status == 200

    def test_it_shows_a_new_member_only_after_the_lag(self, omar):
        omar.world.lag(30)
        join(omar, "ana")
        assert omar.listed_members() == ["owner1@example.com"]
        omar.world.advance(31)
        assert omar.listed_members() == ["owner1@example.com", "ana@example.net"]

    def test_it_hides_the_email_of_a_hidden_row_and_keeps_the_row(self, omar):
        omar.invite("ana@example.net")
        omar.world.accept(omar.account_id, "ana@example.net", hide_email=True)
        row = omar.members().data["items"][1]
        assert (row["email"], row["verified_email"]) == (None, None)
        assert row["id"].startswith("user-")

    def test_it_shows_every_role_seat_type_and_a_deactivation(self, omar):
        omar.world.member(omar.account_id, "a@example.net", role="account-admin", seat_type="prolite")
        omar.world.member(omar.account_id, "b@example.net", role="analytics-viewer", seat_type="usage_based")
        omar.world.member(omar.account_id, "c@example.net", deactivated=True)
        rows = {row["email"]: row for row in omar.members().data["items"]}
        assert (rows["a@example.net"]["role"], rows["a@example.net"]["seat_type"]) == ("account-admin", "prolite")
        assert rows["b@example.net"]["seat_type"] == "usage_based"
        assert rows["c@example.net"]["deactivated_time"]
        assert omar.state()["seats_in_use"] == 3

    def test_it_knows_one_person_by_one_id_in_every_workspace(self, omar, world):
        other = world.dump()["workspaces"][1]["account_id"]
        assert join(omar, "ana")[0]["user_id"] == world.member(other, "ANA@example.net ")["user_id"]


class TestRemoveMember:
    def test_it_removes_and_frees_the_seat(self, omar):
        (ana,) = join(omar, "ana")
        answer = omar.remove(ana["user_id"])
        assert answer.status == 200
        assert answer.data == {"success": True, "billing_notice": None, "policy_notice": None}
        assert omar.people() == ["owner1@example.com"]
        assert omar.state()["free"] == 4

    def test_it_takes_a_bare_id_too(self, omar):
        (ana,) = join(omar, "ana")
        assert omar.remove(ana["user_id"].removeprefix("user-")).status == 200
        assert omar.people() == ["owner1@example.com"]

    def test_it_answers_404_for_somebody_who_is_not_there(self, omar):
        answer = omar.remove("user-nobody")
        assert answer.status == 404
        assert isinstance(answer.data["detail"], str)

    def test_it_never_removes_an_owner(self, omar):
        answer = omar.remove(omar.credentials["user_id"])
        assert answer.status == 403
        assert omar.people() == ["owner1@example.com"]

    def test_it_refuses_a_standard_user(self, omar):
        (ana,) = join(omar, "ana")
        omar.world.member(omar.account_id, omar.email, role="standard-user")
        assert omar.remove(ana["user_id"]).status == 403
        assert "ana@example.net" in omar.people()

    def test_it_may_hold_the_seat_and_then_says_so(self, omar):
        omar.world.set_workspace(omar.account_id, vacancy_threshold=2, hold_seconds=3600)
        ana, sam = join(omar, "ana", "sam")
        assert omar.remove(ana["user_id"]).data["policy_notice"]["replacement_required"] is False
        notice = omar.remove(sam["user_id"]).data["policy_notice"]
        assert (notice["kind"], notice["vacancy_ordinal"], notice["free_vacancy_threshold"]) == (
            "pending_replacement",
            2,
            2,
        )
        assert notice["replacement_required"] is True
        seats = omar.seats().data
        assert (seats["seat_capacity"][0]["held"], seats["seat_capacity"][0]["available"]) == (1, 3)
        assert omar.state()["free"] == 3
        omar.world.advance(3601)
        assert omar.state()["free"] == 4

    def test_it_may_go_on_listing_the_removed_for_a_while(self, omar):
        omar.world.set_workspace(omar.account_id, removal_lag_seconds=60)
        (ana,) = join(omar, "ana")
        omar.remove(ana["user_id"])
        assert "ana@example.net" in omar.listed_members()
        assert omar.remove(ana["user_id"]).status == 404
        omar.world.advance(61)
        assert omar.listed_members() == ["owner1@example.com"]


class TestScope:
    """What every call in the name of a workspace is checked for (upstream §2)."""

    def test_it_answers_404_to_somebody_elses_workspace(self, omar):
        other = omar.world.dump()["workspaces"][1]["account_id"]
        answer = omar.ask("GET", f"/backend-api/accounts/{other}/users")
        assert answer.status == 404
        assert answer.data["detail"]["code"] == "workspace_not_found"

    def test_it_answers_402_while_suspended_and_recovers(self, omar):
        omar.world.set_workspace(omar.account_id, suspended=True)
        assert omar.members().status == 402
        assert omar.invite("ana@example.net").data == {"detail": {"code": "deactivated_workspace"}}
        assert omar.seats().status == 402
        assert omar.me().status == 402
        assert omar.check().data["accounts"][omar.account_id]["account"]["is_deactivated"] is True
        omar.world.set_workspace(omar.account_id, suspended=False)
        assert omar.members().status == 200
        assert omar.check().data["accounts"][omar.account_id]["account"]["is_deactivated"] is False

    @pytest.mark.parametrize(("kind", "status"), [("403_code", 403), ("403_text", 403), ("402", 402)])
    def test_it_says_suspended_in_each_wording(self, omar, kind, status):
        omar.world.set_workspace(omar.account_id, suspended=True, suspended_answer=kind)
        answer = omar.members()
        assert answer.status == status
        assert "deactivated" in answer.text

    def test_it_refuses_changes_but_not_reads_while_unpaid(self, omar):
        omar.world.set_workspace(omar.account_id, delinquent=True)
        answer = omar.invite("ana@example.net")
        assert (answer.status, answer.data["detail"]["code"]) == (401, "workspace_subscription_delinquent")
        assert omar.pending() == []
        assert omar.members().status == 200
        assert omar.seats().data["is_delinquent"] is True

    def test_it_answers_404_after_access_was_lost(self, omar):
        omar.world.set_workspace(omar.account_id, access_lost=True)
        assert omar.members().status == 404
        assert omar.check().data["accounts"] == {}

    def test_it_lets_nobody_in_who_was_deactivated(self, omar):
        omar.world.member(omar.account_id, omar.email, deactivated=True)
        assert omar.members().status == 404

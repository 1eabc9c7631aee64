from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from teampool.upstream.readers import (
    Unreadable,
    is_safe_id,
    read_identity,
    read_invites_page,
    read_members_page,
    read_moment,
    read_removal_notice,
    read_subscription,
    read_workspaces,
)
from teampool.upstream.types import RemovalNotice, SeatPool

MEMBER: dict[str, Any] = {
    "id": "user-AbCdEfGh",
    "email": " Olive@Example.com ",
    "role": "account-owner",
    "seat_type": "default",
    "name": "Olive",
    "created_time": "2026-03-01T09:30:00.123456Z",
    "deactivated_time": None,
}
ENTRY: dict[str, Any] = {
    "account": {
        "account_id": "11111111-2222-4333-8444-555555555555",
        "account_user_role": "account-owner",
        "organization_id": "org-1",
        "name": "Example",
        "structure": "workspace",
        "plan_type": "team",
        "is_deactivated": False,
    },
    "entitlement": {"has_active_subscription": True, "expires_at": "2026-10-02T20:32:12+00:00", "is_delinquent": False},
    "last_active_subscription": {"will_renew": True},
    "can_access_with_session": True,
}
AID = "11111111-2222-4333-8444-555555555555"


class TestReadMoment:
    @pytest.mark.parametrize(
        "value",
        [
            "2026-03-01T09:30:00Z",
            "2026-03-01T09:30:00+00:00",
            "2026-03-01T09:30:00.000000Z",
            "2026-03-01T10:30:00+01:00",
            "2026-03-01T09:30:00",
            1772357400,
            1772357400000,
        ],
    )
    def test_it_reads_every_form(self, value: object) -> None:
        assert read_moment(value) == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

    @pytest.mark.parametrize(
        "value", [None, "", "soon", True, [], {}, float("inf"), float("nan"), 10**30, "9999-99-99"]
    )
    def test_it_reads_nothing_from_nonsense(self, value: object) -> None:
        assert read_moment(value) is None


class TestReadMembersPage:
    def test_it_reads_a_row(self) -> None:
        page = read_members_page({"items": [MEMBER], "total": 1, "limit": 25, "offset": 0})
        (row,) = page.rows
        assert (row.user_id, row.email, row.role, row.name) == (
            "user-AbCdEfGh",
            "olive@example.com",
            "account-owner",
            "Olive",
        )
        assert row.created_at == datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)
        assert row.is_manager
        assert (page.total, page.limit, page.offset, page.lost, page.is_doubtful) == (1, 25, 0, 0, False)

    @pytest.mark.parametrize("key", ["items", "users", "data"])
    def test_it_knows_the_names_of_the_list(self, key: str) -> None:
        assert len(read_members_page({key: [MEMBER]}).rows) == 1

    @pytest.mark.parametrize("email", [None, "", "   ", 5, "absent"])
    def test_a_hidden_address_keeps_the_row(self, email: object) -> None:
        row = {**MEMBER, "email": email}
        if email == "absent":
            del row["email"]
        assert [one.email for one in read_members_page({"items": [row]}).rows] == [None]

    def test_only_id_and_role_are_needed(self) -> None:
        (row,) = read_members_page({"items": [{"id": "user-1", "role": "standard-user"}]}).rows
        assert (row.email, row.seat_type, row.name, row.deactivated_at) == (None, "default", "", None)
        assert not row.is_manager

    def test_it_reads_whose_seat_is_kept(self) -> None:
        kept = {**MEMBER, "deactivated_time": "2026-03-02T09:30:00Z", "reclaimable_seat_type": "Prolite"}
        (row,) = read_members_page({"items": [kept]}).rows
        assert (row.deactivated_at, row.reclaimable_seat_type) == (datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "prolite")

    def test_a_bare_id_gets_its_prefix(self) -> None:
        (row,) = read_members_page({"items": [{**MEMBER, "id": "AbCdEfGh12"}]}).rows
        assert row.user_id == "user-AbCdEfGh12"

    def test_the_long_id_stands_in_for_a_missing_one(self) -> None:
        (row,) = read_members_page({"items": [{"account_user_id": f"user-Ab__{AID}", "role": "x"}]}).rows
        assert row.user_id == "user-Ab"

    @pytest.mark.parametrize("item", [None, 5, "user-1", [], {}, {"id": ""}, {"id": 5}, {"id": "../x"}, {"id": ".."}])
    def test_a_row_nobody_can_tell_apart_is_counted_lost(self, item: object) -> None:
        page = read_members_page({"items": [MEMBER, item]})
        assert (len(page.rows), page.lost) == (1, 1)

    @pytest.mark.parametrize("role", [None, "", 5])
    def test_a_row_without_a_role_makes_the_page_doubtful(self, role: object) -> None:
        page = read_members_page({"items": [{**MEMBER, "role": role}]})
        assert (len(page.rows), page.is_doubtful) == (1, True)

    @pytest.mark.parametrize("data", [None, [], "x", {}, {"items": None}, {"items": {}}, {"rows": []}])
    def test_it_refuses_an_unknown_shape(self, data: object) -> None:
        with pytest.raises(Unreadable):
            read_members_page(data)

    @pytest.mark.parametrize(("value", "total"), [(7, 7), ("7", 7), (None, None), (True, None), ("x", None)])
    def test_it_reads_the_total(self, value: object, total: int | None) -> None:
        assert read_members_page({"items": [], "total": value}).total == total


class TestReadInvitesPage:
    @pytest.mark.parametrize("key", ["items", "account_invites"])
    def test_it_reads_a_row(self, key: str) -> None:
        item = {"id": "i1", "email_address": "A@b.co", "role": "standard-user", "status": 2}
        (row,) = read_invites_page({key: [item]}).rows
        assert (row.invite_id, row.email, row.role, row.seat_type) == ("i1", "a@b.co", "standard-user", "default")

    @pytest.mark.parametrize(
        ("item", "status"),
        [
            ({"status": 2}, "2"),
            ({"status": "2"}, "2"),
            ({"status": 1}, "1"),
            ({"status": " Pending "}, "pending"),
            ({"state": "accepted"}, "accepted"),
            ({"status": None}, ""),
            ({}, ""),
            ({"status": []}, "?"),
            ({"status": True}, "?"),
            ({"status": " "}, "?"),
        ],
    )
    def test_it_reads_the_status(self, item: dict[str, object], status: str) -> None:
        assert read_invites_page({"items": [{"id": "i1", **item}]}).rows[0].status == status

    def test_the_address_stands_in_for_a_missing_id(self) -> None:
        (row,) = read_invites_page({"items": [{"email": "A@b.co"}]}).rows
        assert row.invite_id == "a@b.co"


class TestReadWorkspaces:
    def test_it_reads_a_workspace(self) -> None:
        (one,) = read_workspaces({"accounts": {AID: ENTRY}, "account_ordering": [AID]})
        assert one.account_id == AID
        assert one.expires_at == datetime(2026, 10, 2, 20, 32, 12, tzinfo=UTC)
        assert (one.will_renew, one.is_delinquent, one.has_active_subscription) == (True, False, True)
        assert one.is_manageable

    @pytest.mark.parametrize(
        ("features", "is_codex_only"),
        [(["x", "codex_only"], True), (["x"], False), ([], False), (None, None), ("x", None)],
    )
    def test_it_tells_a_workspace_without_standard_seats(self, features: object, is_codex_only: bool | None) -> None:
        (one,) = read_workspaces({"accounts": {AID: {**ENTRY, "features": features}}})
        assert one.is_codex_only is is_codex_only

    def test_an_alias_and_its_account_are_one(self) -> None:
        assert len(read_workspaces({"accounts": {"default": ENTRY, AID: ENTRY}})) == 1

    def test_an_alias_alone_is_read_by_the_id_inside(self) -> None:
        assert read_workspaces({"accounts": {"default": ENTRY}})[0].account_id == AID

    def test_it_goes_by_the_ordering(self) -> None:
        other = {**ENTRY, "account": {**ENTRY["account"], "account_id": "other-1"}}
        data = {"accounts": {AID: ENTRY, "other-1": other}, "account_ordering": ["gone", "other-1", 5]}
        assert [one.account_id for one in read_workspaces(data)] == ["other-1", AID]

    def test_it_reads_the_list_form(self) -> None:
        item = {"id": AID, "structure": "workspace", "account_user_role": "account-admin", "plan_type": "team"}
        (one,) = read_workspaces({"accounts": [item, None, 5]})
        assert one.is_manageable
        assert one.will_renew is None

    @pytest.mark.parametrize(
        "change",
        [
            {"structure": "personal"},
            {"account_user_role": "standard-user"},
            {"account_user_role": None},
            {"is_deactivated": True},
        ],
    )
    def test_these_cannot_be_managed(self, change: dict[str, object]) -> None:
        entry = {**ENTRY, "account": {**ENTRY["account"], **change}}
        assert not read_workspaces({"accounts": {AID: entry}})[0].is_manageable

    def test_one_that_cannot_be_entered_cannot_be_managed(self) -> None:
        assert not read_workspaces({"accounts": {AID: {**ENTRY, "can_access_with_session": False}}})[0].is_manageable

    @pytest.mark.parametrize("plan", ["business", "self_serve_business", "enterprise", "something new", None])
    def test_the_plan_decides_nothing(self, plan: object) -> None:
        entry = {**ENTRY, "account": {**ENTRY["account"], "plan_type": plan}}
        assert read_workspaces({"accounts": {AID: entry}})[0].is_manageable

    def test_everything_may_be_null(self) -> None:
        entry = {"account": {"account_id": AID}, "entitlement": None, "last_active_subscription": None}
        (one,) = read_workspaces({"accounts": {AID: entry}, "account_ordering": None})
        assert (one.expires_at, one.is_delinquent, one.can_access) == (None, None, True)

    @pytest.mark.parametrize("data", [None, [], {}, {"accounts": None}, {"accounts": "x"}])
    def test_it_refuses_an_unknown_shape(self, data: object) -> None:
        with pytest.raises(Unreadable):
            read_workspaces(data)


class TestReadSubscription:
    @pytest.mark.parametrize("value", [0, None, -1, "x", True, [], 2**63])
    def test_nothing_entitled_is_unknown(self, value: object) -> None:
        assert read_subscription({"seats_entitled": value}).seats_entitled is None

    def test_it_reads_each_pool_apart(self) -> None:
        default = {"type": "default", "paid": 4, "held": 1, "renewal_requested": "4", "available": 1}
        data = {"seats_entitled": 6, "seat_capacity": [default, {"type": "Prolite", "paid": 2}, 5, {"paid": 9}]}
        seats = read_subscription({**data, "cancellation_outcome": "deactivate", "seats_in_use": 8})
        assert seats.pool("default") == SeatPool("default", 4, 1, 1, 4)
        assert seats.pool("prolite") == SeatPool("prolite", 2, 0, None, None)
        assert seats.pool("usage_based") is None
        assert (seats.cancellation_outcome, seats.seats_in_use, seats.has_pools) == ("deactivate", 8, True)

    @pytest.mark.parametrize(
        ("value", "paid"),
        [(0, 0), ("0", 0), (4.0, 4), (None, None), (-1, None), ("x", None), (True, None), (4.5, None), (2**31, None)],
    )
    def test_zero_paid_is_a_known_zero_and_no_number_is_unknown(self, value: object, paid: int | None) -> None:
        pool = read_subscription({"seat_capacity": [{"type": "default", "paid": value, "available": value}]}).pool(
            "default"
        )
        assert pool is not None
        assert (pool.paid, pool.available) == (paid, paid)

    @pytest.mark.parametrize(("value", "held"), [(None, 0), (0, 0), ("2", 2), ("x", None), (-1, None)])
    def test_a_missing_held_is_none_and_an_unreadable_one_unknown(self, value: object, held: int | None) -> None:
        pool = read_subscription({"seat_capacity": [{"type": "default", "held": value}]}).pool("default")
        assert pool is not None
        assert pool.held == held

    def test_two_pools_of_one_type_cannot_be_told_apart(self) -> None:
        pool = {"type": "default", "paid": 4}
        assert read_subscription({"seat_capacity": [pool, pool]}).pool("default") is None

    @pytest.mark.parametrize(
        ("capacity", "has"), [(None, False), ([], False), ({}, False), ([None], True), ("x", True)]
    )
    def test_it_tells_whether_pools_were_named_at_all(self, capacity: object, has: bool) -> None:
        assert read_subscription({"seat_capacity": capacity}).has_pools is has

    @pytest.mark.parametrize(
        ("value", "assigned"),
        [(None, {}), ({"Default": 2, "prolite": "x"}, {"default": 2, "prolite": None}), ([], None), ("x", None)],
    )
    def test_it_reads_who_is_assigned(self, value: object, assigned: object) -> None:
        assert read_subscription({"assigned": value}).assigned == assigned


class TestReadIdentity:
    def test_it_needs_an_address(self) -> None:
        identity = read_identity({"id": "user-1", "email": " A@b.co"})
        assert identity is not None
        assert (identity.user_id, identity.email) == ("user-1", "a@b.co")
        assert read_identity({"id": "ua-anonymous"}) is None
        assert read_identity(None) is None


class TestIsSafeId:
    @pytest.mark.parametrize("value", ["user-AbC", AID, "a|b", "user_1.2"])
    def test_it_takes_ids(self, value: str) -> None:
        assert is_safe_id(value)

    @pytest.mark.parametrize(
        "value", ["", ".", "..", "../x", "a/b", "a?b", "a#b", "a b", "a\n", "é", "%2e%2e", "a" * 300]
    )
    def test_it_refuses_what_would_lead_elsewhere(self, value: str) -> None:
        assert not is_safe_id(value)


POLICY: dict[str, Any] = {
    "kind": "pending_replacement",
    "billed_seat_delta": 1,
    "vacancy_ordinal": 6,
    "free_vacancy_threshold": 5,
    "replacement_required": True,
    "billing_starts_at": "2026-09-01T00:00:00Z",
    "expires_at": "2026-10-01T00:00:00Z",
}


class TestReadRemovalNotice:
    def test_it_reads_all_of_it(self) -> None:
        assert read_removal_notice({"success": True, "billing_notice": None, "policy_notice": POLICY}) == RemovalNotice(
            vacancy_ordinal=6,
            free_below=5,
            seats_billed=1,
            needs_replacement=True,
            billed_from=datetime(2026, 9, 1, tzinfo=UTC),
            billed_until=datetime(2026, 10, 1, tzinfo=UTC),
        )

    def test_numbers_may_be_strings(self) -> None:
        said = {"policy_notice": POLICY | {"vacancy_ordinal": "6", "free_vacancy_threshold": "5"}}
        notice = read_removal_notice(said)
        assert notice is not None
        assert (notice.vacancy_ordinal, notice.free_below, notice.costs) == (6, 5, True)

    @pytest.mark.parametrize(
        "data",
        [
            None,
            [],
            "ok",
            {},
            {"success": True},
            {"policy_notice": None, "billing_notice": None},
            {"policy_notice": "soon", "billing_notice": {}},
            {"policy_notice": [POLICY]},
            {"policy_notice": {"kind": "news"}},
        ],
    )
    def test_what_says_nothing_is_none(self, data: Any) -> None:
        assert read_removal_notice(data) is None

    @pytest.mark.parametrize("odd", [-1, 10**30, 1.5, True, [], {}, "six", float("nan")])
    def test_a_field_nobody_can_read_is_unknown_and_the_others_stay(self, odd: Any) -> None:
        notice = read_removal_notice({"policy_notice": POLICY | {"vacancy_ordinal": odd}})
        assert notice is not None
        assert (notice.vacancy_ordinal, notice.free_below) == (None, 5)

    @pytest.mark.parametrize("odd", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "soon", 10**40, {}, True])
    def test_a_moment_no_page_could_show_is_unknown(self, odd: Any) -> None:
        notice = read_removal_notice({"policy_notice": POLICY | {"expires_at": odd}})
        assert notice is not None
        assert notice.billed_until is None

    @pytest.mark.parametrize(
        ("ordinal", "free_below", "billed", "costs"),
        [
            (4, 5, None, False),
            (5, 5, None, True),
            (6, 5, 0, False),
            (1, 5, 1, True),
            (None, 5, None, False),
            (6, None, None, False),
        ],
    )
    def test_it_costs_by_what_is_billed_else_by_the_threshold(
        self, ordinal: int | None, free_below: int | None, billed: int | None, costs: bool
    ) -> None:
        assert RemovalNotice(vacancy_ordinal=ordinal, free_below=free_below, seats_billed=billed).costs is costs

    def test_a_billing_notice_is_kept_as_text_without_secrets(self) -> None:
        notice = read_removal_notice({"billing_notice": {"amount": "30.00", "by": "sk-abcdefghijkl", "x": "\ud800\0"}})
        assert notice is not None
        assert notice.billing_text == '{"amount": "30.00", "by": "[hidden]", "x": "?\\u0000"}'
        assert not notice.costs

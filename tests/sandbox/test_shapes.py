"""Shape toggles of upstream §16.3: one fact, each of its spellings."""

from __future__ import annotations

import pytest

from sandbox.shapes import CHOICES, NUMBERS
from sandbox.state import Refusal
from tests.sandbox.client import Admin

ANA = "ana@example.net"


class TestShape:
    def test_it_shows_and_forgets_toggles(self, omar):
        assert omar.world.shape(members_id="bare")["members_id"] == "bare"
        assert omar.world.dump()["shapes"] == {"members_id": "bare"}
        assert omar.world.clear_shapes()["members_id"] == "prefixed"

    @pytest.mark.parametrize(
        "toggles", [{"no_such": 1}, {"members_id": "odd"}, {"max_limit": 0}, {"members_extra": 1}, {"max_limit": True}]
    )
    def test_it_refuses_what_it_does_not_know_and_changes_nothing(self, omar, toggles):
        with pytest.raises(Refusal):
            omar.world.shape(members_key="users", **toggles)
        assert omar.world.dump()["shapes"] == {}

    @pytest.mark.parametrize(("key", "value"), [(key, value) for key in CHOICES for value in CHOICES[key]])
    def test_every_value_answers_every_op(self, omar, key, value):
        omar.world.member(omar.account_id, "sam@example.net")
        omar.world.shape(**{key: value})
        answers = [omar.members(), omar.invite(ANA, "bad"), omar.invites(), omar.check(), omar.seats(), omar.me()]
        answers += [omar.revoke(ANA), omar.session(), omar.refresh()]
        assert {answer.status for answer in answers} <= {200, 204}

    def test_its_numbers_are_limits(self, omar):
        assert NUMBERS["max_limit"] == 100
        omar.world.shape(max_limit=2, default_limit=1)
        assert omar.members().data["limit"] == 1
        assert omar.members("?limit=50").data["limit"] == 2


class TestLists:
    def test_members_in_each_spelling(self, omar):
        omar.world.member(omar.account_id, ANA)
        row = omar.members().data["items"][1]
        omar.world.shape(members_key="users", members_email="absent", members_name="null", members_id="bare")
        body = omar.members().data
        assert "items" not in body
        odd = body["users"][1]
        assert "email" not in odd
        assert odd["name"] is None
        assert f"user-{odd['id']}" == row["id"]
        assert body["users"][0]["email"] == omar.email

    def test_members_with_more_or_less_than_expected(self, omar):
        omar.world.shape(members_extra=True, members_sparse=True, members_all_owner=True)
        omar.world.member(omar.account_id, ANA)
        row = omar.members().data["items"][1]
        assert row.keys() == {"id", "role", "email", "entirely_new_field", "another_flag"}
        assert row["role"] == "account-owner"

    @pytest.mark.parametrize(
        ("style", "ending", "has_fraction"),
        [
            ("z_fraction", "Z", True),
            ("z", "Z", False),
            ("offset", "+00:00", False),
            ("offset_fraction", "+00:00", True),
        ],
    )
    def test_timestamps_in_each_style(self, omar, style, ending, has_fraction):
        omar.world.shape(timestamps=style)
        text = omar.members().data["items"][0]["created_time"]
        assert text.endswith(ending)
        assert ("." in text) is has_fraction

    def test_invites_in_each_spelling(self, omar):
        omar.invite(ANA)
        omar.world.shape(invites_key="account_invites", invites_status="string", list_total="absent")
        body = omar.invites().data
        assert body["account_invites"][0]["status"] == "pending"
        assert "total" not in body

    @pytest.mark.parametrize(("form", "expected"), [("missing", []), ("null", [None]), ("unknown", ["entirely_new"])])
    def test_the_seat_type_in_each_form(self, omar, form, expected):
        omar.invite(ANA)
        omar.world.shape(members_seat_type=form, invites_seat_type=form)
        for row in (omar.members().data["items"][0], omar.invites().data["items"][0]):
            assert [row["seat_type"] for _ in [0] if "seat_type" in row] == expected

    @pytest.mark.parametrize(
        ("form", "expected"),
        [("digits", ["2"]), ("string", ["pending"]), ("request", [1]), ("unknown", [7]), ("absent", [])],
    )
    def test_the_status_of_an_invite_in_each_form(self, omar, form, expected):
        omar.invite(ANA)
        omar.world.shape(invites_status=form)
        row = omar.invites().data["items"][0]
        assert [row[key] for key in ("status",) if key in row] == expected

    def test_the_owner_may_be_missing_from_the_list(self, omar):
        omar.world.member(omar.account_id, ANA)
        omar.world.shape(members_owner="absent")
        assert omar.listed_members() == [ANA]

    def test_one_row_may_be_altered_alone(self, omar):
        omar.world.member(omar.account_id, ANA)
        omar.world.show_row(omar.account_id, ANA, shows={"seat_type": "sofa", "deactivated_time": "soon"})
        omar.invite("sam@example.net", "tim@example.net")
        omar.world.show_row(omar.account_id, "sam@example.net", shows={"status": 7}, hides=["seat_type"])
        own, ana = omar.members().data["items"]
        assert (ana["seat_type"], ana["deactivated_time"], own["seat_type"]) == ("sofa", "soon", "default")
        rows = {row["email_address"]: row for row in omar.invites().data["items"]}
        assert rows["sam@example.net"]["status"] == 7
        assert "seat_type" not in rows["sam@example.net"]
        assert rows["tim@example.net"]["status"] == 2
        assert omar.world.books(omar.account_id)["free_standard"] == 1
        omar.world.show_row(omar.account_id, ANA)
        assert omar.members().data["items"][1]["seat_type"] == "default"
        with pytest.raises(Refusal):
            omar.world.show_row(omar.account_id, "nobody@example.net")


class TestInviteAnswer:
    @pytest.mark.parametrize(
        ("form", "expected"),
        [("strings", [ANA]), ("int", 1), ("null", None)],
    )
    def test_account_invites_in_each_form(self, omar, form, expected):
        omar.world.shape(account_invites=form)
        assert omar.invite(ANA).data["account_invites"] == expected

    def test_account_invites_with_another_key_or_missing(self, omar):
        omar.world.shape(account_invites="email_key")
        assert omar.invite(ANA).data["account_invites"][0]["email"] == ANA
        omar.world.shape(account_invites="missing", already_member_emails="missing")
        assert omar.invite(ANA).data.keys() == {"errored_emails"}

    @pytest.mark.parametrize(
        ("element", "error", "expected"),
        [
            ("object", "string", {"email_address": "bad", "error": "Invalid email"}),
            ("email_key", "missing", {"email": "bad"}),
            (
                "object",
                "object",
                {"email_address": "bad", "error": {"code": "invalid_email", "message": "Invalid email"}},
            ),
            ("string", "string", "bad"),
        ],
    )
    def test_errored_emails_in_each_form(self, omar, element, error, expected):
        omar.world.shape(errored_element=element, errored_error=error)
        assert omar.invite("bad").data["errored_emails"] == [expected]


class TestDeleteAnswer:
    @pytest.mark.parametrize(
        ("form", "status", "text"),
        [
            ("success", 200, '{"success":true}'),
            ("deleted", 200, '{"deleted":true}'),
            ("empty_object", 200, "{}"),
            ("empty", 200, ""),
            ("204", 204, ""),
        ],
    )
    def test_it_says_done_in_each_form(self, omar, form, status, text):
        omar.world.shape(delete_reply=form)
        omar.invite(ANA)
        answer = omar.revoke(ANA)
        assert (answer.status, answer.text) == (status, text)
        assert omar.pending() == []

    def test_an_unknown_invite_may_be_answered_200(self, omar):
        omar.world.shape(delete_unknown_invite="200")
        assert omar.revoke(ANA).status == 200
        assert omar.world.log(op="revoke")[0]["effect_applied"] is False

    def test_the_policy_notice_in_each_form(self, omar):
        omar.world.set_workspace(omar.account_id, vacancy_threshold=0)
        people = [omar.world.member(omar.account_id, f"m{n}@example.net")["user_id"] for n in range(3)]
        omar.world.shape(policy_numbers="string")
        assert omar.remove(people[0]).data["policy_notice"]["vacancy_ordinal"] == "1"
        omar.world.shape(policy_notice="null")
        assert omar.remove(people[1]).data["policy_notice"] is None
        omar.world.shape(policy_notice="absent")
        assert "policy_notice" not in omar.remove(people[2]).data


class TestAccounts:
    def test_the_map_may_use_the_default_alias(self, omar):
        omar.world.shape(accounts_map="default_alias")
        body = omar.check().data
        assert list(body["accounts"]) == ["default"]
        assert body["accounts"]["default"]["account"]["account_id"] == omar.account_id

    def test_the_map_may_show_a_workspace_twice(self, omar):
        omar.world.shape(accounts_map="both")
        assert set(omar.check().data["accounts"]) == {"default", omar.account_id}

    def test_the_ordering_may_be_out_of_step(self, omar):
        omar.world.shape(accounts_ordering="extra")
        assert len(omar.check().data["account_ordering"]) == 2
        omar.world.shape(accounts_ordering="short")
        assert omar.check().data["account_ordering"] == []

    def test_the_entitlement_may_be_null_and_a_personal_account_be_there(self, omar):
        omar.world.shape(entitlement="null", personal_account=True)
        accounts = omar.check().data["accounts"]
        assert accounts[omar.account_id]["entitlement"] is None
        assert accounts["default"]["account"]["structure"] == "personal"

    @pytest.mark.parametrize("plan", ["team", "business", "self_serve_business", "enterprise", "entirely_new"])
    def test_any_plan_passes(self, omar, plan):
        account_id = omar.world.workspace(omar.email, plan_type=plan)["account_id"]
        assert omar.check().data["accounts"][account_id]["account"]["plan_type"] == plan

    def test_the_map_may_be_a_flat_list(self, omar):
        omar.world.shape(accounts_map="list")
        (entry,) = omar.check().data["accounts"]
        assert (entry["id"], entry["account_user_role"]) == (omar.account_id, "account-owner")

    @pytest.mark.parametrize(
        ("seen", "reason"),
        [
            ("removed", {"error": {"code": "account_removed_from_workspace"}}),
            ("error_code", {"error_code": "workspace_deactivated"}),
            ("status_code", {"status_code": 402}),
        ],
    )
    def test_an_entry_may_be_unusable_with_a_reason(self, omar, seen, reason):
        omar.world.set_workspace(omar.account_id, in_check=seen)
        entry = omar.check().data["accounts"][omar.account_id]
        assert entry["can_access_with_session"] is False
        (key,) = reason
        told = entry[key]
        assert (told if not isinstance(told, dict) else {"code": told["code"]}) == reason[key]

    def test_somebody_removed_is_told_so_while_calls_are_refused(self, omar):
        omar.world.set_workspace(omar.account_id, access_lost=True, access_lost_answer="403", in_check="removed")
        assert omar.check().data["accounts"][omar.account_id]["error"]["code"] == "account_removed_from_workspace"
        answer = omar.members()
        assert (answer.status, answer.data["error"]["code"]) == (403, "account_removed_from_workspace")

    def test_the_end_may_deactivate_and_the_renewal_be_unsaid(self, omar):
        assert "cancellation_outcome" not in omar.check().data["accounts"][omar.account_id]["last_active_subscription"]
        omar.world.set_workspace(omar.account_id, cancellation_outcome="deactivate")
        entry = omar.check().data["accounts"][omar.account_id]
        assert entry["last_active_subscription"]["cancellation_outcome"] == "deactivate"
        assert omar.seats().data["cancellation_outcome"] == "deactivate"
        omar.world.shape(will_renew="missing", features="null")
        entry = omar.check().data["accounts"][omar.account_id]
        assert "will_renew" not in entry["last_active_subscription"]
        assert entry["features"] is None


class TestOneWorkspace:
    """Shapes may hold for one workspace alone."""

    def test_its_own_shapes_come_first(self, server, omar):
        other = Admin(server, 1)
        omar.world.shape(pool_held="null")
        omar.world.set_workspace(omar.account_id, shapes={"default_pool": "missing", "members_id": "bare"})
        assert [row["type"] for row in omar.seats().data["seat_capacity"]] == ["prolite"]
        assert not omar.members().data["items"][0]["id"].startswith("user-")
        assert [row["held"] for row in other.seats().data["seat_capacity"]] == [None, None]
        assert other.members().data["items"][0]["id"].startswith("user-")
        omar.world.set_workspace(omar.account_id, shapes={})
        assert len(omar.seats().data["seat_capacity"]) == 2

    def test_it_refuses_unknown_ones(self, omar):
        with pytest.raises(Refusal):
            omar.world.set_workspace(omar.account_id, shapes={"sofa": 1})


class TestSeats:
    @pytest.mark.parametrize(("form", "expected"), [("null", None), ("empty", [])])
    def test_the_capacity_may_be_nothing(self, omar, form, expected):
        omar.world.shape(seat_capacity=form)
        assert omar.seats().data["seat_capacity"] == expected

    @pytest.mark.parametrize("key", ["paid", "held", "available"])
    @pytest.mark.parametrize(("form", "expected"), [("string", True), ("null", True), ("missing", False)])
    def test_a_number_of_a_pool_in_each_form(self, omar, key, form, expected):
        omar.world.shape(**{f"pool_{key}": form})
        row = omar.seats().data["seat_capacity"][0]
        assert (key in row) is expected
        assert not isinstance(row.get(key), int)

    @pytest.mark.parametrize(("form", "expected"), [("zero", 0), ("text", "several")])
    def test_what_is_paid_may_be_zero_or_no_number(self, omar, form, expected):
        omar.world.shape(pool_paid=form)
        assert omar.seats().data["seat_capacity"][0]["paid"] == expected

    @pytest.mark.parametrize(("form", "expected"), [("zero", 0), ("null", None)])
    def test_the_entitlement_may_be_unknown(self, omar, form, expected):
        omar.world.shape(seats_entitled=form)
        assert omar.seats().data["seats_entitled"] == expected

    def test_parts_may_be_missing(self, omar):
        omar.world.shape(seats_entitled="missing", seat_capacity="missing", assigned="missing")
        assert not {"seats_entitled", "seat_capacity", "assigned"} & omar.seats().data.keys()

    def test_pending_invites_may_or_may_not_lower_what_is_available(self, omar):
        omar.invite(ANA)
        assert omar.seats().data["seat_capacity"][0]["available"] == 4
        omar.world.shape(available_counts_pending=True)
        assert omar.seats().data["seat_capacity"][0]["available"] == 3


class TestSessionJson:
    def test_parts_may_be_missing_or_more(self, omar):
        omar.world.shape(session_token_in_body=False, session_account=False, session_id_token=True)
        body = omar.session().data
        assert not {"sessionToken", "account"} & body.keys()
        assert body["idToken"].count(".") == 2

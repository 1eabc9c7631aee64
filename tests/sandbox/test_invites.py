from __future__ import annotations

import threading

import pytest

ROW_KEYS = {"id", "email_address", "role", "seat_type", "status", "created_time", "is_scim_managed", "creation_source"}
NEEDED = "1 additional seat needed. Add 1 additional seat to send this invite."


class TestInvite:
    def test_it_invites_and_answers_in_the_recorded_shape(self, omar):
        answer = omar.invite("ana@example.net", seat_type="default", flow_id="f", submission_id="s")
        assert answer.status == 200
        assert answer.data.keys() == {"account_invites", "errored_emails", "already_member_emails"}
        (row,) = answer.data["account_invites"]
        assert row.keys() == ROW_KEYS
        assert (row["email_address"], row["status"], row["role"]) == ("ana@example.net", 2, "standard-user")
        assert answer.data["errored_emails"] == answer.data["already_member_emails"] == []
        assert omar.state()["free"] == 3

    def test_it_takes_the_classic_body_without_the_new_fields(self, omar):
        body = {"email_addresses": ["ana@example.net"]}
        assert omar.ask("POST", omar.path("invites"), body=body).status == 200
        assert omar.pending() == ["ana@example.net"]

    def test_it_compares_addresses_trimmed_and_in_lower_case(self, omar):
        omar.invite("  Ana@Example.NET ")
        omar.invite("ana@example.net")
        assert omar.pending() == ["ana@example.net"]

    def test_it_returns_the_same_invite_again_and_mails_once_more(self, omar):
        first = omar.invite("ana@example.net").data["account_invites"][0]["id"]
        again = omar.invite("ana@example.net").data["account_invites"][0]["id"]
        quiet = omar.invite("ana@example.net", resend_emails=False).data["account_invites"][0]["id"]
        assert first == again == quiet
        assert [row["mails"] for row in omar.state()["invites"]] == [2]
        assert omar.state()["free"] == 3

    @pytest.mark.parametrize(
        ("email", "text"),
        [
            ("ana@refused.example", "Invalid email domain"),
            ("ana@sub.refused.example", "Invalid email domain"),
            ("ana", "Invalid email"),
            ("ana@example", "Invalid email"),
            ("ana smith@example.net", "Invalid email"),
            ("ana@exa..mple.net", "Invalid email"),
        ],
    )
    def test_it_lists_a_bad_address_as_errored(self, omar, email, text):
        answer = omar.invite(email, "sam@example.net")
        assert answer.status == 200
        assert answer.data["errored_emails"] == [{"email_address": email, "error": text}]
        assert omar.pending() == ["sam@example.net"]

    def test_it_lists_somebody_who_is_in_already(self, omar):
        omar.world.member(omar.account_id, "ana@example.net")
        answer = omar.invite("ana@example.net")
        assert answer.status == 200
        assert answer.data["already_member_emails"] == ["ana@example.net"]
        assert answer.data["account_invites"] == []
        assert omar.pending() == []

    @pytest.mark.parametrize("body", [{}, {"email_addresses": "ana@example.net"}, {"email_addresses": []}, [], None])
    def test_it_refuses_a_body_without_a_list_of_addresses(self, omar, body):
        answer = omar.ask("POST", omar.path("invites"), body=body)
        assert answer.status == 422
        assert isinstance(answer.data["detail"], list)

    @pytest.mark.parametrize("fields", [{"role": "king"}, {"seat_type": "sofa"}])
    def test_it_refuses_an_unknown_role_or_seat_type(self, omar, fields):
        assert omar.invite("ana@example.net", **fields).status == 422

    def test_it_counts_pending_invites_as_taken_seats(self, omar):
        for number in range(4):
            assert omar.invite(f"p{number}@example.net").status == 200
        answer = omar.invite("ana@example.net")
        assert (answer.status, answer.data) == (400, {"detail": NEEDED})
        assert len(omar.pending()) == 4

    def test_it_gives_all_addresses_a_seat_or_none(self, omar):
        answer = omar.invite(*(f"p{number}@example.net" for number in range(6)))
        assert answer.status == 400
        assert "2 additional seats needed" in answer.text
        assert omar.pending() == []

    def test_it_needs_no_seat_for_usage_based_or_known_people(self, omar):
        omar.world.set_workspace(omar.account_id, seats_entitled=2)
        omar.invite("ana@example.net")
        assert omar.invite("ana@example.net").status == 200
        assert omar.invite("sam@example.net", seat_type="usage_based").status == 200
        assert omar.invite("tim@example.net").status == 400

    def test_it_may_be_disabled_or_restricted_to_domains(self, omar):
        omar.world.set_workspace(omar.account_id, allowed_domains=["example.com"])
        answer = omar.invite("ana@example.net")
        assert (answer.status, answer.data["detail"]["code"]) == (403, "domain_restricted")
        omar.world.set_workspace(omar.account_id, allowed_domains=None, invites_disabled=True)
        assert omar.invite("ana@example.net").status == 403
        omar.world.set_workspace(omar.account_id, invites_disabled=False)
        assert omar.invite("ana@example.net").status == 200

    def test_it_throttles_each_workspace_by_itself(self, omar):
        omar.world.set_workspace(omar.account_id, invites_per_minute=1)
        assert omar.invite("ana@example.net").status == 200
        answer = omar.invite("sam@example.net")
        assert answer.status == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 60
        omar.world.advance(61)
        assert omar.invite("sam@example.net").status == 200

    def test_it_gives_the_last_seat_to_exactly_one_of_many_at_once(self, omar):
        omar.world.set_workspace(omar.account_id, seats_entitled=2)
        gate, statuses = threading.Barrier(12), []

        def race(number):
            gate.wait(10)
            statuses.append(omar.invite(f"racer{number}@example.net").status)

        threads = [threading.Thread(target=race, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sorted(statuses) == [200] + [400] * 11
        assert len(omar.pending()) == 1
        assert omar.state()["free"] == 0


class TestListInvites:
    def test_it_shows_pending_invites_page_by_page(self, omar):
        omar.world.set_workspace(omar.account_id, seats_entitled=40)
        omar.invite(*(f"p{number:02d}@example.net" for number in range(30)))
        page = omar.invites().data
        assert (len(page["items"]), page["total"], page["limit"], page["offset"]) == (25, 30, 25, 0)
        assert page["items"][0].keys() == ROW_KEYS
        rest = omar.invites("?offset=25").data
        assert len({row["id"] for row in page["items"] + rest["items"]}) == 30

    def test_it_shows_an_invite_only_after_the_lag(self, omar):
        omar.world.lag(45)
        omar.invite("ana@example.net")
        assert omar.listed_invites() == []
        assert omar.state()["free"] == 3
        omar.world.advance(46)
        assert omar.listed_invites() == ["ana@example.net"]

    def test_a_workspace_may_have_a_lag_of_its_own(self, omar):
        omar.world.lag(45)
        omar.world.set_workspace(omar.account_id, list_lag_seconds=0)
        omar.invite("ana@example.net")
        assert omar.listed_invites() == ["ana@example.net"]

    def test_it_may_show_an_invite_only_after_so_many_readings(self, omar):
        omar.world.set_workspace(omar.account_id, list_lag_reads=2)
        omar.invite("ana@example.net")
        assert [omar.listed_invites() for _ in range(3)] == [[], [], ["ana@example.net"]]

    def test_somebody_may_accept_before_ever_being_listed(self, omar):
        omar.world.lag(600)
        omar.invite("ana@example.net")
        omar.world.accept(omar.account_id, "ana@example.net", lag=0)
        assert omar.listed_invites() == []
        assert "ana@example.net" in omar.listed_members()

    def test_an_accepted_invite_may_linger(self, omar):
        omar.invite("ana@example.net")
        omar.world.accept(omar.account_id, "ana@example.net", linger=60)
        assert omar.listed_invites() == ["ana@example.net"]
        assert "ana@example.net" in omar.listed_members()
        omar.world.advance(61)
        assert omar.listed_invites() == []

    def test_it_has_no_join_requests(self, omar):
        omar.invite("ana@example.net")
        assert omar.invites("?include_pending=false&include_requests=true").data["items"] == []


class TestRevoke:
    def test_it_withdraws_by_email_and_frees_the_seat(self, omar):
        omar.invite("ana@example.net")
        answer = omar.revoke(" ANA@example.net")
        assert (answer.status, answer.data) == (200, {"success": True})
        assert omar.pending() == []
        assert omar.state()["free"] == 4

    def test_it_answers_404_for_an_unknown_invite(self, omar):
        assert omar.revoke("nobody@example.net").status == 404

    def test_it_refuses_a_body_without_an_address(self, omar):
        assert omar.ask("DELETE", omar.path("invites"), body={}).status == 422

    def test_it_does_not_touch_somebody_who_accepted_in_between(self, omar):
        omar.invite("ana@example.net")
        omar.world.accept(omar.account_id, "ana@example.net")
        assert omar.revoke("ana@example.net").status == 404
        assert "ana@example.net" in omar.people()

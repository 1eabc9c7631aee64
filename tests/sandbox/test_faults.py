"""The fault list of upstream §16.4, number by number, as a client meets it."""

from __future__ import annotations

import email.utils
import http.client
import json
import time

import pytest

from sandbox.preset_rows import EXCHANGE_ERRORS
from sandbox.presets import PRESETS
from sandbox.state import Refusal
from sandbox.tokens import decode
from tests.sandbox.client import COOKIE, Admin

ANA = "ana@example.net"
JSON = "application/json"
LOST = (http.client.HTTPException, OSError)
CLAIM = "https://api.openai.com/auth"


def deed(omar, op, **options):
    """Do what an op means, once; the same for every op."""
    deeds = {
        "members": omar.members,
        "invites": omar.invites,
        "invite": lambda **more: omar.invite(ANA, **more),
        "revoke": lambda: omar.revoke(ANA),
        "remove": lambda: omar.remove(omar.world.member(omar.account_id, ANA)["user_id"]),
        "account_check": omar.check,
        "subscription": omar.seats,
        "me": omar.me,
        "session": omar.session,
        "token": omar.refresh,
    }
    return deeds[op](**options)


def until(fact):
    """Wait for something that another thread is about to do."""
    end = time.perf_counter() + 10
    while not fact():
        assert time.perf_counter() < end, "it never happened"
        time.sleep(0.005)


def code_of(data):
    if "error" in data:
        return data["error"]["code"] if isinstance(data["error"], dict) else data["error"]
    return data["detail"].get("code") if isinstance(data["detail"], dict) else data["detail"]


class TestTransport:
    """Numbers 1 to 5."""

    def test_it_resets_before_the_work(self, omar):
        omar.world.fault("invite", "reset_before")
        with pytest.raises(ConnectionResetError):
            omar.invite(ANA)
        assert omar.pending() == []
        assert omar.invite(ANA).status == 200

    def test_it_resets_after_the_work(self, omar):
        omar.world.fault("invite", "reset_after")
        with pytest.raises(ConnectionResetError):
            omar.invite(ANA)
        assert omar.pending() == [ANA]

    def test_it_resets_in_the_middle_of_the_body(self, omar):
        omar.world.fault("members", "reset_mid_body")
        with pytest.raises(LOST):
            omar.members()

    def test_it_resets_a_connection_before_anything_is_read(self, omar):
        omar.world.fault("connect", times=2)
        for _ in range(2):
            with pytest.raises(LOST):
                omar.me()
        assert omar.me().status == 200
        assert len(omar.world.log()) == 1

    @pytest.mark.parametrize(("preset", "pending"), [("timeout_before", []), ("timeout_after", [ANA])])
    def test_it_hangs_before_or_after_the_work(self, omar, preset, pending):
        omar.world.fault("invite", {"preset": preset, "hang": 20})
        with pytest.raises(TimeoutError):
            omar.invite(ANA, timeout=0.2)
        until(lambda: omar.world.log(op="invite"))
        assert omar.pending() == pending

    def test_it_closes_without_an_answer_when_the_hang_is_over(self, omar):
        omar.world.fault("me", {"hang": 0.1})
        with pytest.raises(http.client.RemoteDisconnected):
            omar.me()

    def test_a_hang_blocks_nobody_else(self, omar):
        omar.world.fault("me", {"hang": 20})
        with pytest.raises(TimeoutError):
            omar.ask("GET", "/backend-api/me", timeout=0.1)
        started = time.perf_counter()
        assert omar.me().status == 200
        assert time.perf_counter() - started < 15

    def test_it_does_the_work_late_when_told_so(self, omar):
        omar.world.fault("invite", {"hang": 0.2}, apply_effect="after")
        with pytest.raises(http.client.RemoteDisconnected):
            omar.invite(ANA)
        until(omar.pending)
        assert omar.pending() == [ANA]
        assert omar.world.log(op="invite")[0]["effect_applied"] is True

    def test_it_trickles_the_whole_answer(self, omar):
        omar.world.fault("members", {"preset": "trickle", "trickle": 0.01})
        assert omar.members().data["total"] == 1

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    @pytest.mark.parametrize(("form", "content_type"), [("json", JSON), ("html", "text/html"), ("empty", JSON)])
    @pytest.mark.parametrize(("suffix", "pending"), [("", []), ("_after", [ANA])])
    def test_it_fails_on_the_server_before_or_after_the_work(self, omar, status, form, content_type, suffix, pending):
        omar.world.fault("invite", f"{status}_{form}{suffix}")
        answer = omar.invite(ANA)
        assert answer.status == status
        assert answer.headers["Content-Type"].startswith(content_type)
        assert (answer.text == "") is (form == "empty")
        assert omar.pending() == pending

    @pytest.mark.parametrize(
        ("preset", "text"),
        [
            ("200_invalid_json", '{"items": ['),
            ("200_empty", ""),
            ("200_null", "null"),
            ("200_array", "[]"),
            ("200_empty_object", "{}"),
        ],
    )
    def test_it_answers_200_with_something_useless(self, omar, preset, text):
        omar.world.fault("members", preset)
        answer = omar.members()
        assert (answer.status, answer.text) == (200, text)

    def test_it_answers_with_the_wrong_content_type(self, omar):
        omar.world.fault("members", "200_wrong_type")
        answer = omar.members()
        assert (answer.headers["Content-Type"], answer.data["total"]) == ("text/html", 1)

    def test_it_redirects_to_a_login_page(self, omar):
        omar.world.fault("me", "redirect_login")
        answer = omar.me()
        assert (answer.status, answer.headers["Location"]) == (302, "https://chatgpt.com/auth/login")


class TestEdge:
    """Number 6."""

    @pytest.mark.parametrize(
        ("preset", "status", "marker"),
        [
            ("html_403", 403, "Just a moment"),
            ("html_503", 503, "challenge-platform"),
            ("html_429", 429, "Enable JavaScript and cookies to continue"),
            ("html_200", 200, "_cf_chl_opt"),
            ("html_1020", 403, "1020"),
            ("html_with_code", 403, "seat_true_up_pending"),
        ],
    )
    @pytest.mark.parametrize("op", ["invite", "members", "token", "session"])
    def test_it_shows_a_block_page(self, omar, op, preset, status, marker):
        omar.world.fault(op, preset)
        answer = deed(omar, op)
        assert answer.status == status
        assert answer.headers["Content-Type"].startswith("text/html")
        assert answer.text.startswith("<")
        assert marker in answer.text
        assert omar.pending() == []


class TestAuth:
    """Numbers 7 to 10."""

    @pytest.mark.parametrize(
        ("preset", "envelope", "code"),
        [
            ("token_expired", "detail", "token_expired"),
            ("token_invalidated", "error", "token_invalidated"),
            ("token_revoked", "error", "token_revoked"),
            ("account_deactivated", "error", "account_deactivated"),
            ("unauthorized", "detail", "Unauthorized"),
            (
                "could_not_parse",
                "detail",
                "Could not parse your authentication token. Please try signing in again.",
            ),
            ("unknown_401", "detail", "This request could not be completed."),
        ],
    )
    def test_it_refuses_the_token_in_each_wording(self, omar, preset, envelope, code):
        omar.world.fault("members", preset)
        answer = omar.members()
        assert answer.status == 401
        assert envelope in answer.data
        assert code_of(answer.data) == code
        assert omar.members().status == 200

    def test_it_refuses_with_an_empty_401(self, omar):
        omar.world.fault("members", "empty_401")
        answer = omar.members()
        assert (answer.status, answer.text) == (401, "")

    def test_a_token_may_die_between_two_pages(self, omar):
        omar.world.fault("members", "kill_tokens")
        assert omar.members("?limit=1").status == 200
        assert omar.members("?limit=1&offset=1").data["error"]["code"] == "token_invalidated"

    def test_a_refreshed_token_may_be_dead_at_once(self, omar):
        omar.world.fault("token", "born_dead")
        omar.token = omar.refresh().data["access_token"]
        assert omar.me().status == 401

    def test_it_answers_200_with_an_error_body(self, omar):
        omar.world.fault("me", "200_token_expired")
        answer = omar.me()
        assert (answer.status, answer.data["detail"]["code"]) == (200, "token_expired")

    @pytest.mark.parametrize("status", [401, 403])
    @pytest.mark.parametrize("op", ["session", "token"])
    def test_a_new_token_may_need_time_to_settle(self, omar, op, status):
        omar.world.invalidate_tokens()
        omar.world.fault(op, f"unsettled_{status}")
        body = deed(omar, op).data
        omar.token = body.get("accessToken") or body.get("access_token")
        assert omar.me().status == status
        omar.world.advance(61)
        assert omar.me().status == 200

    def test_it_may_answer_me_as_an_anonymous_user(self, omar):
        omar.world.fault("me", "me_anonymous")
        answer = omar.me()
        assert answer.status == 200
        assert "email" not in answer.data


class TestWorkspace:
    """Numbers 11 to 14; the lasting forms are in test_members and test_accounts."""

    @pytest.mark.parametrize(
        ("op", "preset", "status", "code"),
        [
            ("members", "deactivated_402", 402, "deactivated_workspace"),
            ("members", "deactivated_403_code", 403, "deactivated_workspace"),
            (
                "members",
                "deactivated_403_text",
                403,
                "This workspace has been deactivated and can no longer be used.",
            ),
            ("invite", "delinquent_401", 401, "workspace_subscription_delinquent"),
            ("subscription", "role_401", 401, "You do not have permission to view this subscription"),
            (
                "subscription",
                "no_account_id_400",
                400,
                "must specify either organization_id or account_id",
            ),
            ("subscription", "no_subscription_404", 404, "No subscription found for account"),
            ("members", "workspace_404", 404, "workspace_not_found"),
            ("invite", "forbidden_403", 403, "You do not have permission to perform this action"),
            ("invite", "domain_restricted", 403, "domain_restricted"),
            ("token", "country_403", 403, "unsupported_country_region_territory"),
        ],
    )
    def test_it_refuses_for_the_workspace(self, omar, op, preset, status, code):
        omar.world.fault(op, preset)
        answer = deed(omar, op)
        assert (answer.status, code_of(answer.data)) == (status, code)
        assert omar.pending() == []


class TestInvite:
    """Numbers 15 to 19; 20 to 22 are in test_invites and test_control."""

    def test_a_ghost_is_no_invite_with_empty_lists(self, omar):
        omar.world.fault("invite", "ghost_a")
        answer = omar.invite(ANA)
        assert (answer.status, answer.data) == (200, {"account_invites": [], "errored_emails": []})
        assert omar.pending() == []

    def test_a_ghost_may_be_confirmed_and_never_listed(self, omar):
        omar.world.fault("invite", "ghost_b")
        assert omar.invite(ANA).data["account_invites"][0]["email_address"] == ANA
        assert omar.pending() == omar.listed_invites() == []
        assert omar.world.dump()["mails"] == 0
        assert omar.world.log(op="invite")[0]["effect_applied"] is False

    def test_a_ghost_may_have_invited_all_the_same(self, omar):
        omar.world.fault("invite", "ghost_c")
        assert omar.invite(ANA).data == {"account_invites": [], "errored_emails": []}
        assert omar.pending() == [ANA]
        assert omar.world.log(op="invite")[0]["effect_applied"] is True

    def test_the_invited_may_accept_at_once(self, omar):
        omar.world.lag(60)
        omar.world.fault("invite", "accept_after")
        assert omar.invite(ANA).data["account_invites"][0]["email_address"] == ANA
        assert omar.listed_invites() == []
        assert ANA in omar.listed_members()

    @pytest.mark.parametrize("way", ["fault", "shape"])
    @pytest.mark.parametrize(
        ("preset", "status", "text"),
        [
            ("seat_full_400", 400, "1 additional seat needed. Add 1 additional seat to send this invite."),
            ("seats_maximum", 400, "You have reached maximum number of seats"),
            ("seats_none", 403, "no seats available"),
            ("true_up_401", 401, "seat_true_up_pending"),
            ("true_up_400", 400, "seat_true_up_pending"),
            ("true_up_error", 401, "true-up"),
            ("true_up_detail", 401, "seat true_up required"),
            ("true_up_text", 401, "true-up"),
            ("full_422", 422, "full"),
        ],
    )
    def test_it_is_full_in_each_wording(self, omar, way, preset, status, text):
        if way == "fault":
            omar.world.fault("invite", preset)
        else:
            omar.world.shape(seat_full=preset)
            omar.world.set_workspace(omar.account_id, seats_entitled=1)
        answer = omar.invite(ANA)
        assert answer.status == status
        assert text in answer.text
        assert answer.headers["Content-Type"].startswith("text/plain" if preset == "true_up_text" else JSON)
        assert omar.pending() == []

    def test_a_true_up_may_have_sent_the_invite(self, omar):
        omar.world.fault("invite", "true_up_partial_sent")
        answer = omar.invite(ANA)
        assert (answer.status, answer.data["error"]["code"]) == (401, "seat_true_up_pending")
        assert answer.data["account_invites"][0]["email_address"] == ANA
        assert omar.pending() == [ANA]

    def test_a_true_up_may_name_the_address_it_did_not_invite(self, omar):
        omar.world.fault("invite", "true_up_partial_errored")
        answer = omar.invite(ANA)
        assert answer.data["error"]["code"] == "seat_true_up_pending"
        assert answer.data["errored_emails"][0]["email_address"] == ANA
        assert omar.pending() == []

    @pytest.mark.parametrize("way", ["fault", "shape"])
    @pytest.mark.parametrize(
        ("preset", "text"),
        [
            ("already_409_member", "already a member"),
            ("already_409_workspace", "Already in workspace"),
            ("already_409_team", "already in team"),
        ],
    )
    def test_it_refuses_a_member_in_each_wording(self, omar, way, preset, text):
        omar.world.member(omar.account_id, ANA)
        if way == "fault":
            omar.world.fault("invite", preset)
        else:
            omar.world.shape(already_member=preset)
        answer = omar.invite(ANA)
        assert answer.status == 409
        assert text in answer.data["detail"]

    @pytest.mark.parametrize(
        ("preset", "kind"), [("invalid_422_text", str), ("invalid_422_object", dict), ("invalid_422_list", list)]
    )
    def test_it_refuses_an_address_with_422(self, omar, preset, kind):
        omar.world.fault("invite", preset)
        answer = omar.invite(ANA)
        assert answer.status == 422
        assert isinstance(answer.data["detail"], kind)

    @pytest.mark.parametrize(
        ("preset", "expected"),
        [
            ("already_member_list", {"already_member_emails": [ANA]}),
            ("errored", {"errored_emails": [{"email_address": ANA, "error": "Invalid email domain"}]}),
            (
                "blocked",
                {"errored_emails": [{"email_address": ANA, "error": {"code": "blocked", "message": "blocked"}}]},
            ),
            (
                "foreign_email",
                {"account_invites": [{"email_address": "somebody.else@foreign.example", "status": 2}]},
            ),
        ],
    )
    def test_it_answers_200_without_an_invite(self, omar, preset, expected):
        omar.world.fault("invite", preset)
        answer = omar.invite(ANA)
        assert answer.status == 200
        assert answer.data == {"account_invites": [], "errored_emails": []} | expected
        assert omar.pending() == []

    def test_it_may_invite_only_the_first_of_a_batch(self, omar):
        omar.world.fault("invite", "partial_batch")
        answer = omar.invite(ANA, "sam@example.net")
        assert [row["email_address"] for row in answer.data["account_invites"]] == [ANA]
        assert answer.data["errored_emails"][0]["email_address"] == "sam@example.net"
        assert omar.pending() == [ANA]

    def test_it_may_name_one_address_in_both_lists(self, omar):
        omar.world.fault("invite", "both_lists")
        answer = omar.invite(ANA)
        assert answer.data["account_invites"][0]["email_address"] == ANA
        assert answer.data["errored_emails"][0]["email_address"] == ANA
        assert omar.pending() == [ANA]

    def test_it_may_change_case_and_whitespace_of_the_address(self, omar):
        omar.world.fault("invite", "echo_changed")
        said = omar.invite(ANA).data["account_invites"][0]["email_address"]
        assert said != ANA
        assert said.strip().lower() == ANA


class TestRemoval:
    """Numbers 23 and 24; the vacancy hold is in test_members."""

    def test_it_is_busy_so_often_and_then_removes(self, omar):
        omar.world.fault("remove", "busy_409", times=2)
        assert [deed(omar, "remove").status for _ in range(3)] == [409, 409, 200]
        assert ANA not in omar.people()

    @pytest.mark.parametrize(("preset", "status"), [("gone_404", 404), ("owner_403", 403)])
    def test_it_refuses_a_removal(self, omar, preset, status):
        omar.world.fault("remove", preset)
        assert deed(omar, "remove").status == status
        assert ANA in omar.people()

    @pytest.mark.parametrize("op", ["remove", "revoke"])
    def test_the_gone_may_stay_listed(self, omar, op):
        if op == "revoke":
            omar.invite(ANA)
        omar.world.fault(op, "remove_lingers")
        assert deed(omar, op).status == 200
        assert ANA in omar.listed_members() + omar.listed_invites()
        assert ANA not in omar.people() + omar.pending()
        omar.world.advance(121)
        assert ANA not in omar.listed_members() + omar.listed_invites()

    def test_somebody_may_accept_right_before_the_revocation(self, omar):
        omar.invite(ANA)
        omar.world.fault("revoke", "accept_first")
        assert omar.revoke(ANA).status == 404
        assert ANA in omar.people()


class TestRate:
    """Number 26."""

    @pytest.mark.parametrize(
        ("preset", "value"),
        [
            ("429", None),
            ("429_retry_60", "60"),
            ("429_zero", "0"),
            ("429_negative", "-5"),
            ("429_day", "86400"),
            ("429_garbage", "soon"),
        ],
    )
    def test_it_throttles_with_each_kind_of_retry_after(self, omar, preset, value):
        omar.world.fault("invite", preset)
        answer = omar.invite(ANA)
        assert (answer.status, answer.headers["Retry-After"]) == (429, value)
        assert omar.pending() == []

    def test_its_date_is_of_its_own_clock(self, omar):
        omar.world.advance(3600)
        omar.world.fault("invite", "429_http_date")
        until = email.utils.parsedate_to_datetime(omar.invite(ANA).headers["Retry-After"]).timestamp()
        assert until == pytest.approx(omar.world.now() + 60, abs=5)

    def test_it_may_throttle_after_the_work(self, omar):
        omar.world.fault("invite", "429_retry_60_after")
        assert omar.invite(ANA).status == 429
        assert omar.pending() == [ANA]


class TestSession:
    """Number 27."""

    @pytest.mark.parametrize(
        ("preset", "keys"),
        [("session_empty", set()), ("session_warning", {"WARNING_BANNER"}), ("session_error", {"error"})],
    )
    def test_it_may_be_dead(self, omar, preset, keys):
        omar.world.fault("session", preset)
        assert omar.session().data.keys() == keys
        assert omar.session().data["user"]["email"] == omar.email

    def test_it_may_be_dead_and_show_a_stale_token(self, omar):
        omar.world.fault("session", "session_error_stale")
        body = omar.session().data
        assert body["error"] == "RefreshAccessTokenError"
        assert body["accessToken"]

    @pytest.mark.parametrize("times", [1, 2, 0], ids=["once", "twice", "for good"])
    def test_it_may_be_odd_once_or_twice_or_for_good(self, omar, times):
        omar.world.fault("session", "session_error", times=times)
        said = ["error" in omar.session().data for _ in range(4)]
        assert said == [True] * (times or 4) + [False] * (4 - (times or 4))

    @pytest.mark.parametrize(("preset", "status"), [("session_401", 401), ("session_403", 403)])
    def test_it_may_refuse_the_cookie_by_a_code(self, omar, preset, status):
        omar.world.fault("session", preset)
        assert omar.session().status == status
        assert omar.session().status == 200

    @pytest.mark.parametrize(("name", "code"), [(name, code) for name, (code, _) in EXCHANGE_ERRORS.items()])
    @pytest.mark.parametrize("form", ["", "_text"])
    @pytest.mark.parametrize("beside", ["", "_with_token"])
    def test_it_may_fail_to_exchange_one_workspace_of_several(self, omar, name, code, form, beside):
        second = omar.world.workspace(omar.email)["account_id"]
        omar.world.fault("session", f"exchange_{name}{form}{beside}", account_id=second, times=0)
        for _ in range(2):
            body = omar.exchange(second).data
            error = body["workspaceTokenExchangeError"]
            assert (error if form else error["code"]) == code
            assert bool(body.get("accessToken")) == bool(beside)
            assert "workspaceTokenExchangeError" not in omar.exchange(omar.account_id).data
        assert omar.session().data["accessToken"]

    def test_a_failed_exchange_may_rotate_all_the_same(self, omar):
        omar.world.shape(session_rotation="cookie")
        omar.world.fault("session", "exchange_unknown")
        cookie = self.cookies(omar.exchange(omar.account_id))[0]
        assert omar.session(cookie).data["user"]["email"] == omar.email

    def test_it_may_return_another_workspace(self, omar):
        second = omar.world.workspace(omar.email)["account_id"]
        omar.world.fault("session", "session_wrong_workspace", times=2)
        assert omar.session().data["account"]["id"] == second
        body = omar.session(query=f"?exchange_workspace_token=true&workspace_id={second}").data
        assert decode(body["accessToken"])[CLAIM]["chatgpt_account_id"] == omar.account_id

    def test_it_may_return_a_personal_token_when_there_is_no_other(self, omar):
        omar.world.fault("session", "session_wrong_workspace")
        body = omar.session().data
        assert body["account"]["structure"] == "personal"
        assert "chatgpt_account_id" not in decode(body["accessToken"])[CLAIM]

    def test_it_may_return_somebody_elses_identity(self, omar):
        omar.world.fault("session", "session_other_identity")
        body = omar.session().data
        assert body["user"]["email"] != omar.email
        assert decode(body["accessToken"])["https://api.openai.com/profile"]["email"] != omar.email

    def cookies(self, answer):
        found = [cookie.partition(";")[0] for cookie in answer.headers.get_all("Set-Cookie")]
        return [cookie for cookie in found if cookie.startswith(COOKIE)]

    def test_it_may_rotate_with_a_chunk_missing(self, omar):
        omar.world.fault("session", "session_chunk_missing")
        cookies = self.cookies(omar.session())
        assert [cookie.partition("=")[0] for cookie in cookies] == [f"{COOKIE}.0", f"{COOKIE}.2"]
        assert omar.session("; ".join(cookies)).data == {}

    def test_it_may_rotate_with_the_chunks_out_of_order(self, omar):
        omar.world.fault("session", "session_chunks_unordered")
        cookies = self.cookies(omar.session())
        names = [cookie.partition("=")[0] for cookie in cookies]
        assert names.index(f"{COOKIE}.10") < names.index(f"{COOKIE}.9")
        assert omar.session("; ".join(cookies)).data["user"]["email"] == omar.email

    @pytest.mark.parametrize(
        ("preset", "in_body", "in_cookie"),
        [
            ("rotate_body", True, False),
            ("rotate_cookie", False, True),
            ("rotate_both", True, True),
            ("rotate_different", True, True),
        ],
    )
    def test_it_may_rotate(self, omar, preset, in_body, in_cookie):
        omar.world.fault("session", preset)
        answer = omar.session()
        cookies = self.cookies(answer)
        assert (answer.data["sessionToken"] != omar.credentials["session_token"]) is in_body
        assert bool(cookies) is in_cookie
        if preset == "rotate_different":
            assert cookies[0] != f"{COOKIE}={answer.data['sessionToken']}"


class TestOAuth:
    """Numbers 28 and 29; 30 is in test_oauth."""

    @pytest.mark.parametrize(
        ("preset", "status", "code"),
        [
            ("refresh_token_reused", 401, "refresh_token_reused"),
            ("refresh_token_invalidated", 401, "refresh_token_invalidated"),
            ("refresh_token_expired", 401, "refresh_token_expired"),
            ("oauth_token_expired", 401, "token_expired"),
            ("refresh_token_revoked", 401, "refresh_token_revoked"),
            ("invalid_refresh_token", 401, "invalid_refresh_token"),
            ("app_session_terminated", 401, "app_session_terminated"),
            ("oauth_account_deactivated", 401, "account_deactivated"),
            ("invalid_grant", 400, "invalid_grant"),
            ("invalid_client", 401, "invalid_client"),
            ("unauthorized_client", 400, "unauthorized_client"),
            ("missing_required_parameter", 400, "missing_required_parameter"),
            ("country_403", 403, "unsupported_country_region_territory"),
            ("429", 429, "Too many requests"),
            ("500", 500, "Internal Server Error"),
        ],
    )
    def test_it_refuses_and_leaves_the_token_alone(self, omar, preset, status, code):
        omar.world.fault("token", preset)
        answer = omar.refresh()
        assert (answer.status, code_of(answer.data)) == (status, code)
        assert omar.refresh().status == 200

    def test_the_rotated_token_may_get_lost(self, omar):
        omar.world.fault("token", "reset_after")
        with pytest.raises(LOST):
            omar.refresh()
        assert omar.refresh().data["error"]["code"] == "refresh_token_reused"

    def test_it_may_keep_the_old_refresh_token(self, omar):
        omar.world.fault("token", "no_refresh_token")
        body = omar.refresh().data
        assert "refresh_token" not in body
        assert body["access_token"]
        assert omar.refresh().status == 200

    @pytest.mark.parametrize("key", ["access_token", "expires_in"])
    def test_it_may_leave_something_out(self, omar, key):
        omar.world.fault("token", f"no_{key}")
        body = omar.refresh().data
        assert key not in body
        assert body["refresh_token"]

    def test_the_new_token_may_be_somebody_elses(self, omar):
        omar.world.fault("token", "oauth_other_identity")
        body = omar.refresh().data
        assert decode(body["access_token"])[CLAIM]["chatgpt_user_id"] != omar.credentials["user_id"]
        omar.token = omar.refresh(body["refresh_token"]).data["access_token"]
        assert omar.me().data["email"] == omar.email


class TestMatching:
    def test_it_strikes_only_the_op_workspace_and_person_named(self, server, omar):
        other = Admin(server, 1)
        omar.world.fault("invite", "500", account_id=omar.account_id, email=" ANA@example.net")
        assert other.invite(ANA).status == 200
        assert omar.invite("sam@example.net").status == 200
        assert omar.invite(ANA).status == 500

    def test_it_matches_the_person_of_each_op(self, server, omar):
        ana = omar.world.member(omar.account_id, ANA)
        omar.invite("sam@example.net")
        omar.world.fault("remove", "500", email=ANA)
        omar.world.fault("revoke", "500", email="sam@example.net")
        for op in ("me", "session", "token"):
            omar.world.fault(op, "500", email=omar.email)
        other = Admin(server, 1)
        assert [other.me().status, other.session().status, other.refresh().status] == [200] * 3
        assert [omar.remove(ana["user_id"]).status, omar.revoke("sam@example.net").status] == [500, 500]
        assert [omar.me().status, omar.session().status, omar.refresh().status] == [500] * 3

    def test_it_strikes_the_nth_call_so_many_times(self, omar):
        omar.world.fault("me", "500", nth=2, times=2)
        assert [omar.me().status for _ in range(5)] == [200, 500, 500, 200, 200]

    def test_it_strikes_until_cleared(self, omar):
        omar.world.fault("*", "500", times=0)
        assert [omar.me().status, omar.members().status, omar.session().status] == [500] * 3
        assert omar.world.clear_faults() == {"cleared": 1}
        assert omar.me().status == 200

    def test_the_first_in_the_queue_strikes_first(self, omar):
        omar.world.fault("me", "500")
        omar.world.fault("me", "502")
        assert [omar.me().status for _ in range(3)] == [500, 502, 200]

    def test_a_raw_action_may_be_anything(self, omar):
        omar.world.fault(
            "me", {"status": 418, "body": {"odd": 1}, "headers": {"X-Odd": "1"}, "content_type": "application/odd"}
        )
        answer = omar.me()
        assert (answer.status, answer.data, answer.headers["X-Odd"]) == (418, {"odd": 1}, "1")
        assert answer.headers["Content-Type"] == "application/odd"

    def test_an_edit_changes_the_normal_answer(self, omar):
        omar.world.fault("members", {"edit": {"set": {"total": "many"}, "drop": ["limit"]}})
        body = omar.members().data
        assert body["total"] == "many"
        assert "limit" not in body

    @pytest.mark.parametrize(
        "order",
        [
            {"op": "dance", "action": "500"},
            {"op": "me", "action": "no such preset"},
            {"op": "me", "action": {"statuss": 500}},
            {"op": "me", "action": {}},
            {"op": "me", "action": "500", "nth": 0},
            {"op": "me", "action": "500", "apply_effect": "perhaps"},
        ],
    )
    def test_it_refuses_what_is_not_in_the_vocabulary(self, omar, order):
        with pytest.raises(Refusal):
            omar.world.fault(**order)

    @pytest.mark.parametrize("name", sorted(PRESETS))
    @pytest.mark.parametrize("op", ["invite", "members", "session", "token"])
    def test_every_preset_strikes_every_kind_of_op_without_breaking(self, omar, op, name):
        action = {"preset": name}
        if name.startswith("timeout"):
            action["hang"] = 0.01
        if name == "trickle":
            action["trickle"] = 0.001
        omar.world.fault(op, action)
        try:
            answer = deed(omar, op)
        except LOST:
            assert name.startswith(("timeout", "reset"))
        else:
            assert "the sandbox itself failed" not in answer.text
        entry = omar.world.log()[-1]
        assert (entry["op"], entry["fault"]) == (op, name)
        json.dumps(entry)

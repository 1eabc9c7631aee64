from __future__ import annotations

import pytest

from sandbox.clients import WEB
from sandbox.tokens import decode
from tests.sandbox.client import COOKIE, Admin

AUTH = "https://api.openai.com/auth"


def chunked(token, size=300):
    parts = [token[start : start + size] for start in range(0, len(token), size)]
    return {f"{COOKIE}.{number}": part for number, part in enumerate(parts)}


def header(cookies):
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


class TestSession:
    def test_it_answers_in_the_recorded_shape(self, omar):
        body = omar.session().data
        assert body.keys() == {"user", "expires", "account", "accessToken", "authProvider", "sessionToken"}
        assert body["user"]["email"] == omar.email
        assert body["user"]["id"] == omar.credentials["user_id"]
        assert (body["account"]["id"], body["account"]["planType"]) == (omar.account_id, "team")
        assert body["account"]["organizationId"].startswith("org-")
        assert body["sessionToken"] == omar.credentials["session_token"]

    def test_it_answers_exactly_what_the_credentials_show(self, omar):
        assert omar.session().data == omar.credentials["session_json"]

    def test_its_token_works_and_carries_the_claims(self, omar):
        omar.token = omar.session().data["accessToken"]
        assert omar.me().data["email"] == omar.email
        claims = decode(omar.token)
        assert claims["exp"] - claims["iat"] == 10 * 86400
        assert claims["client_id"] == WEB
        assert claims["https://api.openai.com/profile"]["email"] == omar.email
        assert claims[AUTH]["chatgpt_account_id"] == omar.account_id
        assert claims[AUTH]["chatgpt_user_id"] == omar.credentials["user_id"]
        assert claims[AUTH]["poid"].startswith("org-")

    def test_it_joins_a_chunked_cookie_in_numeric_order(self, omar):
        chunks = chunked(omar.credentials["session_token"], 60)
        assert len(chunks) > 11
        in_text_order = dict(sorted(chunks.items()))
        assert omar.session(header(in_text_order)).data["user"]["email"] == omar.email

    def test_it_takes_the_other_name_of_the_cookie(self, omar):
        cookie = f"__Secure-authjs.session-token={omar.credentials['session_token']}"
        assert omar.session(cookie).data["user"]["email"] == omar.email

    def test_it_is_empty_without_a_good_cookie(self, omar):
        chunks = chunked(omar.credentials["session_token"])
        del chunks[f"{COOKIE}.1"]
        assert omar.session("").data == {}
        assert omar.session(f"{COOKIE}=wrong").data == {}
        assert omar.session(header(chunks)).data == {}

    def test_it_is_empty_after_three_months(self, omar):
        omar.world.advance(91 * 86400)
        assert omar.session().data == {}

    def test_it_may_be_killed_in_each_way(self, server):
        for session_as, body in (
            ("empty", {}),
            ("warning", {"WARNING_BANNER": {"text": "Do not share this page."}}),
            ("error", {"error": "RefreshAccessTokenError"}),
        ):
            server.world.reset()
            owner = Admin(server)
            owner.world.invalidate_tokens(owner.email, access=False, session=True, session_as=session_as)
            assert owner.session().data == body
            assert owner.me().status == 200

    def test_it_makes_a_new_token_once_the_old_one_died(self, omar):
        omar.world.invalidate_tokens(omar.email)
        fresh = omar.session().data["accessToken"]
        assert fresh != omar.token
        omar.token = fresh
        assert omar.me().status == 200


class TestExchange:
    def test_it_scopes_the_token_to_the_workspace_asked_for(self, omar):
        second = omar.world.workspace(omar.email)["account_id"]
        query = f"?exchange_workspace_token=true&workspace_id={second}&reason=setCurrentAccount"
        body = omar.session(query=query).data
        assert body["account"]["id"] == second
        assert decode(body["accessToken"])[AUTH]["chatgpt_account_id"] == second
        assert omar.session().data["account"]["id"] == omar.account_id

    def test_a_token_works_for_all_workspaces_of_its_login(self, omar):
        second = omar.world.workspace(omar.email)["account_id"]
        assert omar.ask("GET", f"/backend-api/accounts/{second}/users").status == 200

    def test_it_silently_keeps_another_workspace_when_refused(self, omar):
        other = omar.world.dump()["workspaces"][1]["account_id"]
        body = omar.session(query=f"?exchange_workspace_token=true&workspace_id={other}").data
        assert body["account"]["id"] == omar.account_id

    @pytest.mark.parametrize(
        ("honours", "reason", "account", "is_for_it"),
        [
            ("query", "account_switcher", None, True),
            ("cookie", "account_switcher", None, False),
            ("cookie", "account_switcher", "second", True),
            ("account_switcher", "account_switcher", None, True),
            ("account_switcher", "setCurrentAccountWithoutRedirect", "second", False),
            ("setCurrentAccountWithoutRedirect", "setCurrentAccountWithoutRedirect", None, True),
            ("parent", "account_switcher", "second", False),
        ],
    )
    def test_it_may_honour_one_thing_only(self, omar, honours, reason, account, is_for_it):
        second = omar.world.workspace(omar.email)["account_id"]
        omar.world.shape(session_exchange=honours)
        body = omar.exchange(second, reason=reason, account=second if account else None).data
        assert body["account"]["id"] == (second if is_for_it else omar.account_id)
        assert decode(body["accessToken"])[AUTH]["chatgpt_account_id"] == body["account"]["id"]

    def test_it_may_answer_for_the_personal_account_while_the_given_token_works(self, omar):
        omar.world.shape(session_exchange="personal")
        body = omar.exchange(omar.account_id).data
        assert body["account"]["structure"] == "personal"
        assert "chatgpt_account_id" not in decode(body["accessToken"])[AUTH]
        assert omar.members().status == 200

    def test_the_cookie_says_where_a_plain_call_stands(self, omar):
        second = omar.world.workspace(omar.email)["account_id"]
        cookie = f"{COOKIE}={omar.credentials['session_token']}; _account={second}"
        assert omar.session(cookie).data["account"]["id"] == second

    def test_the_log_tells_reason_and_cookie(self, omar):
        second = omar.world.workspace(omar.email)["account_id"]
        omar.exchange(second, account=second)
        omar.session()
        exchange, plain = omar.world.log(op="session")
        told = ("account_id", "reason", "account_cookie", "failed_iat")
        assert [exchange[key] for key in told] == [second, "account_switcher", second, None]
        assert [plain[key] for key in told] == [None] * 4


class TestCache:
    """A dead token that is handed out again, until a forced refresh or for good."""

    def iat(self, token):
        return decode(token)["iat"]

    def test_it_hands_out_a_dead_token_until_it_is_forced(self, omar):
        omar.world.shape(session_cache="until_forced")
        omar.world.invalidate_tokens(omar.email)
        for answer in (omar.session(), omar.exchange(omar.account_id)):
            assert answer.data["accessToken"] == omar.token
        fresh = omar.force(self.iat(omar.token)).data["accessToken"]
        assert fresh != omar.token
        assert omar.exchange(omar.account_id).data["accessToken"] == fresh
        assert omar.world.log(op="session")[2]["failed_iat"] == str(self.iat(omar.token))
        omar.token = fresh
        assert omar.me().status == 200

    @pytest.mark.parametrize("iat", ["", "1", "soon"])
    def test_forcing_names_a_token_of_theirs(self, omar, iat):
        omar.world.shape(session_cache="until_forced")
        omar.world.invalidate_tokens(omar.email)
        assert omar.force(iat).data["accessToken"] == omar.token

    def test_it_may_be_beyond_forcing(self, omar):
        omar.world.shape(session_cache="for_good")
        omar.world.invalidate_tokens(omar.email)
        assert omar.force(self.iat(omar.token)).data["accessToken"] == omar.token
        assert omar.exchange(omar.account_id).data["accessToken"] == omar.token

    def test_one_workspace_may_be_cached_alone(self, omar):
        second = omar.world.workspace(omar.email)["account_id"]
        stuck = omar.exchange(second).data["accessToken"]
        omar.world.set_workspace(second, shapes={"session_cache": "until_forced"})
        omar.world.invalidate_tokens(omar.email)
        assert omar.exchange(second).data["accessToken"] == stuck
        assert omar.session().data["accessToken"] != omar.token

    def test_a_plan_change_kills_what_it_goes_on_handing_out(self, omar):
        omar.world.set_workspace(omar.account_id, changes_kill_tokens=True)
        omar.world.shape(session_cache="until_forced")
        omar.world.buy_seats(omar.account_id)
        assert omar.members().status == 401
        assert omar.session().data["accessToken"] == omar.token


class TestRotation:
    def set_cookies(self, answer):
        return [value for value in answer.headers.get_all("Set-Cookie", []) if value.startswith(COOKIE)]

    def test_it_rotates_nothing_by_default(self, omar):
        assert self.set_cookies(omar.session()) == []

    def test_it_rotates_by_body_or_cookie_or_both(self, omar):
        old = omar.credentials["session_token"]
        for kind, in_body, in_cookie in (("body", True, False), ("cookie", False, True), ("both", True, True)):
            omar.world.shape(session_rotation=kind)
            answer = omar.session()
            cookies = self.set_cookies(answer)
            assert (answer.data["sessionToken"] != old) is in_body
            assert bool(cookies) is in_cookie
            for cookie in cookies:
                assert omar.session(cookie.partition(";")[0]).data["user"]["email"] == omar.email
        assert cookies[0].partition(";")[0] == f"{COOKIE}={answer.data['sessionToken']}"

    def test_both_may_differ_and_both_are_good(self, omar):
        omar.world.shape(session_rotation="both_different")
        answer = omar.session()
        by_cookie = self.set_cookies(answer)[0].partition(";")[0]
        assert by_cookie != f"{COOKIE}={answer.data['sessionToken']}"
        assert omar.session(by_cookie).data["user"]["email"] == omar.email
        assert omar.session(f"{COOKIE}={answer.data['sessionToken']}").data["user"]["email"] == omar.email

    def test_a_long_token_comes_in_chunks_without_the_bare_name(self, omar):
        omar.world.shape(session_rotation="cookie", session_token_length=9000)
        cookies = self.set_cookies(omar.session())
        assert [cookie.partition("=")[0] for cookie in cookies] == [f"{COOKIE}.{n}" for n in range(3)]
        joined = "; ".join(cookie.partition(";")[0] for cookie in cookies)
        assert omar.session(joined).data["user"]["email"] == omar.email

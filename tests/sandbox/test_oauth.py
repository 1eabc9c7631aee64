from __future__ import annotations

import threading

import pytest

from sandbox.clients import CODEX, IOS, PLATFORM, USUAL, WEB
from sandbox.errors import DEAD_REFRESH
from sandbox.state import Refusal
from sandbox.tokens import decode
from tests.sandbox.client import Admin, ask


def code_of(answer) -> str:
    error = answer.data["error"]
    return error if isinstance(error, str) else error["code"]


class TestRefresh:
    def test_it_buys_a_token_set_in_the_recorded_shape(self, omar):
        answer = omar.refresh(scope="openid profile email")
        assert answer.status == 200
        assert answer.data.keys() == {
            "access_token",
            "refresh_token",
            "id_token",
            "token_type",
            "expires_in",
            "scope",
        }
        assert answer.data["expires_in"] == 863999
        assert decode(answer.data["id_token"])["email"] == omar.email
        omar.token = answer.data["access_token"]
        assert omar.me().status == 200

    def test_it_takes_a_form_too(self, omar):
        assert omar.refresh(form=True).status == 200

    def test_it_rotates_and_punishes_a_replay(self, omar):
        fresh = omar.refresh().data["refresh_token"]
        assert fresh != omar.credentials["refresh_token"]
        answer = omar.refresh()
        assert (answer.status, answer.data["error"]["code"]) == (401, "refresh_token_reused")
        assert omar.refresh(fresh).status == 200

    def test_a_replay_may_cost_the_whole_grant(self, omar):
        omar.world.shape(reuse_revokes_grant=True)
        fresh = omar.refresh().data["refresh_token"]
        omar.refresh()
        assert omar.refresh(fresh).data["error"]["code"] == "refresh_token_invalidated"

    def test_it_punishes_the_second_of_two_at_once(self, omar):
        gate, answers = threading.Barrier(2), []

        def race():
            gate.wait(10)
            answers.append(omar.refresh())

        threads = [threading.Thread(target=race) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sorted(answer.status for answer in answers) == [200, 401]

    @pytest.mark.parametrize(
        ("shape", "status"), [("token_expired", 401), ("invalid_client", 401), ("unauthorized_client", 400)]
    )
    def test_it_binds_the_token_to_its_client(self, omar, shape, status):
        omar.world.shape(wrong_client=shape)
        for other in (PLATFORM, IOS, WEB):
            answer = omar.refresh(client_id=other)
            assert (answer.status, code_of(answer)) == (status, shape)
        assert omar.refresh(client_id=CODEX).status == 200

    def test_it_knows_neither_every_client_nor_every_token(self, omar):
        assert code_of(omar.refresh(client_id="app_Other")) == "invalid_client"
        assert code_of(omar.refresh("rt_unknown")) == "token_expired"
        assert omar.refresh().status == 200

    @pytest.mark.parametrize("client_id", ["", None])
    def test_it_wants_a_client_id(self, omar, client_id):
        answer = omar.refresh(client_id=client_id)
        assert (answer.status, code_of(answer)) == (400, "missing_required_parameter")

    @pytest.mark.parametrize("code", DEAD_REFRESH)
    def test_it_refuses_a_dead_token_by_its_code(self, omar, code):
        omar.world.invalidate_tokens(omar.email, refresh=True, refresh_as=code)
        assert (omar.refresh().status, code_of(omar.refresh())) == (401, code)

    def test_the_log_tells_the_client_of_each_refresh(self, omar):
        omar.refresh(client_id=IOS)
        omar.refresh()
        assert [entry["client_id"] for entry in omar.world.log(op="token")] == [IOS, CODEX]


class TestClients:
    @pytest.mark.parametrize("client_id", USUAL)
    def test_a_login_may_have_a_token_set_of_any_usual_client(self, server, omar, client_id):
        pair = omar.world.token_set(omar.email, client_id)
        assert decode(pair["access_token"])["client_id"] == pair["client_id"] == client_id
        shown = Admin(server).credentials
        assert (shown["refresh_token"], shown["client_id"]) == (pair["refresh_token"], client_id)
        fresh = omar.refresh(pair["refresh_token"], client_id=client_id).data
        assert decode(fresh["access_token"])["client_id"] == client_id

    def test_the_web_session_names_the_web_client_and_has_no_refresh_token(self, omar):
        body = omar.session().data
        assert decode(body["accessToken"])["client_id"] == WEB
        assert "refresh" not in str(body.keys()).lower()
        omar.refresh()
        assert omar.session().data["accessToken"] == body["accessToken"]
        with pytest.raises(Refusal):
            omar.world.token_set(omar.email, WEB)

    def test_it_refuses_a_revoked_grant(self, omar):
        omar.world.invalidate_tokens(omar.email, refresh=True)
        assert omar.refresh().data["error"]["code"] == "refresh_token_invalidated"

    def test_it_refuses_what_is_no_refresh(self, server, omar):
        assert omar.refresh(grant_type="password").data["error"] == "unsupported_grant_type"
        assert omar.refresh(refresh_token="").status == 400
        assert ask(server, "POST", "/oauth/token", headers={"Content-Type": "application/json"}).status == 400

    def test_the_credentials_show_the_newest_token(self, omar):
        fresh = omar.refresh().data["refresh_token"]
        assert Admin(omar.server).credentials["refresh_token"] == fresh

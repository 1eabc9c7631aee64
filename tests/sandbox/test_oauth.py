from __future__ import annotations

import threading

from sandbox.tokens import decode
from tests.sandbox.client import Admin, ask


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

    def test_it_binds_the_token_to_its_client(self, server, omar):
        assert omar.refresh(client_id="app_Other").data["error"] == "invalid_client"
        assert omar.refresh("rt_unknown").data["error"] == "invalid_grant"
        assert omar.refresh().status == 200

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

from __future__ import annotations

from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sandbox.codes import CLIENTS, LIFETIME, challenge_of
from sandbox.tokens import decode
from tests.sandbox.client import Admin, ask

CLIENT_ID, REDIRECT_URI = next(iter(CLIENTS.items()))
VERIFIER = "v" * 43
ASKED = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": REDIRECT_URI,
    "scope": "openid profile email offline_access",
    "code_challenge": challenge_of(VERIFIER),
    "code_challenge_method": "S256",
    "state": "state-of-the-test",
    "prompt": "login",
}


def path(**changes):
    return "/oauth/authorize?" + urlencode({key: value for key, value in (ASKED | changes).items() if value})


def landed(answer):
    assert answer.status == 303, answer.text
    where = urlsplit(answer.headers["Location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == REDIRECT_URI
    return {key: value[0] for key, value in parse_qs(where.query).items()}


def code_of(server, email="owner1@example.com", **fields):
    found = landed(ask(server, "POST", path(), form={"email": email, **fields}))
    assert found["state"] == ASKED["state"]
    return found["code"]


def exchange(server, code, /, *, form=False, **changes):
    sent = {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    } | changes
    return ask(server, "POST", "/oauth/token", **{"form" if form else "body": sent})


class TestThePage:
    def test_it_offers_every_log_in(self, server):
        answer = ask(server, "GET", path())
        assert answer.status == 200
        assert "owner1@example.com" in answer.text
        assert "owner2@example.com" in answer.text

    def test_it_lands_with_a_code_and_the_state(self, server):
        assert code_of(server).startswith("ac_sandbox.")

    def test_it_lands_with_a_refusal(self, server):
        found = landed(ask(server, "POST", path(), form={"error": "access_denied"}))
        assert found["error"] == "access_denied"
        assert "denied" in found["error_description"]
        assert found["state"] == ASKED["state"]
        assert "code" not in found

    def test_it_asks_again_only_for_prompt_login(self, server):
        first = ask(server, "POST", path(), form={"email": "owner2@example.com"})
        cookie = {"Cookie": first.headers["Set-Cookie"].partition(";")[0]}
        assert ask(server, "GET", path(), headers=cookie).status == 200
        found = landed(ask(server, "GET", path(prompt=""), headers=cookie))
        assert decode(exchange(server, found["code"]).data["id_token"])["email"] == "owner2@example.com"

    @pytest.mark.parametrize(
        "changes",
        [
            {"client_id": "app_Other"},
            {"redirect_uri": "http://localhost:1455/elsewhere"},
            {"redirect_uri": "https://evil.example/auth/callback"},
            {"response_type": "token"},
            {"scope": "openid"},
            {"code_challenge": "short"},
            {"code_challenge_method": "plain"},
            {"state": ""},
        ],
    )
    def test_it_sends_nobody_on_from_a_wrong_address(self, server, changes):
        for answer in (
            ask(server, "GET", path(**changes)),
            ask(server, "POST", path(**changes), form={"email": "owner1@example.com"}),
        ):
            assert answer.status == 400
            assert "Location" not in answer.headers

    def test_it_knows_only_log_ins(self, server):
        assert ask(server, "POST", path(), form={"email": "nobody@example.com"}).status == 400

    def test_a_banned_log_in_lands_with_a_refusal(self, server, world):
        world.ban("owner1@example.com")
        assert landed(ask(server, "POST", path(), form={"email": "owner1@example.com"}))["error"] == "access_denied"


class TestTheExchange:
    @pytest.mark.parametrize("form", [False, True])
    def test_it_buys_a_token_set_bound_to_this_client(self, server, omar, form):
        answer = exchange(server, code_of(server), form=form)
        assert answer.status == 200
        assert answer.data.keys() == {"access_token", "refresh_token", "id_token", "token_type", "expires_in", "scope"}
        assert decode(answer.data["access_token"])["client_id"] == CLIENT_ID
        omar.token = answer.data["access_token"]
        assert omar.members().status == 200
        fresh = answer.data["refresh_token"]
        assert omar.refresh(fresh, client_id="app_2SKx67EdpoN0G6j64rFvigXD").status != 200
        assert omar.refresh(fresh, client_id=CLIENT_ID).status == 200

    def test_the_token_claims_the_workspace_that_was_chosen(self, server, world):
        account_id = world.workspace("owner1@example.com")["account_id"]
        answer = exchange(server, code_of(server, account_id=account_id))
        claims = decode(answer.data["access_token"])["https://api.openai.com/auth"]
        assert claims["chatgpt_account_id"] == account_id

    def test_the_other_credentials_of_the_log_in_stay(self, server, omar):
        exchange(server, code_of(server))
        assert omar.refresh().status == 200
        assert decode(Admin(server).token)["client_id"] != CLIENT_ID

    def test_a_code_is_good_once_and_costs_the_grant_when_it_comes_again(self, server, omar):
        code = code_of(server)
        fresh = exchange(server, code).data["refresh_token"]
        again = exchange(server, code)
        assert (again.status, again.data["error"]) == (400, "invalid_grant")
        assert omar.refresh(fresh, client_id=CLIENT_ID).data["error"]["code"] == "refresh_token_invalidated"

    def test_a_code_lasts_some_minutes(self, server, world):
        code = code_of(server)
        world.advance(LIFETIME)
        assert exchange(server, code).data["error"] == "invalid_grant"

    @pytest.mark.parametrize(
        "changes",
        [
            {"code_verifier": "w" * 43},
            {"code_verifier": ""},
            {"code_verifier": None},
            {"redirect_uri": "http://localhost:1455/"},
            {"client_id": "app_Other"},
            {"code": "ac_unknown"},
            {"code": None},
        ],
    )
    def test_it_refuses_another_verifier_address_client_or_code(self, server, changes):
        code = code_of(server)
        answer = exchange(server, code, **changes)
        assert (answer.status, answer.data["error"]) == (400, "invalid_grant")
        assert exchange(server, code).status == 200

    def test_it_refuses_a_banned_person(self, server, world):
        code = code_of(server)
        world.ban("owner1@example.com")
        assert exchange(server, code).data["error"]["code"] == "account_deactivated"


class TestTheOrder:
    def test_it_signs_in_without_a_browser(self, server, world):
        landing = world.sign_in(f"{server.url}{path()}", "owner2@example.com")["landing"]
        found = {key: value[0] for key, value in parse_qs(urlsplit(landing).query).items()}
        assert found["state"] == ASKED["state"]
        assert decode(exchange(server, found["code"]).data["id_token"])["email"] == "owner2@example.com"

    def test_it_refuses_as_the_person_would(self, server, world):
        landing = world.sign_in(path(), error="access_denied", description="No.")["landing"]
        assert "error=access_denied" in landing
        assert "code=" not in landing

    def test_it_says_what_is_wrong(self, server):
        body = {"address": path(client_id="app_Other"), "email": "owner1@example.com"}
        answer = ask(server, "POST", "/__sandbox__/sign_in", body=body)
        assert answer.status == 400
        assert "invalid_client" in answer.data["error"]


def test_the_journal_tells_it_without_secrets(server, world):
    ask(server, "GET", path())
    code = code_of(server)
    exchange(server, code)
    exchange(server, code)
    asked, chosen = world.log(op="authorize")
    assert (asked["method"], asked["status"]) == ("GET", 200)
    assert (chosen["method"], chosen["status"], chosen["effect_applied"]) == ("POST", 303, True)
    first, again = world.log(op="token")
    assert (first["status"], first["effect_applied"], first["login"]) == (200, True, "owner1@example.com")
    assert (again["status"], again["effect_applied"]) == (400, False)
    assert first["body"]["code"] == again["body"]["code"]
    told = str(world.log())
    for secret in (code, VERIFIER, ASKED["state"]):
        assert secret not in told

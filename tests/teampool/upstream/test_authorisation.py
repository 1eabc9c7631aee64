from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from teampool.upstream.authorisation import NOT_SENT, address_of, exchange_code, new_verifier, state_of
from teampool.upstream.claims import read_claims
from teampool.upstream.clients import CODEX
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Failure

EMAIL = "owner1@example.com"


def sign_in(sandbox, verifier, email=EMAIL):
    landing = sandbox.sign_in(address_of(verifier), email)["landing"]
    return {key: value[0] for key, value in parse_qs(urlsplit(landing).query).items()}


def fails(code, verifier):
    with pytest.raises(UpstreamError) as caught:
        exchange_code(code, verifier)
    assert code not in str(caught.value)
    assert verifier not in str(caught.value)
    return caught.value


class TestTheAddress:
    def test_it_is_the_documented_one(self, settings):
        settings.UPSTREAM_AUTH_URL = "https://auth.openai.com"
        verifier = new_verifier()
        where = urlsplit(address_of(verifier))
        assert (where.scheme, where.netloc, where.path) == ("https", "auth.openai.com", "/oauth/authorize")
        asked = {key: value[0] for key, value in parse_qs(where.query).items()}
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", asked.pop("code_challenge"))
        assert asked.pop("state") == state_of(verifier)
        assert asked == {
            "response_type": "code",
            "client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
            "redirect_uri": "http://localhost:1455/auth/callback",
            "scope": "openid profile email offline_access",
            "code_challenge_method": "S256",
            "id_token_add_organizations": "true",
            "codex_cli_simplified_flow": "true",
            "prompt": "login",
        }

    def test_each_has_a_verifier_and_a_state_of_its_own(self):
        verifiers = {new_verifier() for _ in range(50)}
        assert len(verifiers) == len({state_of(one) for one in verifiers}) == 50
        assert all(43 <= len(one) <= 128 for one in verifiers)

    def test_it_does_not_hold_the_verifier(self):
        verifier = new_verifier()
        assert verifier not in address_of(verifier)
        assert verifier not in state_of(verifier)


class TestTheExchange:
    def test_it_buys_tokens_bound_to_our_client(self, sandbox):
        verifier = new_verifier()
        found = sign_in(sandbox, verifier)
        assert found["state"] == state_of(verifier)
        tokens = exchange_code(found["code"], verifier)
        claims = read_claims(tokens.access_token)
        assert (claims.email, claims.client_id) == (EMAIL, CODEX)
        assert tokens.refresh_token
        assert tokens.expires_at is not None

    def test_a_code_is_good_once(self, sandbox):
        verifier = new_verifier()
        code = sign_in(sandbox, verifier)["code"]
        exchange_code(code, verifier)
        assert fails(code, verifier).failure is Failure.REFRESH_PERMANENT

    def test_the_code_of_another_sign_in_is_worth_nothing(self, sandbox):
        code = sign_in(sandbox, new_verifier())["code"]
        assert fails(code, new_verifier()).failure is Failure.REFRESH_PERMANENT

    def test_it_says_when_it_was_not_sent(self, sandbox, settings):
        verifier = new_verifier()
        code = sign_in(sandbox, verifier)["code"]
        settings.UPSTREAM_AUTH_URL = "http://127.0.0.1:1"
        assert fails(code, verifier).code == NOT_SENT

    @pytest.mark.parametrize(
        "fault", ["reset_after", "reset_before", "502_html", "429", "html_403", "200_invalid_json"]
    )
    def test_whatever_else_happens_it_may_have_been_spent(self, sandbox, fault):
        verifier = new_verifier()
        code = sign_in(sandbox, verifier)["code"]
        sandbox.fault("token", fault)
        assert fails(code, verifier).code != NOT_SENT
        assert len(sandbox.log(op="token")) == 1

    def test_a_refresh_token_without_an_access_token_is_not_lost(self, sandbox):
        verifier = new_verifier()
        code = sign_in(sandbox, verifier)["code"]
        sandbox.fault("token", "no_access_token")
        salvage = fails(code, verifier).salvage
        assert salvage is not None
        assert salvage.refresh_token.startswith("rt_")

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teampool.upstream.claims import NotAToken, read_claims


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(claims: object, *, header: object = None, signature: str = "c2ln") -> str:
    return f"{segment(header or {'alg': 'RS256', 'typ': 'JWT'})}.{segment(claims)}.{signature}"


FULL: dict[str, Any] = {
    "client_id": "app_Example",
    "exp": 1780864000,
    "https://api.openai.com/auth": {
        "chatgpt_account_id": "11111111-2222-4333-8444-555555555555",
        "chatgpt_plan_type": "team",
        "chatgpt_user_id": "user-AbC",
    },
    "https://api.openai.com/profile": {"email": "Owner@Example.com"},
}


class TestReadClaims:
    def test_it_reads_an_access_token(self) -> None:
        claims = read_claims(token(FULL))
        assert claims.email == "owner@example.com"
        assert claims.user_id == "user-AbC"
        assert claims.account_id == "11111111-2222-4333-8444-555555555555"
        assert claims.client_id == "app_Example"
        assert claims.expires_at == datetime.fromtimestamp(1780864000, UTC)
        assert claims.plan == "team"

    def test_one_long_past_its_end_is_read_all_the_same(self) -> None:
        assert read_claims(token(FULL | {"exp": 1})).expires_at == datetime.fromtimestamp(1, UTC)

    @pytest.mark.parametrize(
        "claims",
        [
            {},
            {"https://api.openai.com/auth": None, "https://api.openai.com/profile": []},
            {"exp": "soon", "client_id": 5, "email": {}},
            {"exp": 10**400},
            {"exp": True},
            {"aud": 5, "iat": "x", "nbf": "y", "sub": 7, "jti": []},
        ],
    )
    def test_absent_and_odd_claims_are_empty(self, claims: object) -> None:
        read = read_claims(token(claims))
        assert (read.email, read.user_id, read.account_id, read.client_id, read.plan) == ("", "", "", "", "")
        assert read.expires_at is None

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "abc",
            "a.b.c",
            "eyJ.eyJ.x",
            "a.b.c.d.e",
            token([1]),
            token("x"),
            token(None),
            f"{segment({'alg': 'none'})}.!!!.x",
            "ключ.ключ.ключ",
            "\0",
        ],
    )
    def test_anything_else_is_refused_without_being_quoted(self, text: str) -> None:
        with pytest.raises(NotAToken) as caught:
            read_claims(text)
        assert str(caught.value) == "not an access token"
        assert caught.value.__cause__ is None

    def test_deep_claims_are_refused(self) -> None:
        deep = base64.urlsafe_b64encode(b"[" * 100_000).decode().rstrip("=")
        with pytest.raises(NotAToken):
            read_claims(f"{segment({'alg': 'RS256'})}.{deep}.x")

    @settings(deadline=None)
    @given(st.text(), st.text(), st.text())
    def test_no_text_shocks_it(self, one: str, two: str, three: str) -> None:
        for text in (one, f"{one}.{two}.{three}"):
            try:
                read_claims(text)
            except NotAToken:
                continue

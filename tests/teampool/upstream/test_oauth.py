from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.server import SandboxServer
from sandbox.tokens import encode
from teampool.upstream.client import refresh_oauth
from teampool.upstream.errors import UpstreamError
from teampool.upstream.oauth import of_a_guess, read_refresh
from teampool.upstream.transport import Reply
from teampool.upstream.types import Failure, Fault

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def session_keys(sandbox: SandboxServer) -> dict[str, Any]:
    return dict(sandbox.credentials()[0])


def reply(status: int, body: object, *, cookies: tuple[str, ...] = (), content_type: str = "application/json") -> Reply:
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply(status, {"content-type": content_type}, cookies, text.encode())


def refresh_fails(keys: dict[str, Any]) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        refresh_oauth(keys["refresh_token"], keys["client_id"])
    return caught.value


class TestRefreshOauth:
    def test_it_buys_a_new_set(self, sandbox: SandboxServer, session_keys: dict[str, Any]) -> None:
        tokens = refresh_oauth(session_keys["refresh_token"], session_keys["client_id"])
        assert tokens.refresh_token not in ("", session_keys["refresh_token"])
        assert tokens.expires_at is not None
        assert tokens.access_token not in repr(tokens)
        assert tokens.refresh_token not in repr(tokens)
        refresh_oauth(tokens.refresh_token, session_keys["client_id"])

    def test_a_spent_token_is_reused(self, session_keys: dict[str, Any]) -> None:
        refresh_oauth(session_keys["refresh_token"], session_keys["client_id"])
        error = refresh_fails(session_keys)
        assert (error.failure, error.code, error.fault) == (
            Failure.REFRESH_REUSED,
            "refresh_token_reused",
            Fault.CREDENTIAL,
        )

    @pytest.mark.parametrize(
        "fault",
        [
            "refresh_token_invalidated",
            "refresh_token_expired",
            "refresh_token_revoked",
            "invalid_refresh_token",
            "oauth_token_expired",
            "app_session_terminated",
            "oauth_account_deactivated",
            "invalid_grant",
            "unknown_401",
        ],
    )
    def test_these_are_final(self, sandbox: SandboxServer, session_keys: dict[str, Any], fault: str) -> None:
        sandbox.fault("token", fault)
        assert refresh_fails(session_keys).failure is Failure.REFRESH_PERMANENT

    @pytest.mark.parametrize("fault", ["invalid_client", "unauthorized_client", "missing_required_parameter"])
    def test_these_blame_the_client_id_and_no_credential(
        self, sandbox: SandboxServer, session_keys: dict[str, Any], fault: str
    ) -> None:
        sandbox.fault("token", fault)
        error = refresh_fails(session_keys)
        assert (error.failure, error.fault) == (Failure.REFRESH_MISCONFIGURED, Fault.NONE)

    @pytest.mark.parametrize(
        ("fault", "failure"),
        [
            ("oauth_token_expired", Failure.REFRESH_MISCONFIGURED),
            ("invalid_grant", Failure.REFRESH_MISCONFIGURED),
            ("invalid_refresh_token", Failure.REFRESH_MISCONFIGURED),
            ("invalid_client", Failure.REFRESH_MISCONFIGURED),
            ("refresh_token_invalidated", Failure.REFRESH_PERMANENT),
            ("refresh_token_reused", Failure.REFRESH_REUSED),
            ("oauth_account_deactivated", Failure.REFRESH_PERMANENT),
            ("unknown_401", Failure.REFRESH_PERMANENT),
            ("429", Failure.REFRESH_TRANSIENT),
        ],
    )
    def test_after_a_guess_only_what_knows_the_token_is_final(
        self, sandbox: SandboxServer, session_keys: dict[str, Any], fault: str, failure: Failure
    ) -> None:
        sandbox.fault("token", fault)
        error = refresh_fails(session_keys)
        guessed = of_a_guess(error)
        assert (guessed.failure, guessed.code, guessed.status) == (failure, error.code, error.status)

    @pytest.mark.parametrize(
        "fault", ["country_403", "html_403", "html_503", "html_200", "429", "500_json", "503_html", "empty_401"]
    )
    def test_these_pass(self, sandbox: SandboxServer, session_keys: dict[str, Any], fault: str) -> None:
        sandbox.fault("token", fault)
        error = refresh_fails(session_keys)
        assert (error.failure, error.fault) == (Failure.REFRESH_TRANSIENT, Fault.NETWORK)

    @pytest.mark.parametrize("fault", ["reset_after", "reset_mid_body"])
    def test_an_answer_lost_is_an_outcome_unknown(
        self, sandbox: SandboxServer, session_keys: dict[str, Any], fault: str
    ) -> None:
        sandbox.fault("token", fault)
        error = refresh_fails(session_keys)
        assert (error.failure, error.code) == (Failure.REFRESH_TRANSIENT, "outcome_unknown")
        assert len(sandbox.log()) == 1

    def test_a_timeout_is_an_outcome_unknown(
        self, sandbox: SandboxServer, session_keys: dict[str, Any], settings: Any
    ) -> None:
        settings.UPSTREAM_TIMEOUT = 0.3
        sandbox.fault("token", "timeout_after")
        assert refresh_fails(session_keys).code == "outcome_unknown"

    def test_a_server_that_is_gone_spent_nothing(self, sandbox: SandboxServer, session_keys: dict[str, Any]) -> None:
        sandbox.stop()
        error = refresh_fails(session_keys)
        assert (error.failure, error.code) == (Failure.REFRESH_TRANSIENT, "not_sent")

    def test_without_a_new_refresh_token_the_old_one_stays(
        self, sandbox: SandboxServer, session_keys: dict[str, Any]
    ) -> None:
        sandbox.fault("token", "no_refresh_token")
        assert refresh_oauth(session_keys["refresh_token"], session_keys["client_id"]).refresh_token == ""

    def test_a_set_without_an_access_token_still_saves_the_new_refresh_token(
        self, sandbox: SandboxServer, session_keys: dict[str, Any]
    ) -> None:
        sandbox.fault("token", "no_access_token")
        error = refresh_fails(session_keys)
        assert error.failure is Failure.PROTOCOL_ERROR
        assert error.salvage is not None
        assert refresh_oauth(error.salvage.refresh_token, session_keys["client_id"]).access_token

    @pytest.mark.parametrize("fault", ["200_null", "200_array", "200_empty", "200_invalid_json", "redirect_login"])
    def test_a_broken_answer_is_a_protocol_error(
        self, sandbox: SandboxServer, session_keys: dict[str, Any], fault: str
    ) -> None:
        sandbox.fault("token", fault)
        error = refresh_fails(session_keys)
        assert (error.failure, error.salvage) == (Failure.PROTOCOL_ERROR, None)


class TestReadRefresh:
    def test_the_token_knows_best_when_it_ends(self) -> None:
        token = encode({"exp": int(NOW.timestamp()) + 60})
        tokens = read_refresh(reply(200, {"access_token": token, "expires_in": 863999}), now=NOW)
        assert tokens.expires_at == NOW + timedelta(seconds=60)

    def test_an_opaque_token_ends_as_announced(self) -> None:
        tokens = read_refresh(reply(200, {"access_token": "opaque", "expires_in": 100}), now=NOW)
        assert tokens.expires_at == NOW + timedelta(seconds=100)

    @pytest.mark.parametrize("value", [None, "soon", -5, True, 10**12, float("nan")])
    def test_nonsense_is_no_end(self, value: object) -> None:
        tokens = read_refresh(reply(200, {"access_token": "opaque", "expires_in": value}), now=NOW)
        assert tokens.expires_at is None

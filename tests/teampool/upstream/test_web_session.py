"""A web session exchanged for tokens: what each answer is, and what is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.server import SandboxServer
from teampool.upstream.claims import read_claims
from teampool.upstream.client import exchange_session, refresh_session
from teampool.upstream.errors import UpstreamError
from teampool.upstream.transport import Reply
from teampool.upstream.types import Failure, Fault
from teampool.upstream.web_session import read_session


@pytest.fixture
def session_keys(sandbox: SandboxServer) -> dict[str, Any]:
    return dict(sandbox.credentials()[0])


def reply(status: int, body: object, *, cookies: tuple[str, ...] = (), content_type: str = "application/json") -> Reply:
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply(status, {"content-type": content_type}, cookies, text.encode())


def exchange_fails(token: str) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        exchange_session(token, device_id="device-1")
    return caught.value


def why_not(status: int, body: object) -> Failure | None:
    """Why this answer brings no token."""
    try:
        answer = read_session(reply(status, body))
    except UpstreamError as error:
        return error.failure
    assert answer.refusal is None or answer.tokens.access_token == ""
    return answer.refusal.failure if answer.refusal else None


class TestExchangeSession:
    def test_it_buys_an_access_token(self, sandbox: SandboxServer, session_keys: dict[str, Any]) -> None:
        answer = exchange_session(session_keys["session_token"], device_id="device-1")
        assert (answer.email, answer.user_id) == (session_keys["email"], session_keys["user_id"])
        assert answer.account_id == session_keys["account_ids"][0]
        assert answer.tokens.expires_at is not None
        assert answer.tokens.session_token == session_keys["session_token"]
        assert answer.tokens.access_token not in repr(answer)
        entry = sandbox.log()[-1]
        assert (entry["op"], entry["authorization"], entry["account_header_present"]) == ("session", False, False)

    def test_it_asks_for_a_workspace(self, sandbox: SandboxServer, session_keys: dict[str, Any]) -> None:
        other = sandbox.workspace(session_keys["email"])["account_id"]
        answer = exchange_session(session_keys["session_token"], account_id=other, device_id="device-1")
        assert answer.account_id == other
        assert sandbox.log()[-1]["query"] == {
            "exchange_workspace_token": "true",
            "workspace_id": other,
            "reason": "setCurrentAccountWithoutRedirect",
        }
        assert sandbox.log()[-1]["account_cookie"] == other

    def test_it_tells_when_it_got_another_workspace(self, sandbox: SandboxServer, session_keys: dict[str, Any]) -> None:
        other = sandbox.workspace(session_keys["email"])["account_id"]
        sandbox.fault("session", "session_wrong_workspace")
        answer = exchange_session(session_keys["session_token"], account_id=other, device_id="device-1")
        assert answer.account_id == session_keys["account_ids"][0]

    def test_it_tells_when_it_got_another_login(self, sandbox: SandboxServer, session_keys: dict[str, Any]) -> None:
        sandbox.fault("session", "session_other_identity")
        answer = exchange_session(session_keys["session_token"], device_id="device-1")
        assert answer.email != session_keys["email"]

    def test_a_long_token_travels_in_chunks(self, sandbox: SandboxServer, session_keys: dict[str, Any]) -> None:
        sandbox.shape(session_token_length=12_000)
        sandbox.fault("session", "rotate_body")
        first = exchange_session(session_keys["session_token"], device_id="device-1")
        assert len(first.tokens.session_token) > 10_000
        again = exchange_session(first.tokens.session_token, device_id="device-1")
        assert again.email == session_keys["email"]

    @pytest.mark.parametrize(
        "fault", ["rotate_body", "rotate_cookie", "rotate_both", "rotate_different", "session_chunks_unordered"]
    )
    def test_the_rotated_token_is_good(self, sandbox: SandboxServer, session_keys: dict[str, Any], fault: str) -> None:
        sandbox.fault("session", fault)
        fresh = exchange_session(session_keys["session_token"], device_id="device-1").tokens.session_token
        assert fresh != session_keys["session_token"]
        assert exchange_session(fresh, device_id="device-1").email == session_keys["email"]

    def test_a_rotation_with_a_chunk_missing_is_left_alone(
        self, sandbox: SandboxServer, session_keys: dict[str, Any]
    ) -> None:
        sandbox.fault("session", "session_chunk_missing")
        answer = exchange_session(session_keys["session_token"], device_id="device-1")
        assert answer.tokens.session_token == session_keys["session_token"]

    def test_an_answer_without_extras_will_do(self, sandbox: SandboxServer, session_keys: dict[str, Any]) -> None:
        sandbox.shape(session_account=False, session_token_in_body=False, session_id_token=True)
        answer = exchange_session(session_keys["session_token"], device_id="device-1")
        assert (answer.tokens.session_token, answer.account_id) == ("", session_keys["account_ids"][0])

    @pytest.mark.parametrize("fault", ["session_empty", "session_warning", "session_error", "session_error_stale"])
    def test_a_session_without_a_token_is_doubtful(
        self, sandbox: SandboxServer, session_keys: dict[str, Any], fault: str
    ) -> None:
        sandbox.fault("session", fault)
        answer = exchange_session(session_keys["session_token"], device_id="device-1")
        assert answer.refusal is not None
        assert (answer.refusal.failure, answer.refusal.fault) == (Failure.SESSION_DOUBTFUL, Fault.NETWORK)
        assert answer.tokens.access_token == ""

    @pytest.mark.parametrize("fault", ["session_401", "session_403"])
    def test_a_refused_cookie_is_doubtful_as_well(
        self, sandbox: SandboxServer, session_keys: dict[str, Any], fault: str
    ) -> None:
        sandbox.fault("session", fault)
        assert exchange_fails(session_keys["session_token"]).failure is Failure.SESSION_DOUBTFUL

    @pytest.mark.parametrize(
        ("name", "failure"),
        [
            ("deactivated", Failure.WORKSPACE_SUSPENDED),
            ("removed", Failure.ACCESS_REMOVED),
            ("not_found", Failure.ACCESS_REMOVED),
            ("unknown", Failure.EXCHANGE_FAILED),
        ],
    )
    @pytest.mark.parametrize("form", ["", "_text", "_with_token", "_text_with_token"])
    def test_one_workspace_may_be_refused(
        self, sandbox: SandboxServer, session_keys: dict[str, Any], name: str, failure: Failure, form: str
    ) -> None:
        sandbox.shape(session_rotation="both")
        sandbox.fault("session", f"exchange_{name}{form}")
        answer = exchange_session(
            session_keys["session_token"], account_id=session_keys["account_ids"][0], device_id="device-1"
        )
        assert answer.refusal is not None
        assert (answer.refusal.failure, answer.tokens.access_token) == (failure, "")
        assert answer.tokens.session_token not in ("", session_keys["session_token"])

    def test_a_forced_refresh_names_the_token_that_was_refused(
        self, sandbox: SandboxServer, session_keys: dict[str, Any]
    ) -> None:
        dead = session_keys["access_token"]
        sandbox.shape(session_cache="until_forced")
        sandbox.invalidate_tokens()
        answer = refresh_session(
            session_keys["session_token"],
            failed_token=dead,
            account_id=session_keys["account_ids"][0],
            device_id="device-1",
        )
        assert answer.tokens.access_token not in ("", dead)
        entry = sandbox.log()[-1]
        assert entry["query"] == {"refresh": "true", "reason": "token_expired"}
        assert (entry["failed_iat"], entry["authorization"]) == (str(read_claims(dead).issued_at), False)
        assert entry["account_cookie"] == session_keys["account_ids"][0]

    @pytest.mark.parametrize(
        ("fault", "failure"),
        [
            ("html_403", Failure.EDGE_BLOCK),
            ("html_200", Failure.EDGE_BLOCK),
            ("500_json", Failure.SERVER_ERROR),
            ("429", Failure.RATE_LIMITED),
            ("200_null", Failure.PROTOCOL_ERROR),
            ("200_array", Failure.PROTOCOL_ERROR),
            ("200_empty", Failure.PROTOCOL_ERROR),
            ("200_invalid_json", Failure.PROTOCOL_ERROR),
            ("redirect_login", Failure.PROTOCOL_ERROR),
            ("unknown_401", Failure.UNKNOWN_401),
            ("country_403", Failure.EDGE_BLOCK),
            ("reset_before", Failure.TIMEOUT_OR_RESET),
        ],
    )
    def test_the_way_there_does_not_kill_a_session(
        self, sandbox: SandboxServer, session_keys: dict[str, Any], fault: str, failure: Failure
    ) -> None:
        sandbox.fault("session", fault)
        error = exchange_fails(session_keys["session_token"])
        assert (error.failure, error.fault, error.op) == (failure, Fault.NETWORK, "session")

    @pytest.mark.parametrize("token", ["", "a b", "a;b=c", "a\r\nX: 1", "ключ"])
    def test_a_token_that_fits_no_cookie_sends_nothing(self, sandbox: SandboxServer, token: str) -> None:
        assert exchange_fails(token).failure is Failure.REFRESH_PERMANENT
        assert sandbox.log() == []


class TestReadSession:
    def test_the_cookie_is_newer_than_the_body(self) -> None:
        cookies = ("__Secure-next-auth.session-token=fresh; Path=/; HttpOnly",)
        body = {"accessToken": "opaque", "sessionToken": "older", "user": {"email": " A@b.co", "id": "user-1"}}
        answer = read_session(reply(200, body, cookies=cookies))
        assert (answer.tokens.session_token, answer.email, answer.user_id) == ("fresh", "a@b.co", "user-1")

    def test_chunks_join_in_the_order_of_their_numbers(self) -> None:
        name = "__Secure-next-auth.session-token"
        cookies = tuple(f"{name}.{number}=<{number}>; Path=/" for number in (10, 1, 0, 2, 9, 3, 8, 4, 7, 5, 6))
        answer = read_session(reply(200, {"accessToken": "x"}, cookies=cookies))
        assert answer.tokens.session_token == "".join(f"<{number}>" for number in range(11))

    def test_deleted_chunks_count_for_nothing(self) -> None:
        name = "__Secure-next-auth.session-token"
        cookies = (f"{name}.0=; Max-Age=0", f"{name}.1=old; Path=/; Max-Age=0; Secure", f"{name}=fresh; Path=/")
        answer = read_session(reply(200, {"accessToken": "x"}, cookies=cookies))
        assert answer.tokens.session_token == "fresh"

    @pytest.mark.parametrize("token", [None, "", "  ", 5, {}])
    def test_no_access_token_is_doubtful(self, token: object) -> None:
        assert why_not(200, {"accessToken": token}) is Failure.SESSION_DOUBTFUL

    @pytest.mark.parametrize("error", ["RefreshAccessTokenError", {"code": "odd"}, ["odd"], 1, True])
    def test_an_error_is_doubtful_even_beside_a_token(self, error: object) -> None:
        assert why_not(200, {"accessToken": "opaque", "error": error}) is Failure.SESSION_DOUBTFUL

    def test_an_error_that_is_known_means_what_it_says(self) -> None:
        blocked = {"error": "Unusual activity has been detected"}
        assert why_not(200, blocked) is Failure.EDGE_BLOCK
        assert why_not(200, {"error": {"code": "account_deactivated"}}) is Failure.USER_DEACTIVATED

    @pytest.mark.parametrize(
        ("error", "failure"),
        [
            ({"code": "account_deactivated", "message": "Your account has been deactivated"}, "workspace_suspended"),
            ({"code": "DEACTIVATED_WORKSPACE"}, "workspace_suspended"),
            ({"message": "This workspace has been deactivated"}, "workspace_suspended"),
            ("This workspace has been deactivated", "workspace_suspended"),
            ({"code": "user_removed"}, "access_removed"),
            ({"code": "NotFound"}, "access_removed"),
            ({"code": "account_not_found", "message": None}, "access_removed"),
            ("Workspace not found", "access_removed"),
            ("You were removed from this workspace", "access_removed"),
            ("Something went wrong. The page was not found in time.", "exchange_failed"),
            ({"code": 5, "message": ["odd"]}, "exchange_failed"),
            ({"odd": "shape"}, "exchange_failed"),
            (["odd"], "exchange_failed"),
            (True, "exchange_failed"),
        ],
    )
    def test_an_exchange_error_is_about_one_workspace_whatever_its_shape(self, error: object, failure: str) -> None:
        for beside in ({}, {"accessToken": "opaque"}):
            assert why_not(200, {"workspaceTokenExchangeError": error} | beside) == Failure(failure)

    @pytest.mark.parametrize("error", [None, "", {}, [], False])
    def test_an_empty_exchange_error_is_none(self, error: object) -> None:
        assert read_session(reply(200, {"workspaceTokenExchangeError": error, "accessToken": "x"})).refusal is None
        assert why_not(200, {"workspaceTokenExchangeError": error}) is Failure.SESSION_DOUBTFUL

    def test_a_refusal_never_brings_an_empty_session_token(self) -> None:
        body = {"workspaceTokenExchangeError": "odd", "sessionToken": "  "}
        cookies = ("__Secure-next-auth.session-token=; Path=/; Max-Age=0",)
        assert read_session(reply(200, body, cookies=cookies)).tokens.session_token == ""

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_dead_token_by_name_is_doubtful(self, status: int) -> None:
        assert why_not(status, {"detail": {"code": "token_invalidated"}}) is Failure.SESSION_DOUBTFUL
        assert why_not(status, {"error": {"code": "token_expired"}}) is Failure.SESSION_DOUBTFUL

    def test_a_block_says_nothing_of_the_session(self) -> None:
        assert why_not(403, {"detail": "Unusual activity has been detected from your device."}) is Failure.EDGE_BLOCK
        page = "<html><body>token_invalidated RefreshAccessTokenError</body></html>"
        for status in (200, 401, 403):
            with pytest.raises(UpstreamError) as caught:
                read_session(reply(status, page, content_type="text/html"))
            assert caught.value.failure is Failure.EDGE_BLOCK

"""A web session exchanged for tokens: what each answer is, and what is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.server import SandboxServer
from teampool.upstream.client import exchange_session
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
            "reason": "setCurrentAccount",
        }

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
    def test_a_dead_session_is_final(self, sandbox: SandboxServer, session_keys: dict[str, Any], fault: str) -> None:
        sandbox.fault("session", fault)
        error = exchange_fails(session_keys["session_token"])
        assert (error.failure, error.fault) == (Failure.REFRESH_PERMANENT, Fault.CREDENTIAL)

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
    def test_no_access_token_is_a_dead_session(self, token: object) -> None:
        with pytest.raises(UpstreamError) as caught:
            read_session(reply(200, {"accessToken": token}))
        assert caught.value.failure is Failure.REFRESH_PERMANENT

    def test_a_dead_token_by_name_is_a_dead_session(self) -> None:
        with pytest.raises(UpstreamError) as caught:
            read_session(reply(401, {"detail": {"code": "token_invalidated"}}))
        assert caught.value.failure is Failure.REFRESH_PERMANENT

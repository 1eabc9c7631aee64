from __future__ import annotations

import json

import pytest

from teampool.upstream.errors import UpstreamError, classify
from teampool.upstream.types import Failure, Fault, Op, fault_of

JSON = {"content-type": "application/json", "X-Oai-Request-Id": "req-1"}
UNUSUAL = "Unusual activity has been detected from your device. Try again later."
HTML = {"content-type": "text/html; charset=UTF-8"}


def failure(status: int, body: object, op: Op = Op.MEMBERS, headers: dict[str, str] | None = None) -> Failure | None:
    text = body if isinstance(body, str) else json.dumps(body)
    error = classify(status, headers or JSON, text.encode(), op)
    return error.failure if error else None


class TestUpstreamError:
    def test_it_shows_no_token_anywhere(self) -> None:
        secret = "eyJhbGciOi.eyJzdWIi.c2ln"
        error = UpstreamError(Failure.TOKEN_REJECTED, status=401, code="token_expired", text=f"bad {secret}", op="me")
        assert secret not in f"{error} {error!r} {error.text} {error.args}"
        assert str(error) == "me: token_rejected, HTTP 401, token_expired, bad [hidden]"

    def test_it_says_whose_fault_it_is(self) -> None:
        assert UpstreamError(Failure.SEATS_FULL).fault is Fault.TEAM
        assert UpstreamError(Failure.REFUSED_UNCLEAR).fault is Fault.NONE


class TestFaultOf:
    def test_every_failure_has_its_fault(self) -> None:
        by_fault: dict[Fault, set[str]] = {}
        for one in Failure:
            by_fault.setdefault(fault_of(one), set()).add(one.value)
        assert by_fault == {
            Fault.TEAM: {
                "workspace_suspended",
                "workspace_delinquent",
                "workspace_not_found",
                "access_removed",
                "permission_denied",
                "seats_full",
            },
            Fault.CREDENTIAL: {
                "token_rejected",
                "user_deactivated",
                "refresh_permanent",
                "refresh_reused",
                "identity_mismatch",
                "token_repeated",
            },
            Fault.RECIPIENT: {"email_rejected", "domain_restricted"},
            Fault.NETWORK: {
                "connect_failed",
                "timeout_or_reset",
                "server_error",
                "edge_block",
                "rate_limited",
                "refresh_transient",
                "session_doubtful",
                "exchange_failed",
                "protocol_error",
                "unknown_401",
            },
            Fault.NONE: {
                "already_member",
                "already_invited",
                "ghost_success",
                "conflict_busy",
                "not_found_item",
                "refused_unclear",
                "refresh_misconfigured",
            },
        }

    def test_nothing_is_nobodys_fault(self) -> None:
        assert fault_of(None) is Fault.NONE


class TestClassify:
    @pytest.mark.parametrize(
        ("status", "body", "expected"),
        [
            (401, {"detail": {"code": "token_expired", "message": "x"}}, Failure.TOKEN_REJECTED),
            (401, {"error": {"code": "token_invalidated"}}, Failure.TOKEN_REJECTED),
            (401, {"error": {"code": "token_revoked", "type": None}}, Failure.TOKEN_REJECTED),
            (401, {"detail": "Could not parse your authentication token. Please try again."}, Failure.TOKEN_REJECTED),
            (401, {"detail": "Unauthorized"}, Failure.TOKEN_REJECTED),
            (401, {"error": {"code": "account_deactivated"}}, Failure.USER_DEACTIVATED),
            (401, {"detail": "Your OpenAI account has been deactivated, please check"}, Failure.USER_DEACTIVATED),
            (401, {"detail": {"code": "workspace_subscription_delinquent"}}, Failure.WORKSPACE_DELINQUENT),
            (401, {"detail": "Team has a delinquent subscription"}, Failure.WORKSPACE_DELINQUENT),
            (401, {"error": {"code": "seat_true_up_pending"}}, Failure.SEATS_FULL),
            (401, {"detail": "something else"}, Failure.UNKNOWN_401),
            (401, "", Failure.UNKNOWN_401),
            (402, {"detail": {"code": "deactivated_workspace"}}, Failure.WORKSPACE_SUSPENDED),
            (402, "", Failure.WORKSPACE_SUSPENDED),
            (403, {"error": {"code": "deactivated_workspace"}}, Failure.WORKSPACE_SUSPENDED),
            (
                403,
                {"detail": "This workspace has been deactivated and can no longer be used."},
                Failure.WORKSPACE_SUSPENDED,
            ),
            (403, {"error": {"code": "workspace_deactivated"}}, Failure.WORKSPACE_SUSPENDED),
            (401, {"detail": {"code": "workspace_deactivated"}}, Failure.WORKSPACE_SUSPENDED),
            (403, {"error": {"code": "account_removed_from_workspace"}}, Failure.ACCESS_REMOVED),
            (401, {"detail": {"code": "account_removed_from_workspace"}}, Failure.ACCESS_REMOVED),
            (403, {"detail": "You were removed from this workspace"}, Failure.ACCESS_REMOVED),
            (404, {"detail": "You have been removed from this workspace."}, Failure.ACCESS_REMOVED),
            (403, {"detail": UNUSUAL}, Failure.EDGE_BLOCK),
            (403, {"detail": f"{UNUSUAL} (00000000-0000-4000-8000-000000000001)"}, Failure.EDGE_BLOCK),
            (403, {"error": {"message": UNUSUAL.upper(), "code": "account_deactivated"}}, Failure.EDGE_BLOCK),
            (403, {"error": {"code": "unusual_activity", "message": "Workspace is full"}}, Failure.EDGE_BLOCK),
            (403, {"odd": [{"deep": UNUSUAL}], "detail": "You do not have permission"}, Failure.EDGE_BLOCK),
            (401, {"detail": UNUSUAL}, Failure.EDGE_BLOCK),
            (503, {"detail": UNUSUAL}, Failure.EDGE_BLOCK),
            (200, {"error": UNUSUAL}, Failure.EDGE_BLOCK),
            (200, {"items": [{"name": UNUSUAL}]}, None),
            (403, {"detail": "no"}, Failure.PERMISSION_DENIED),
            (403, {"error": {"code": "unsupported_country_region_territory"}}, Failure.EDGE_BLOCK),
            (403, "", Failure.EDGE_BLOCK),
            (404, {"detail": {"code": "workspace_not_found"}}, Failure.WORKSPACE_NOT_FOUND),
            (404, {"detail": "Not Found"}, Failure.WORKSPACE_NOT_FOUND),
            (408, "", Failure.TIMEOUT_OR_RESET),
            (429, {"detail": "Too many requests"}, Failure.RATE_LIMITED),
            (429, "", Failure.RATE_LIMITED),
            (500, "", Failure.SERVER_ERROR),
            (503, {"detail": {"code": "deactivated_workspace"}}, Failure.WORKSPACE_SUSPENDED),
            (302, "", Failure.PROTOCOL_ERROR),
            (418, {"detail": "?"}, Failure.PROTOCOL_ERROR),
            (200, {"detail": {"code": "token_expired", "message": "x"}}, Failure.TOKEN_REJECTED),
            (200, {"error": "odd"}, Failure.PROTOCOL_ERROR),
            (200, {"detail": "Deleted"}, None),
            (200, {"items": []}, None),
            (204, "", None),
        ],
    )
    def test_it_reads_the_table(self, status: int, body: object, expected: Failure | None) -> None:
        assert failure(status, body) is expected

    @pytest.mark.parametrize("status", [200, 401, 403, 404, 429])
    def test_html_is_a_block_page_whatever_words_it_holds(self, status: int) -> None:
        page = "<html>token_invalidated seat_true_up_pending deactivated_workspace</html>"
        assert failure(status, page, headers=HTML) is Failure.EDGE_BLOCK
        assert failure(status, page) is Failure.EDGE_BLOCK

    @pytest.mark.parametrize(
        "page", ["<title>Just a moment...</title>", "<p>Access denied</p> 1020", "<script>_cf_chl_opt"]
    )
    def test_a_challenge_is_one_at_5xx_too(self, page: str) -> None:
        assert failure(503, page, headers=HTML) is Failure.EDGE_BLOCK

    def test_a_plain_5xx_page_is_a_server_error(self) -> None:
        assert failure(502, "<html><h1>502 Bad Gateway</h1></html>", headers=HTML) is Failure.SERVER_ERROR

    def test_the_mitigation_header_alone_is_enough(self) -> None:
        assert failure(403, "", headers={"cf-mitigated": "challenge"}) is Failure.EDGE_BLOCK

    def test_seats_answer_401_for_the_role(self) -> None:
        assert failure(401, {"detail": "Unauthorized"}, Op.SUBSCRIPTION) is Failure.PERMISSION_DENIED
        assert failure(401, {"error": {"code": "token_expired"}}, Op.SUBSCRIPTION) is Failure.TOKEN_REJECTED

    def test_only_a_missing_subscription_is_a_missing_item(self) -> None:
        body = {"detail": "No subscription found for account"}
        assert failure(404, body, Op.SUBSCRIPTION) is Failure.NOT_FOUND_ITEM
        assert failure(404, {"detail": "Not Found"}, Op.SUBSCRIPTION) is Failure.PROTOCOL_ERROR

    @pytest.mark.parametrize("op", [Op.REVOKE, Op.REMOVE])
    def test_removals_have_words_of_their_own(self, op: Op) -> None:
        assert failure(404, {"detail": "User not found in workspace"}, op) is Failure.NOT_FOUND_ITEM
        assert failure(404, {"detail": {"code": "workspace_not_found"}}, op) is Failure.WORKSPACE_NOT_FOUND
        assert failure(409, {"detail": "busy"}, op) is Failure.CONFLICT_BUSY
        assert failure(403, {"detail": "Cannot remove the owner"}, op) is Failure.PERMISSION_DENIED
        assert failure(409, {"detail": "User was removed from this workspace"}, op) is Failure.CONFLICT_BUSY

    def test_it_keeps_what_is_fit_for_a_log(self) -> None:
        error = classify(429, JSON | {"Retry-After": "60"}, b'{"detail":"Too many requests"}', Op.INVITE)
        assert error is not None
        assert (error.op, error.request_id, error.text) == ("invite", "req-1", "Too many requests")
        assert error.retry_after is not None
        assert error.retry_after.total_seconds() == 60

from __future__ import annotations

import json
from typing import Any

import pytest

from teampool.upstream.answers import read_answer, read_invite
from teampool.upstream.types import Answer, Failure, Fault, Op, Verdict

ANA = "ana@example.com"
JSON = {"content-type": "application/json"}
ROW = {"id": "i1", "email_address": ANA, "role": "standard-user"}
NO_LISTS: dict[str, Any] = {"account_invites": [], "errored_emails": []}
TRUE_UP = {"error": {"code": "seat_true_up_pending", "message": "Seat true-up pending"}}


def read(status: int, body: object, headers: dict[str, str] | None = None) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return read_invite(status, headers or JSON, text, ANA)


def outcome(status: int, body: object) -> tuple[Verdict, Failure | None]:
    answer = read(status, body)
    return answer.verdict, answer.failure


class TestReadInvite:
    @pytest.mark.parametrize(
        "row",
        [
            ROW,
            {"email": ANA},
            ANA,
            " ANA@Example.com\n",
            {"email_address": "  Ana@EXAMPLE.com "},
        ],
    )
    @pytest.mark.parametrize("status", [200, 201])
    def test_our_address_in_the_list_is_sent(self, row: object, status: int) -> None:
        assert outcome(status, {"account_invites": [row], "errored_emails": []}) == (Verdict.SENT, None)

    def test_our_address_among_others_is_sent(self) -> None:
        assert outcome(200, {"account_invites": ["x@y.zz", ROW, 5]}) == (Verdict.SENT, None)

    @pytest.mark.parametrize(
        "element",
        [
            {"email_address": ANA, "error": "Invalid email domain"},
            {"email": " Ana@example.com", "error": {"code": "blocked", "message": "blocked"}},
            {"email": ANA},
            ANA,
        ],
    )
    @pytest.mark.parametrize("invited", [[], None, 0])
    def test_our_address_only_errored_is_the_recipients_no(self, element: object, invited: object) -> None:
        answer = read(200, {"account_invites": invited, "errored_emails": [element]})
        assert (answer.verdict, answer.failure, answer.fault) == (Verdict.NO, Failure.EMAIL_REJECTED, Fault.RECIPIENT)

    @pytest.mark.parametrize(
        ("reason", "expected"),
        [
            ("no seats available", Failure.SEATS_FULL),
            ({"code": "seat_true_up_pending"}, Failure.SEATS_FULL),
            ({"code": "domain_restricted"}, Failure.DOMAIN_RESTRICTED),
            ("Your account has been deactivated", Failure.EMAIL_REJECTED),
        ],
    )
    def test_an_errored_address_says_why(self, reason: object, expected: Failure) -> None:
        body = {"account_invites": [], "errored_emails": [{"email": ANA, "error": reason}]}
        assert outcome(200, body) == (Verdict.NO, expected)

    @pytest.mark.parametrize(
        ("body", "failure"),
        [
            (NO_LISTS, Failure.GHOST_SUCCESS),
            ({"account_invites": None, "errored_emails": []}, Failure.GHOST_SUCCESS),
            ({"errored_emails": []}, Failure.GHOST_SUCCESS),
            ({"account_invites": 1, "errored_emails": []}, Failure.PROTOCOL_ERROR),
            ({"account_invites": ["sam@example.com"]}, Failure.PROTOCOL_ERROR),
            ({"account_invites": [ROW], "errored_emails": [ANA]}, Failure.PROTOCOL_ERROR),
            ({"account_invites": [ROW], "already_member_emails": [ANA]}, Failure.ALREADY_MEMBER),
            (NO_LISTS | {"already_member_emails": [" Ana@example.com"]}, Failure.ALREADY_MEMBER),
            ({"account_invites": [], "errored_emails": [ANA, 7]}, Failure.PROTOCOL_ERROR),
            ({"account_invites": [{}], "errored_emails": [ANA]}, Failure.PROTOCOL_ERROR),
            ({"account_invites": "yes"}, Failure.PROTOCOL_ERROR),
            ({}, Failure.PROTOCOL_ERROR),
            ("", Failure.PROTOCOL_ERROR),
            ("null", Failure.PROTOCOL_ERROR),
            ("[]", Failure.PROTOCOL_ERROR),
            ("{", Failure.PROTOCOL_ERROR),
            ("<html>", Failure.EDGE_BLOCK),
        ],
    )
    def test_a_2xx_that_proves_nothing_is_unknown(self, body: object, failure: Failure) -> None:
        assert outcome(200, body) == (Verdict.UNKNOWN, failure)

    @pytest.mark.parametrize(
        ("status", "text", "failure"),
        [
            (500, "", Failure.SERVER_ERROR),
            (502, '{"detail":"Bad gateway"}', Failure.SERVER_ERROR),
            (403, "<html>Just a moment</html>", Failure.EDGE_BLOCK),
            (403, "<html>seat_true_up_pending</html>", Failure.EDGE_BLOCK),
            (429, "", Failure.RATE_LIMITED),
            (409, '{"detail":"conflict"}', Failure.CONFLICT_BUSY),
            (409, '{"detail":"User is already a member"}', Failure.ALREADY_MEMBER),
            (409, '{"detail":"Already in workspace"}', Failure.ALREADY_MEMBER),
            (409, '{"detail":"already in team"}', Failure.ALREADY_MEMBER),
            (409, '{"detail":"This user was already invited"}', Failure.ALREADY_INVITED),
            (302, "", Failure.PROTOCOL_ERROR),
            (408, "", Failure.TIMEOUT_OR_RESET),
        ],
    )
    def test_these_may_have_been_sent(self, status: int, text: str, failure: Failure) -> None:
        assert outcome(status, text) == (Verdict.UNKNOWN, failure)

    @pytest.mark.parametrize(
        ("status", "text"),
        [
            (400, "1 additional seat needed. Add 1 additional seat to send this invite."),
            (403, "You have reached maximum number of seats"),
            (422, "no seats available"),
            (401, "seat true_up required"),
            (422, "Workspace is full"),
            (422, "The team is full"),
        ],
    )
    def test_full_is_known_by_its_words(self, status: int, text: str) -> None:
        answer = read(status, {"detail": text})
        assert (answer.verdict, answer.failure, answer.fault) == (Verdict.NO, Failure.SEATS_FULL, Fault.TEAM)

    def test_full_is_known_in_plain_text_too(self) -> None:
        answer = read(401, "true-up", {"content-type": "text/plain"})
        assert (answer.verdict, answer.failure) == (Verdict.NO, Failure.SEATS_FULL)
        assert outcome(401, {"error": "true-up"}) == (Verdict.NO, Failure.SEATS_FULL)

    @pytest.mark.parametrize(
        ("status", "body", "failure"),
        [
            (401, {"error": {"code": "token_invalidated"}}, Failure.TOKEN_REJECTED),
            (401, {"detail": "?"}, Failure.UNKNOWN_401),
            (401, {"detail": {"code": "workspace_subscription_delinquent"}}, Failure.WORKSPACE_DELINQUENT),
            (402, {"detail": {"code": "deactivated_workspace"}}, Failure.WORKSPACE_SUSPENDED),
            (403, {"detail": "You may not"}, Failure.PERMISSION_DENIED),
            (403, {"detail": {"code": "domain_restricted"}}, Failure.DOMAIN_RESTRICTED),
            (
                403,
                {"detail": "This email domain is not allowed in this workspace"},
                Failure.DOMAIN_RESTRICTED,
            ),
            (404, {"detail": "Not Found"}, Failure.WORKSPACE_NOT_FOUND),
            (422, {"detail": "Invalid email address"}, Failure.EMAIL_REJECTED),
            (422, {"detail": [{"loc": ["b"], "msg": "value is not a valid email address"}]}, Failure.EMAIL_REJECTED),
            (400, {"detail": "Invalid email"}, Failure.EMAIL_REJECTED),
            (422, {"detail": "nope"}, Failure.REFUSED_UNCLEAR),
            (422, {"detail": [{"loc": ["body", "seat_type"], "msg": "field required"}]}, Failure.REFUSED_UNCLEAR),
            (400, "", Failure.REFUSED_UNCLEAR),
        ],
    )
    def test_a_clear_4xx_is_a_no(self, status: int, body: object, failure: Failure) -> None:
        assert outcome(status, body) == (Verdict.NO, failure)

    def test_an_unclear_no_harms_nobody(self) -> None:
        assert read(422, {"detail": "nope"}).fault is Fault.NONE

    @pytest.mark.parametrize("status", [400, 401])
    def test_a_refusal_that_lists_us_was_sent(self, status: int) -> None:
        assert outcome(status, TRUE_UP | {"account_invites": [ROW], "errored_emails": []}) == (Verdict.SENT, None)

    @pytest.mark.parametrize("status", [400, 401])
    @pytest.mark.parametrize("errored", [[], [{"email_address": ANA, "error": "seat_true_up_pending"}]])
    def test_a_refusal_that_lists_us_not_is_a_no(self, status: int, errored: list[object]) -> None:
        body = TRUE_UP | {"account_invites": [], "errored_emails": errored}
        assert outcome(status, body) == (Verdict.NO, Failure.SEATS_FULL)

    def test_a_refusal_without_a_reason_is_read_by_its_list(self) -> None:
        body = {"detail": "partial", "account_invites": [], "errored_emails": [ANA]}
        assert outcome(400, body) == (Verdict.NO, Failure.EMAIL_REJECTED)

    @pytest.mark.parametrize("invited", [["sam@example.com"], 1])
    def test_a_refusal_that_invited_somebody_is_unknown(self, invited: object) -> None:
        body = TRUE_UP | {"account_invites": invited, "errored_emails": []}
        assert outcome(401, body) == (Verdict.UNKNOWN, Failure.PROTOCOL_ERROR)

    def test_a_server_error_stays_unknown_whatever_it_lists(self) -> None:
        assert outcome(500, {"account_invites": [], "errored_emails": [ANA]})[0] is Verdict.UNKNOWN

    def test_a_200_with_an_error_body_is_an_error(self) -> None:
        body = {"detail": {"code": "token_expired", "message": "x"}}
        assert outcome(200, body) == (Verdict.NO, Failure.TOKEN_REJECTED)

    def test_it_tells_how_long_to_wait(self) -> None:
        answer = read(429, "", JSON | {"Retry-After": "60"})
        assert answer.retry_after is not None
        assert answer.retry_after.total_seconds() == 60


class TestWordsInTheAddress:
    """What somebody typed is not ChatGPT's word about the Team."""

    ODD = (
        "deactivated_workspace@example.com",
        "Delinquent@example.com",
        "true-up@example.com",
        "no.seats@rate-limit.example",
        "domain_restricted@example.com",
    )

    @pytest.mark.parametrize("address", ODD)
    @pytest.mark.parametrize("status", [400, 422])
    @pytest.mark.parametrize("key", ["detail", "error", "message"])
    def test_a_refusal_that_quotes_it_is_the_recipients(self, address: str, status: int, key: str) -> None:
        body = json.dumps({key: f"Invalid email address: {address.lower()}"})
        answer = read_invite(status, JSON, body, address)
        assert (answer.failure, answer.fault) == (Failure.EMAIL_REJECTED, Fault.RECIPIENT)
        assert address.lower() in answer.text

    @pytest.mark.parametrize("address", ODD)
    @pytest.mark.parametrize("said", ["{0} is no e-mail address", "{1} is blocked", "nobody reads mail at {2}"])
    def test_neither_in_the_lists_nor_by_a_part_of_it(self, address: str, said: str) -> None:
        text = said.format(address, *address.split("@"))
        for error in (text, {"code": "blocked", "message": text}):
            body = json.dumps(NO_LISTS | {"errored_emails": [{"email_address": address, "error": error}]})
            assert read_invite(200, JSON, body, address).failure is Failure.EMAIL_REJECTED

    @pytest.mark.parametrize("name", ["seat", "seats", "no", "maximum", "number", "additional", "Full", "team"])
    @pytest.mark.parametrize(
        "said",
        [
            "1 additional seat needed. Add 1 additional seat to send this invite.",
            "You have reached maximum number of seats",
            "No seats available",
            "This team is full",
        ],
    )
    def test_a_word_of_a_sentence_about_the_team_is_heard_whatever_the_address(self, name: str, said: str) -> None:
        body = json.dumps({"detail": said})
        assert read_invite(400, JSON, body, f"{name}@example.com").failure is Failure.SEATS_FULL

    def test_a_code_is_a_code_whatever_the_address(self) -> None:
        for body, failure in (
            ({"detail": {"code": "deactivated_workspace"}}, Failure.WORKSPACE_SUSPENDED),
            ({"error": "seat_true_up_pending"}, Failure.SEATS_FULL),
        ):
            address = "deactivated_workspace@seat_true_up_pending.com"
            assert read_invite(402, JSON, json.dumps(body), address).failure is failure


class TestReadAnswer:
    @pytest.mark.parametrize(
        ("status", "body"),
        [(200, ""), (204, ""), (200, "{}"), (200, '{"success":true}'), (200, '{"deleted":true,"policy_notice":null}')],
    )
    @pytest.mark.parametrize("op", [Op.REVOKE, Op.REMOVE])
    def test_any_2xx_is_sent(self, status: int, body: str, op: Op) -> None:
        assert read_answer(status, JSON, body, op).verdict is Verdict.SENT

    @pytest.mark.parametrize(
        ("status", "body", "verdict", "failure"),
        [
            (404, '{"detail":"Invite not found"}', Verdict.NO, Failure.NOT_FOUND_ITEM),
            (403, '{"detail":"Cannot remove the workspace owner"}', Verdict.NO, Failure.PERMISSION_DENIED),
            (409, '{"detail":"busy"}', Verdict.UNKNOWN, Failure.CONFLICT_BUSY),
            (429, "", Verdict.UNKNOWN, Failure.RATE_LIMITED),
            (500, "", Verdict.UNKNOWN, Failure.SERVER_ERROR),
            (200, "<html>Just a moment", Verdict.UNKNOWN, Failure.EDGE_BLOCK),
            (404, "<html>", Verdict.UNKNOWN, Failure.EDGE_BLOCK),
            (401, '{"error":{"code":"token_expired"}}', Verdict.NO, Failure.TOKEN_REJECTED),
            (200, '{"detail":{"code":"token_expired"}}', Verdict.NO, Failure.TOKEN_REJECTED),
            (422, "{}", Verdict.NO, Failure.REFUSED_UNCLEAR),
        ],
    )
    def test_it_reads_the_table(self, status: int, body: str, verdict: Verdict, failure: Failure) -> None:
        answer = read_answer(status, JSON, body, Op.REMOVE)
        assert (answer.verdict, answer.failure) == (verdict, failure)

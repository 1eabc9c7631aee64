from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.server import SandboxServer
from teampool.upstream import transport
from teampool.upstream.client import Upstream
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Answer, Failure, Fault, SeatPool, Verdict

ANA = "ana@example.com"
UNKNOWN_SHAPES = ["200_invalid_json", "200_empty", "200_null", "200_array", "200_empty_object", "200_wrong_type"]
IDS = {"submission_id": "00000000-0000-4000-8000-000000000001", "flow_id": "00000000-0000-4000-8000-000000000002"}

Connect = Callable[..., Upstream]


def invite(upstream: Upstream, email: str = ANA, **fields: Any) -> Answer:
    return upstream.invite(email, **(IDS | fields))


def user_id_of(upstream: Upstream, email: str) -> str:
    return next(row.user_id for row in upstream.members().rows if row.email == email)


class TestRequests:
    def test_each_call_is_one_the_backend_knows(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str
    ) -> None:
        invite(upstream)
        sandbox.accept(account_id, ANA)
        upstream.remove(user_id_of(upstream, ANA))
        invite(upstream, "sam@example.com")
        upstream.revoke("sam@example.com")
        upstream.invites()
        upstream.account_check()
        upstream.subscription()
        upstream.me()
        log = sandbox.log()
        assert [entry["op"] for entry in log] == [
            "invite",
            "members",
            "remove",
            "invite",
            "revoke",
            "invites",
            "account_check",
            "subscription",
            "me",
        ]
        assert not any(entry.get("drift") for entry in log)
        assert {entry["status"] for entry in log} <= {200, 204}
        assert all(entry["account_header"] == account_id for entry in log)
        assert all(entry["authorization"] for entry in log)

    def test_the_invite_is_in_the_current_form(self, sandbox: SandboxServer, upstream: Upstream) -> None:
        invite(upstream, "  Ana@Example.COM ", resend=False)
        assert sandbox.log()[-1]["body"] == {
            "email_addresses": [ANA],
            "role": "standard-user",
            "seat_type": "default",
            "resend_emails": False,
            **IDS,
        }

    def test_two_logins_share_no_cookie(self, sandbox: SandboxServer, connect: Connect, keys: dict[str, Any]) -> None:
        second = sandbox.credentials()[1]
        first = connect()
        first.me()
        first.me()
        other = connect(access_token=second["access_token"], account_id=second["account_ids"][0])
        other.me()
        cookies = [entry["edge_cookie"] for entry in sandbox.log()]
        assert cookies[0] is None
        assert cookies[1] is not None
        assert cookies[2] is None

    def test_without_a_workspace_the_header_stays_away(self, sandbox: SandboxServer, connect: Connect) -> None:
        connect(account_id="").account_check()
        assert not sandbox.log()[-1]["account_header_present"]

    @pytest.mark.parametrize("account_id", ["", "../me", "a b", "a\r\nX-Evil: 1"])
    def test_a_bad_account_id_sends_nothing(self, sandbox: SandboxServer, connect: Connect, account_id: str) -> None:
        upstream = connect(account_id=account_id)
        with pytest.raises(UpstreamError) as caught:
            upstream.members()
        assert caught.value.failure is Failure.WORKSPACE_NOT_FOUND
        assert invite(upstream).failure is Failure.WORKSPACE_NOT_FOUND
        assert sandbox.log() == []

    @pytest.mark.parametrize("token", ["", "a b", "a\r\nX-Evil: 1", "ключ", "a\0b"])
    def test_a_bad_token_sends_nothing(self, sandbox: SandboxServer, connect: Connect, token: str) -> None:
        upstream = connect(access_token=token)
        with pytest.raises(UpstreamError) as caught:
            upstream.me()
        assert (caught.value.failure, caught.value.code) == (Failure.TOKEN_REJECTED, "malformed_token")
        assert invite(upstream).verdict is Verdict.NO
        assert sandbox.log() == []

    def test_the_log_has_no_secret(
        self, upstream: Upstream, keys: dict[str, Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        upstream.members()
        invite(upstream)
        lines = [record.getMessage() for record in caplog.records if record.name.startswith("teampool")]
        assert any(line.startswith("members: HTTP 200") and "-SBX" in line for line in lines)
        assert any(line.startswith("invite: HTTP 200") for line in lines)
        assert keys["access_token"] not in caplog.text
        assert ANA not in caplog.text
        assert keys["access_token"] not in repr(upstream)


class TestMembers:
    def test_it_reads_everyone_over_many_pages(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str
    ) -> None:
        sandbox.shape(max_limit=3)
        for number in range(10):
            sandbox.member(account_id, f"m{number}@example.com")
        before = datetime.now(UTC)
        listing = upstream.members()
        assert listing.is_complete
        assert before <= listing.started_at <= datetime.now(UTC)
        assert {row.email for row in listing.rows} == {"owner1@example.com"} | {
            f"m{number}@example.com" for number in range(10)
        }
        assert [row.role for row in listing.rows if row.is_manager] == ["account-owner"]

    @pytest.mark.parametrize(
        "shape",
        [
            {"members_key": "users"},
            {"members_key": "data"},
            {"members_extra": True},
            {"members_name": "null"},
            {"list_total": "absent"},
            {"timestamps": "offset"},
            {"timestamps": "offset_fraction"},
            {"timestamps": "z"},
        ],
    )
    def test_it_reads_every_shape_alike(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str, shape: dict[str, Any]
    ) -> None:
        sandbox.member(account_id, ANA)
        sandbox.shape(**shape)
        listing = upstream.members()
        assert listing.is_complete
        assert {row.email for row in listing.rows} == {"owner1@example.com", ANA}
        assert all(row.created_at is not None for row in listing.rows)

    def test_sparse_rows_are_enough(self, sandbox: SandboxServer, upstream: Upstream) -> None:
        sandbox.shape(members_sparse=True)
        (row,) = upstream.members().rows
        assert (row.role, row.seat_type) == ("account-owner", "default")

    def test_bare_ids_equal_the_tokens_own(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str, keys: dict[str, Any]
    ) -> None:
        sandbox.member(account_id, ANA)
        sandbox.shape(members_id="bare")
        assert keys["user_id"] in {row.user_id for row in upstream.members().rows}
        assert upstream.remove(user_id_of(upstream, ANA)).verdict is Verdict.SENT

    def test_a_hidden_address_is_none_and_the_row_stays(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str
    ) -> None:
        sandbox.member(account_id, ANA, hide_email=True)
        listing = upstream.members()
        assert listing.is_complete
        assert sorted(row.email or "" for row in listing.rows) == ["", "owner1@example.com"]

    def test_a_deactivated_row_says_since_when(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str
    ) -> None:
        sandbox.member(account_id, ANA, deactivated=True)
        assert [row.deactivated_at is not None for row in upstream.members().rows if row.email == ANA] == [True]

    @pytest.mark.parametrize(
        ("fault", "problem"),
        [
            ("page_total_grows", "page 2: the total changed"),
            ("page_duplicate", "page 2: a row shown twice"),
            ("page_gap", "page 4: fewer rows than the total"),
            ("page_empty", "page 2: fewer rows than the total"),
            ("page_more_than_total", "page 3: more rows than the total"),
            ("page_endless", "no end after 100 pages"),
            ("page_endless_repeat", "page 3: a row shown twice"),
        ],
    )
    def test_dishonest_paging_is_never_complete(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str, fault: str, problem: str
    ) -> None:
        for number in range(5):
            sandbox.member(account_id, f"m{number}@example.com")
        sandbox.shape(max_limit=2 if fault != "page_endless_repeat" else 3)
        sandbox.fault("members", fault)
        listing = upstream.members()
        assert (listing.is_complete, listing.problem, listing.failure) == (False, problem, None)
        # What was read still proves presence.
        assert len(listing.rows) >= 2

    @pytest.mark.parametrize("fault", ["page_clamp", "page_no_total"])
    def test_odd_paging_is_complete_when_it_is(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str, fault: str
    ) -> None:
        for number in range(5):
            sandbox.member(account_id, f"m{number}@example.com")
        sandbox.fault("members", fault)
        listing = upstream.members()
        assert listing.is_complete
        assert len(listing.rows) == 6

    def test_a_token_that_dies_between_pages_leaves_an_incomplete_list(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str
    ) -> None:
        sandbox.shape(max_limit=2)
        for number in range(5):
            sandbox.member(account_id, f"m{number}@example.com")
        sandbox.fault("members", "kill_tokens")
        listing = upstream.members()
        assert (listing.is_complete, len(listing.rows)) == (False, 2)
        assert listing.failure is not None
        assert listing.failure.failure is Failure.TOKEN_REJECTED

    @pytest.mark.parametrize(
        ("fault", "failure"),
        [
            ("token_expired", Failure.TOKEN_REJECTED),
            ("token_invalidated", Failure.TOKEN_REJECTED),
            ("token_revoked", Failure.TOKEN_REJECTED),
            ("could_not_parse", Failure.TOKEN_REJECTED),
            ("unauthorized", Failure.TOKEN_REJECTED),
            ("200_token_expired", Failure.TOKEN_REJECTED),
            ("account_deactivated", Failure.USER_DEACTIVATED),
            ("unknown_401", Failure.UNKNOWN_401),
            ("empty_401", Failure.UNKNOWN_401),
            ("deactivated_402", Failure.WORKSPACE_SUSPENDED),
            ("deactivated_403_code", Failure.WORKSPACE_SUSPENDED),
            ("deactivated_403_text", Failure.WORKSPACE_SUSPENDED),
            ("delinquent_401", Failure.WORKSPACE_DELINQUENT),
            ("workspace_404", Failure.WORKSPACE_NOT_FOUND),
            ("forbidden_403", Failure.PERMISSION_DENIED),
            ("country_403", Failure.EDGE_BLOCK),
            ("html_403", Failure.EDGE_BLOCK),
            ("html_503", Failure.EDGE_BLOCK),
            ("html_429", Failure.EDGE_BLOCK),
            ("html_200", Failure.EDGE_BLOCK),
            ("html_1020", Failure.EDGE_BLOCK),
            ("html_with_code", Failure.EDGE_BLOCK),
            ("500_json", Failure.SERVER_ERROR),
            ("502_html", Failure.SERVER_ERROR),
            ("503_html", Failure.SERVER_ERROR),
            ("504_empty", Failure.SERVER_ERROR),
            ("429", Failure.RATE_LIMITED),
            ("redirect_login", Failure.PROTOCOL_ERROR),
            ("200_invalid_json", Failure.PROTOCOL_ERROR),
            ("200_empty", Failure.PROTOCOL_ERROR),
            ("200_null", Failure.PROTOCOL_ERROR),
            ("200_array", Failure.PROTOCOL_ERROR),
            ("200_empty_object", Failure.PROTOCOL_ERROR),
            ("200_wrong_type", Failure.EDGE_BLOCK),
            ("reset_before", Failure.TIMEOUT_OR_RESET),
            ("reset_mid_body", Failure.TIMEOUT_OR_RESET),
        ],
    )
    def test_a_failed_first_page_raises(
        self, sandbox: SandboxServer, upstream: Upstream, fault: str, failure: Failure
    ) -> None:
        sandbox.fault("members", fault)
        with pytest.raises(UpstreamError) as caught:
            upstream.members()
        assert caught.value.failure is failure
        assert caught.value.op == "members"
        assert len(sandbox.log()) == 1

    def test_a_slow_answer_ends_at_the_deadline(
        self, sandbox: SandboxServer, upstream: Upstream, settings: Any, account_id: str
    ) -> None:
        settings.UPSTREAM_TIMEOUT = 1.0
        sandbox.shape(max_limit=1)
        sandbox.member(account_id, ANA)
        sandbox.fault("members", "timeout_before", nth=2)
        before = datetime.now(UTC)
        listing = upstream.members()
        assert datetime.now(UTC) - before < timedelta(seconds=4)
        assert (listing.is_complete, listing.problem) == (False, "page 2: no answer, timeout_or_reset")


class TestPatience:
    @pytest.fixture
    def pauses(self, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        taken: list[float] = []
        monkeypatch.setattr(transport, "sleep", taken.append)
        return taken

    @pytest.mark.parametrize("fault", ["500_json", "reset_before", "200_null"])
    def test_a_patient_read_tries_again(
        self, sandbox: SandboxServer, connect: Connect, pauses: list[float], fault: str
    ) -> None:
        sandbox.fault("members", fault)
        assert connect(patience=3).members().is_complete
        assert len(sandbox.log()) == 2
        assert 1 <= pauses[0] < 2

    def test_it_waits_longer_each_time_and_then_gives_up(
        self, sandbox: SandboxServer, connect: Connect, pauses: list[float], settings: Any
    ) -> None:
        settings.UPSTREAM_TIMEOUT = 30.0
        sandbox.fault("members", "500_json", times=0)
        with pytest.raises(UpstreamError):
            connect(patience=3).members()
        assert len(sandbox.log()) == 4
        assert [int(pause) for pause in pauses] == [1, 2, 4]

    def test_it_never_waits_beyond_the_deadline(
        self, sandbox: SandboxServer, connect: Connect, pauses: list[float], settings: Any
    ) -> None:
        settings.UPSTREAM_TIMEOUT = 1.0
        sandbox.fault("members", "500_json", times=0)
        with pytest.raises(UpstreamError):
            connect(patience=3).members()
        assert (pauses, len(sandbox.log())) == ([], 1)

    @pytest.mark.parametrize("fault", ["token_expired", "html_403", "429", "deactivated_402"])
    def test_what_will_not_change_is_not_asked_twice(
        self, sandbox: SandboxServer, connect: Connect, pauses: list[float], fault: str
    ) -> None:
        sandbox.fault("members", fault)
        with pytest.raises(UpstreamError):
            connect(patience=3).members()
        assert (pauses, len(sandbox.log())) == ([], 1)

    def test_a_broken_answer_is_asked_for_once_more_only(
        self, sandbox: SandboxServer, connect: Connect, pauses: list[float]
    ) -> None:
        sandbox.fault("members", "200_null", times=0)
        with pytest.raises(UpstreamError):
            connect(patience=3).members()
        assert len(sandbox.log()) == 2

    def test_a_write_is_never_repeated(self, sandbox: SandboxServer, connect: Connect, pauses: list[float]) -> None:
        sandbox.fault("invite", "500_json", times=0)
        assert invite(connect(patience=3)).verdict is Verdict.UNKNOWN
        assert (pauses, len(sandbox.log())) == ([], 1)


class TestInvites:
    @pytest.mark.parametrize("shape", [{}, {"invites_key": "account_invites"}, {"invites_status": "string"}])
    def test_it_reads_the_pending_list(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str, shape: dict[str, Any]
    ) -> None:
        sandbox.shape(max_limit=2, **shape)
        for number in range(5):
            sandbox.invite_from_web(account_id, f"p{number}@example.com")
        listing = upstream.invites()
        assert listing.is_complete
        assert {row.email for row in listing.rows} == {f"p{number}@example.com" for number in range(5)}

    def test_nobody_pending_is_complete_too(self, upstream: Upstream) -> None:
        listing = upstream.invites()
        assert (listing.rows, listing.is_complete) == ((), True)


class TestInvite:
    def test_it_is_sent_and_seen(self, upstream: Upstream) -> None:
        answer = invite(upstream, " Ana@Example.com ")
        assert (answer.verdict, answer.failure, answer.status) == (Verdict.SENT, None, 200)
        assert [row.email for row in upstream.invites().rows] == [ANA]

    @pytest.mark.parametrize("form", ["email_key", "strings"])
    def test_it_reads_each_form_of_the_list(self, sandbox: SandboxServer, upstream: Upstream, form: str) -> None:
        sandbox.shape(account_invites=form)
        assert invite(upstream).verdict is Verdict.SENT

    @pytest.mark.parametrize("form", ["int", "null", "missing"])
    def test_a_form_without_names_is_unknown(self, sandbox: SandboxServer, upstream: Upstream, form: str) -> None:
        sandbox.shape(account_invites=form)
        assert invite(upstream).verdict is Verdict.UNKNOWN

    @pytest.mark.parametrize("fault", ["echo_changed", "true_up_partial_sent"])
    def test_these_are_sent(self, sandbox: SandboxServer, upstream: Upstream, fault: str) -> None:
        sandbox.fault("invite", fault)
        assert invite(upstream).verdict is Verdict.SENT

    @pytest.mark.parametrize(
        "fault",
        [
            "seat_full_400",
            "seats_maximum",
            "seats_none",
            "true_up_401",
            "true_up_400",
            "true_up_error",
            "true_up_detail",
            "true_up_text",
            "full_422",
            "true_up_partial_errored",
        ],
    )
    def test_full_in_any_words_is_a_no_of_the_team(
        self, sandbox: SandboxServer, upstream: Upstream, fault: str
    ) -> None:
        sandbox.fault("invite", fault)
        answer = invite(upstream)
        assert (answer.verdict, answer.failure, answer.fault) == (Verdict.NO, Failure.SEATS_FULL, Fault.TEAM)

    @pytest.mark.parametrize(
        "fault",
        ["invalid_422_text", "invalid_422_object", "invalid_422_list", "errored", "blocked", "domain_restricted"],
    )
    def test_a_bad_address_is_a_no_of_the_recipient(
        self, sandbox: SandboxServer, upstream: Upstream, fault: str
    ) -> None:
        sandbox.fault("invite", fault)
        answer = invite(upstream)
        assert (answer.verdict, answer.fault) == (Verdict.NO, Fault.RECIPIENT)

    @pytest.mark.parametrize("element", ["object", "email_key", "string"])
    @pytest.mark.parametrize("error", ["string", "object", "missing"])
    def test_a_bad_address_is_read_in_every_form(
        self, sandbox: SandboxServer, upstream: Upstream, element: str, error: str
    ) -> None:
        sandbox.shape(errored_element=element, errored_error=error)
        answer = invite(upstream, "not-an-address")
        assert (answer.verdict, answer.failure) == (Verdict.NO, Failure.EMAIL_REJECTED)

    @pytest.mark.parametrize(
        ("fault", "failure", "fault_of_it"),
        [
            ("token_expired", Failure.TOKEN_REJECTED, Fault.CREDENTIAL),
            ("200_token_expired", Failure.TOKEN_REJECTED, Fault.CREDENTIAL),
            ("account_deactivated", Failure.USER_DEACTIVATED, Fault.CREDENTIAL),
            ("deactivated_402", Failure.WORKSPACE_SUSPENDED, Fault.TEAM),
            ("delinquent_401", Failure.WORKSPACE_DELINQUENT, Fault.TEAM),
            ("workspace_404", Failure.WORKSPACE_NOT_FOUND, Fault.TEAM),
            ("forbidden_403", Failure.PERMISSION_DENIED, Fault.TEAM),
            ("unknown_401", Failure.UNKNOWN_401, Fault.NETWORK),
        ],
    )
    def test_other_refusals_are_a_no_with_a_name(
        self, sandbox: SandboxServer, upstream: Upstream, fault: str, failure: Failure, fault_of_it: Fault
    ) -> None:
        sandbox.fault("invite", fault)
        answer = invite(upstream)
        assert (answer.verdict, answer.failure, answer.fault) == (Verdict.NO, failure, fault_of_it)

    @pytest.mark.parametrize(
        "fault",
        [
            "reset_before",
            "reset_after",
            "reset_mid_body",
            "500_json_after",
            "502_html_after",
            "503_empty",
            "html_403",
            "html_403_after",
            "html_with_code",
            "html_200",
            "429_after",
            "429_day",
            "ghost_a",
            "ghost_c",
            "already_409_member",
            "already_409_workspace",
            "already_409_team",
            "already_member_list",
            "busy_409",
            "foreign_email",
            "both_lists",
            "redirect_login",
            *UNKNOWN_SHAPES,
        ],
    )
    def test_whatever_proves_nothing_is_unknown(self, sandbox: SandboxServer, upstream: Upstream, fault: str) -> None:
        sandbox.fault("invite", fault)
        answer = invite(upstream)
        assert answer.verdict is Verdict.UNKNOWN
        assert answer.failure is not None
        assert answer.fault in (Fault.NETWORK, Fault.NONE)
        assert len(sandbox.log(op="invite")) == 1

    @pytest.mark.parametrize("fault", ["timeout_before", "timeout_after"])
    def test_no_answer_in_time_is_unknown(
        self, sandbox: SandboxServer, upstream: Upstream, settings: Any, fault: str
    ) -> None:
        settings.UPSTREAM_TIMEOUT = 0.3
        sandbox.fault("invite", fault)
        answer = invite(upstream)
        assert (answer.verdict, answer.failure) == (Verdict.UNKNOWN, Failure.TIMEOUT_OR_RESET)

    def test_a_server_that_is_gone_is_a_certain_no(self, sandbox: SandboxServer, upstream: Upstream) -> None:
        sandbox.stop()
        answer = invite(upstream)
        assert (answer.verdict, answer.failure, answer.fault) == (Verdict.NO, Failure.CONNECT_FAILED, Fault.NETWORK)

    def test_it_names_ghosts_and_members(self, sandbox: SandboxServer, upstream: Upstream, account_id: str) -> None:
        sandbox.fault("invite", "ghost_a")
        assert invite(upstream).failure is Failure.GHOST_SUCCESS
        sandbox.member(account_id, ANA)
        assert invite(upstream).failure is Failure.ALREADY_MEMBER

    def test_it_tells_how_long_to_wait(self, sandbox: SandboxServer, upstream: Upstream) -> None:
        sandbox.fault("invite", "429_retry_60")
        assert invite(upstream).retry_after == timedelta(seconds=60)

    def test_inviting_again_is_sent_again(self, sandbox: SandboxServer, upstream: Upstream, account_id: str) -> None:
        assert invite(upstream).verdict is Verdict.SENT
        assert invite(upstream).verdict is Verdict.SENT
        assert len(upstream.invites().rows) == 1
        assert sandbox.dump()["mails"] == 2


class TestRevoke:
    @pytest.mark.parametrize("reply", ["success", "deleted", "empty_object", "empty", "204"])
    def test_any_2xx_will_do(self, sandbox: SandboxServer, upstream: Upstream, reply: str) -> None:
        invite(upstream)
        sandbox.shape(delete_reply=reply)
        assert upstream.revoke(" ANA@example.com").verdict is Verdict.SENT
        assert upstream.invites().rows == ()

    def test_nobody_to_revoke_is_a_no(self, upstream: Upstream) -> None:
        answer = upstream.revoke(ANA)
        assert (answer.verdict, answer.failure, answer.fault) == (Verdict.NO, Failure.NOT_FOUND_ITEM, Fault.NONE)

    @pytest.mark.parametrize("fault", ["500_json", "reset_after", "html_403", "429", "busy_409"])
    def test_what_proves_nothing_is_unknown(self, sandbox: SandboxServer, upstream: Upstream, fault: str) -> None:
        sandbox.fault("revoke", fault)
        assert upstream.revoke(ANA).verdict is Verdict.UNKNOWN
        assert len(sandbox.log()) == 1


class TestRemove:
    def test_it_removes_a_member(self, sandbox: SandboxServer, upstream: Upstream, account_id: str) -> None:
        sandbox.member(account_id, ANA)
        assert upstream.remove(user_id_of(upstream, ANA)).verdict is Verdict.SENT
        assert [row.email for row in upstream.members().rows] == ["owner1@example.com"]

    @pytest.mark.parametrize("numbers", ["number", "string"])
    def test_it_reads_what_the_removal_costs(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str, numbers: str
    ) -> None:
        sandbox.set_workspace(account_id, vacancy_threshold=6, vacancies=5, shapes={"policy_numbers": numbers})
        sandbox.member(account_id, ANA)
        notice = upstream.remove(user_id_of(upstream, ANA)).notice
        assert notice is not None
        assert (notice.vacancy_ordinal, notice.free_below, notice.seats_billed, notice.costs) == (6, 6, 1, True)
        assert notice.needs_replacement
        assert notice.billed_from is not None
        assert notice.billed_until == notice.billed_from + timedelta(days=30)

    @pytest.mark.parametrize(
        "shape",
        [
            {"policy_notice": "null"},
            {"policy_notice": "absent", "billing_notice": "absent"},
            {"delete_reply": "204"},
            {"delete_reply": "empty_object"},
            {"delete_reply": "deleted"},
        ],
    )
    def test_a_removal_that_says_nothing_of_its_cost_is_done_all_the_same(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str, shape: dict[str, str]
    ) -> None:
        sandbox.set_workspace(account_id, vacancy_threshold=0, shapes=shape)
        sandbox.member(account_id, ANA)
        answer = upstream.remove(user_id_of(upstream, ANA))
        assert (answer.verdict, answer.notice) == (Verdict.SENT, None)

    def test_the_owner_is_refused(self, upstream: Upstream) -> None:
        answer = upstream.remove(user_id_of(upstream, "owner1@example.com"))
        assert (answer.verdict, answer.failure) == (Verdict.NO, Failure.PERMISSION_DENIED)

    def test_nobody_to_remove_is_a_no(self, upstream: Upstream) -> None:
        answer = upstream.remove("user-Nobody")
        assert (answer.verdict, answer.failure) == (Verdict.NO, Failure.NOT_FOUND_ITEM)

    def test_busy_is_unknown(self, sandbox: SandboxServer, upstream: Upstream) -> None:
        sandbox.fault("remove", "busy_409")
        answer = upstream.remove("user-Nobody")
        assert (answer.verdict, answer.failure) == (Verdict.UNKNOWN, Failure.CONFLICT_BUSY)

    @pytest.mark.parametrize("user_id", ["", ".", "..", "../invites", "user-1?x=1", "a/b", "user-1\n"])
    def test_an_id_that_leads_elsewhere_sends_nothing(
        self, sandbox: SandboxServer, upstream: Upstream, user_id: str
    ) -> None:
        answer = upstream.remove(user_id)
        assert (answer.verdict, answer.failure) == (Verdict.NO, Failure.REFUSED_UNCLEAR)
        assert sandbox.log() == []


class TestAccountCheck:
    def test_it_lists_the_workspaces(self, sandbox: SandboxServer, upstream: Upstream, account_id: str) -> None:
        (one,) = upstream.account_check()
        assert (one.account_id, one.is_manageable, one.will_renew, one.is_delinquent) == (account_id, True, True, False)
        assert one.organization_id.startswith("org-")

    @pytest.mark.parametrize(
        "shape",
        [
            {"accounts_map": "default_alias"},
            {"accounts_map": "both"},
            {"accounts_ordering": "extra"},
            {"accounts_ordering": "short"},
            {"entitlement": "null"},
        ],
    )
    def test_it_reads_every_shape(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str, shape: dict[str, Any]
    ) -> None:
        sandbox.shape(**shape)
        assert [one.account_id for one in upstream.account_check()] == [account_id]

    def test_a_personal_account_cannot_be_managed(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str
    ) -> None:
        sandbox.shape(personal_account=True)
        assert [one.account_id for one in upstream.account_check() if one.is_manageable] == [account_id]

    @pytest.mark.parametrize("seen", ["deactivated", "no_access", "removed", "error_code", "status_code"])
    def test_a_dead_workspace_cannot_be_managed(
        self, sandbox: SandboxServer, upstream: Upstream, account_id: str, seen: str
    ) -> None:
        sandbox.set_workspace(account_id, in_check=seen)
        (one,) = upstream.account_check()
        assert not one.is_manageable
        assert one.is_removed == (seen == "removed")
        assert one.is_deactivated == (seen in ("deactivated", "error_code", "status_code"))


class TestSubscription:
    def test_it_tells_the_seats(self, upstream: Upstream) -> None:
        seats = upstream.subscription()
        assert (seats.seats_entitled, seats.will_renew) == (5, True)
        assert seats.pool("default") == SeatPool("default", 5, 0, 4, 5)
        assert seats.active_until is not None

    def test_a_removal_may_hold_its_seat(self, sandbox: SandboxServer, upstream: Upstream, account_id: str) -> None:
        sandbox.set_workspace(account_id, vacancy_threshold=0)
        sandbox.member(account_id, ANA)
        upstream.remove(user_id_of(upstream, ANA))
        pool = upstream.subscription().pool("default")
        assert pool is not None
        assert pool.held == 1
        held = upstream.held_people()
        assert [(row.email, row.reclaimable_seat_type, held.is_complete) for row in held.rows] == [
            (ANA, "default", True)
        ]
        assert ANA not in [row.email for row in upstream.members().rows]

    @pytest.mark.parametrize("shape", ["zero", "null", "missing"])
    def test_unknown_seats_are_none(self, sandbox: SandboxServer, upstream: Upstream, shape: str) -> None:
        sandbox.shape(seats_entitled=shape, seat_capacity="missing", assigned="missing")
        seats = upstream.subscription()
        assert (seats.seats_entitled, seats.has_pools) == (None, False)

    def test_no_subscription_is_told_apart(self, sandbox: SandboxServer, upstream: Upstream, account_id: str) -> None:
        sandbox.set_workspace(account_id, has_subscription=False)
        with pytest.raises(UpstreamError) as caught:
            upstream.subscription()
        assert (caught.value.failure, caught.value.status) == (Failure.NOT_FOUND_ITEM, 404)

    def test_a_lower_role_may_not_see(self, sandbox: SandboxServer, upstream: Upstream, account_id: str) -> None:
        sandbox.member(account_id, "owner1@example.com", role="standard-user")
        with pytest.raises(UpstreamError) as caught:
            upstream.subscription()
        assert caught.value.failure is Failure.PERMISSION_DENIED


class TestMe:
    def test_it_tells_whose_token_it_is(self, upstream: Upstream, keys: dict[str, Any]) -> None:
        identity = upstream.me()
        assert (identity.user_id, identity.email) == (keys["user_id"], keys["email"])

    def test_an_anonymous_user_is_a_dead_token(self, sandbox: SandboxServer, upstream: Upstream) -> None:
        sandbox.fault("me", "me_anonymous")
        with pytest.raises(UpstreamError) as caught:
            upstream.me()
        assert caught.value.failure is Failure.TOKEN_REJECTED

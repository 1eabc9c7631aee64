from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teampool.upstream.classify import failure_of
from teampool.upstream.envelope import read_envelope, retry_after, scrub
from teampool.upstream.types import Op

JSON = {"Content-Type": "application/json"}
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class TestScrub:
    @pytest.mark.parametrize(
        "secret",
        [
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVy.dGFn",
            "rt_AbCdEfGhIjKl.MnOp",
            "ac_AbCdEfGhIjKl.MnOp",
            "a" * 40,
        ],
    )
    def test_it_hides_what_looks_like_a_token(self, secret: str) -> None:
        assert secret[:12] not in scrub(f"refused: {secret} was used")
        assert "was used" in scrub(f"refused: {secret} was used")

    def test_it_hides_whatever_follows_bearer(self) -> None:
        assert scrub("sent Bearer abc123") == "sent [hidden]"

    def test_it_is_one_short_line(self) -> None:
        assert scrub("one\n two " + "x " * 500).startswith("one two x")
        assert len(scrub("word " * 500)) == 200

    def test_it_hides_a_token_the_limit_would_have_cut(self) -> None:
        assert "a" * 5 not in scrub("word " * 38 + "a" * 40)

    def test_it_keeps_account_ids_and_sentences(self) -> None:
        text = "No workspace 11111111-2222-4333-8444-555555555555 for this user."
        assert scrub(text) == text


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("value", "seconds"),
        [("60", 60), ("1.5", 1.5), ("0.1", 1), ("86400", 86400), ("999999999", 86400)],
    )
    def test_it_reads_seconds_within_a_day(self, value: str, seconds: float) -> None:
        assert retry_after({"retry-after": value}) == timedelta(seconds=seconds)

    def test_it_reads_an_http_date(self) -> None:
        headers = {"Retry-After": "Mon, 02 Mar 2026 12:01:00 GMT"}
        assert retry_after(headers, now=NOW) == timedelta(minutes=1)

    @pytest.mark.parametrize(
        "value", ["", "0", "-5", "soon", "nan", "inf", "-inf", "Mon, 02 Mar 2020 12:01:00 GMT", "1e400", "٣"]
    )
    def test_it_ignores_what_makes_no_sense(self, value: str) -> None:
        wait = retry_after({"Retry-After": value}, now=NOW)
        assert wait is None or timedelta(seconds=1) <= wait <= timedelta(days=1)

    @pytest.mark.parametrize("value", ["", "0", "-5", "soon", "nan", "Mon, 02 Mar 2020 12:01:00 GMT"])
    def test_it_says_none_for_no_wait(self, value: str) -> None:
        assert retry_after({"Retry-After": value}, now=NOW) is None


class TestReadEnvelope:
    @pytest.mark.parametrize(
        ("body", "code", "text"),
        [
            ('{"error":{"message":"M","type":null,"code":"C","param":null},"status":401}', "c", "M"),
            ('{"detail":{"message":"M","code":"C"}}', "c", "M"),
            ('{"detail":{"code":"C"}}', "c", ""),
            ('{"detail":"plain text"}', "", "plain text"),
            ('{"detail":{"error":{"code":"C","message":"M"}}}', "c", "M"),
            ('{"error":"c","error_description":"M"}', "c", "M"),
            ('{"code":"c","message":"M"}', "c", "M"),
            ('{"detail":[{"loc":["body"],"msg":"M","type":"t"}]}', "", "M"),
            ("some words", "", "some words"),
        ],
    )
    def test_it_reads_every_envelope(self, body: str, code: str, text: str) -> None:
        envelope = read_envelope(400, JSON, body)
        assert (envelope.code, envelope.text) == (code, text)

    @pytest.mark.parametrize(
        "body",
        [
            "null",
            "[]",
            "3",
            '"text"',
            '{"detail":null}',
            '{"detail":[1,null,[]]}',
            '{"error":[{}]}',
            '{"error":{"code":{}}}',
            "[" * 5000,
            "1" * 5000,
            "\x00",
            "{",
        ],
    )
    def test_it_is_not_shocked_by_odd_types(self, body: str) -> None:
        envelope = read_envelope(400, JSON, body)
        assert envelope.code == ""

    @settings(deadline=None)
    @given(
        st.integers(200, 599),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["error", "detail", "code", "message", "msg", "items", "account_invites"]), inner
                )
            ),
        ),
        st.sampled_from(list(Op)),
    )
    def test_no_json_shocks_it(self, status: int, value: object, op: Op) -> None:
        import json

        envelope = read_envelope(status, JSON, json.dumps(value).encode())
        assert envelope.is_json
        failure = failure_of(envelope, op)
        assert failure is not None or status < 300

    def test_a_member_called_like_a_block_page_is_no_block_page(self) -> None:
        envelope = read_envelope(200, JSON, '{"items":[{"name":"Just a moment cf_chl"}]}')
        assert not envelope.is_challenge
        assert envelope.is_json

    def test_html_is_html_whatever_the_header_says(self) -> None:
        envelope = read_envelope(403, JSON, "  <html>seat_true_up_pending</html>")
        assert envelope.is_html
        assert envelope.codes == envelope.texts == ()

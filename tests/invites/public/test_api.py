from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from invites.models import Redemption
from invites.states import GrantState, Refusal
from tests.cast import ANA, SAM, a_code, a_team
from tests.invites.rows import a_member, a_redemption, a_refused, a_seated, an_already, an_ended

pytestmark = pytest.mark.django_db
URL = "/api/redemptions"
CODE = "7K2M9QXDVH4TB8NC"


@pytest.fixture
def post(client):
    """POST as a program does; `body` goes out as it is when it is bytes."""

    def post(body: object, **extra: object):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(URL, raw, **({"content_type": "application/json"} | extra))

    return post


def refusal(answer) -> tuple[int, str]:
    """Status and error_code of a refusal, which has exactly these two members."""
    assert answer["Content-Type"] == "application/json"
    assert set(answer.json()) == {"error", "error_code"}
    assert answer.json()["error"]
    return answer.status_code, answer.json()["error_code"]


class TestPost:
    def test_a_good_pair_is_accepted(self, post):
        a_team()
        a_code(CODE)
        answer = post({"email": ANA, "code": CODE})
        redemption = Redemption.objects.get()
        assert answer.status_code == 202
        assert answer.json() == {
            "id": redemption.public_id,
            "state": "pending",
            "status_url": f"http://testserver/r/{redemption.public_id}/",
        }

    def test_the_same_pair_is_the_same_one(self, post):
        a_team()
        a_code(CODE)
        body = {"email": ANA, "code": CODE}
        assert post(body).json() == post(body).json()

    def test_an_email_with_a_seat_is_a_success(self, post):
        a_seated(GrantState.JOINED)
        code = a_code(CODE)
        answer = post({"email": ANA, "code": CODE})
        assert answer.status_code == 202
        assert (answer.json()["state"], answer.json()["already"]) == ("joined", True)
        code.refresh_from_db()
        assert code.uses_held == 0

    def test_it_needs_no_cookie_and_no_token(self, post):
        a_team()
        a_code(CODE)
        client = Client(enforce_csrf_checks=True)
        answer = client.post(URL, json.dumps({"email": ANA, "code": CODE}), content_type="application/json")
        assert answer.status_code == 202
        assert not client.cookies

    def test_more_than_it_asks_for_is_ignored(self, post):
        a_team()
        a_code(CODE)
        assert post({"email": ANA, "code": CODE, "team": "x", "state": "joined"}).json()["state"] == "pending"

    @pytest.mark.parametrize(
        ("make", "status", "error_code"),
        [
            (lambda: None, 422, "code_unknown"),
            (lambda: a_redemption(SAM, code=a_code(CODE, uses_held=1)), 422, "code_used"),
            (lambda: a_code(CODE, redeem_until=timezone.now() - timedelta(days=1)), 422, "code_expired"),
            (lambda: a_code(CODE, voided_at=timezone.now()), 422, "code_void"),
            (lambda: a_code(CODE), 409, "no_seat"),
            (lambda: a_member(a_team(), ANA, seat_type="prolite") and a_code(CODE), 409, "other_seat"),
        ],
        ids=["unknown", "used", "expired", "void", "no_seat", "other_seat"],
    )
    def test_a_refusal_has_its_code(self, post, make, status, error_code):
        make()
        assert refusal(post({"email": ANA, "code": CODE})) == (status, error_code)

    @pytest.mark.parametrize(
        "email", ["", " ", "ana@", "ａｎａ@example.com", "\0", "a\0@example.com", "\ud800", "x" * 999]
    )
    def test_a_bad_email(self, post, email):
        assert refusal(post({"email": email, "code": CODE})) == (422, "email_invalid")

    @pytest.mark.parametrize("code", ["", "\0", "\ud800", "🤷" * 16, "A" * 60_000, f"{CODE}\0"])
    def test_a_bad_code(self, post, code):
        a_code(CODE)
        assert refusal(post({"email": ANA, "code": code})) == (422, "code_unknown")

    def test_too_many_says_when_to_come_back(self, post, settings):
        settings.REDEEM_THROTTLE = "2/h"
        body = {"email": ANA, "code": "wrong"}
        post(body)
        post(body)
        answer = post(body)
        assert refusal(answer) == (429, "too_many")
        assert answer["Retry-After"] == "3600"

    @pytest.mark.parametrize(
        ("language", "sentence"),
        [
            ("zh-CN", "没有这个邀请码。请对照原文检查，或向给你邀请码的人确认。"),
            ("en", "No such code. Check it against the original, or ask the person who gave it to you."),
        ],
    )
    def test_it_speaks_the_callers_language(self, post, language, sentence):
        answer = post({"email": ANA, "code": CODE}, headers={"Accept-Language": language})
        assert answer.json()["error"] == sentence


class TestBadBodies:
    @pytest.mark.parametrize(
        "body",
        [
            b" ",
            b"{",
            b"null",
            b"[]",
            b'"text"',
            b"1",
            b"{}",
            b"\xff\xfe{}",
            '{"email":"ana@example.com","code":"x"}'.encode("utf-16"),
            b'{"email":"\xff@example.com","code":"x"}',
            b'{"email":"ana@example.com"}',
            b'{"code":"x"}',
            b'{"email":1,"code":"x"}',
            b'{"email":"ana@example.com","code":["x"]}',
            b'{"email":null,"code":null}',
            b'{"email":{"a":"b"},"code":"x"}',
            b"[" * 60_000,
            b'{"email":' * 7_000,
            b"1" * 60_000,
            b"\0",
            b"email=ana@example.com&code=x",
        ],
    )
    def test_it_is_told_so_in_json(self, post, body):
        assert refusal(post(body)) == (400, "malformed")

    def test_more_than_64_kb_is_too_large(self, post):
        body = json.dumps({"email": ANA, "code": "x" * 66_000}).encode()
        assert refusal(post(body)) == (413, "too_large")

    def test_64_kb_are_not(self, post):
        body = json.dumps({"email": ANA, "code": "x"}).encode().ljust(64 * 1024)
        assert refusal(post(body)) == (422, "code_unknown")

    def test_a_length_that_is_a_lie_does_not_help(self, post):
        body = json.dumps({"email": ANA, "code": "x" * 66_000}).encode()
        assert refusal(post(body, CONTENT_LENGTH="100"))[0] == 400
        assert refusal(post(b"{}", CONTENT_LENGTH="9999999999"))[0] == 413

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
    def test_only_json_is_read(self, post, kind):
        """The three kinds a form of another site could send are not read."""
        a_team()
        a_code(CODE)
        assert refusal(post({"email": ANA, "code": CODE}, content_type=kind)) == (415, "not_json")
        assert not Redemption.objects.exists()

    def test_a_charset_beside_it_is_fine(self, post):
        answer = post({"email": ANA, "code": CODE}, content_type="application/json; charset=utf-8")
        assert refusal(answer) == (422, "code_unknown")

    @pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "options"])
    def test_other_methods_are_refused(self, client, method):
        answer = getattr(client, method)(URL)
        assert refusal(answer) == (405, "method_not_allowed")
        assert answer["Allow"] == "POST"

    def test_another_site_gets_no_leave(self, client):
        answer = client.options(
            URL, headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        )
        assert "Access-Control-Allow-Origin" not in answer


class TestGet:
    @pytest.mark.parametrize(
        ("make", "state"),
        [
            (a_redemption, "pending"),
            (lambda: a_seated(GrantState.INVITED), "invited"),
            (lambda: a_seated(GrantState.VERIFIED), "verified"),
            (lambda: a_seated(GrantState.JOINED), "joined"),
            (lambda: an_ended(at=timezone.now()), "ended"),
        ],
        ids=["pending", "invited", "verified", "joined", "ended"],
    )
    def test_it_says_where_it_stands(self, client, make, state):
        redemption = make()
        answer = client.get(f"{URL}/{redemption.public_id}")
        assert answer.status_code == 200
        assert answer.json() == {
            "id": redemption.public_id,
            "state": state,
            "status_url": f"http://testserver/r/{redemption.public_id}/",
        }

    @pytest.mark.parametrize("why", Refusal.values)
    def test_a_refused_one_says_why(self, client, why):
        answer = client.get(f"{URL}/{a_refused(why).public_id}").json()
        assert (answer["state"], answer["error_code"]) == ("refused", why)

    def test_an_already_seated_one_says_so(self, client):
        answer = client.get(f"{URL}/{an_already(a_seated(GrantState.VERIFIED)).public_id}").json()
        assert (answer["state"], answer["already"]) == ("verified", True)

    def test_the_email_is_not_in_it(self, client):
        answer = client.get(f"{URL}/{a_seated(GrantState.VERIFIED).public_id}")
        assert b"ana" not in answer.content
        assert b"example.com" not in answer.content

    def test_it_is_not_kept(self, client):
        assert "no-store" in client.get(f"{URL}/{a_redemption().public_id}")["Cache-Control"]

    @pytest.mark.parametrize("public_id", ["NOBODY", "0", "a" * 500])
    def test_an_unknown_one(self, client, public_id):
        assert refusal(client.get(f"{URL}/{public_id}")) == (404, "not_found")

    def test_other_methods_are_refused(self, client):
        assert refusal(client.post(f"{URL}/{a_redemption().public_id}")) == (405, "method_not_allowed")

    @pytest.mark.parametrize(
        "make", [lambda: a_seated(GrantState.VERIFIED), lambda: an_already(a_seated(GrantState.JOINED))]
    )
    def test_it_asks_the_database_twice(self, client, django_assert_num_queries, make):
        redemption = make()
        with django_assert_num_queries(2):
            client.get(f"{URL}/{redemption.public_id}")

"""Account files of other tools: wherever the accounts stand in them, each gets its record and its place."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest

from teampool.imports.reading.record import NO_TOKEN, OTHER_PLATFORM, TWO_ACCESS_TOKENS, UNREADABLE, Record
from teampool.imports.reading.text import parse

AT, AT2 = (f"eyJhbGciOiJSUzI1NiJ9.{body}.c2lnbmF0dXJlLXNpZ25hdHVyZQ" for body in ("eyJhIjoxfQ", "eyJiIjoyfQ"))
RT, CLIENT = "rt_" + "r" * 60, "app_EMoamEEZ73f0CkXaXp7hrann"
ST = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXY.Y2lwaGVy.dGFn"
AID, AID2 = "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"
A, B = "a@example.com", "b@example.com"
FIELDS = ("email", "access_token", "refresh_token", "session_token", "client_id", "account_id")


def fields(record: Record) -> dict[str, str]:
    return {name: value for name in FIELDS if (value := getattr(record, name))}


def read(data: Any, **options: Any) -> list[Record]:
    return parse(json.dumps(data, **options))


def one(data: Any) -> dict[str, str]:
    (record,) = read(data)
    assert record.problem == ""
    return fields(record)


ACCOUNT = {"email": A, "access_token": AT}


class TestOneAccount:
    WHOLE = {"email": A, "access_token": AT, "refresh_token": RT, "client_id": CLIENT, "account_id": AID}

    @pytest.mark.parametrize("part", ["credentials", "token", "tokens", "auth", "session", "oauth"])
    def test_tokens_in_an_object_of_their_own(self, part):
        tokens = {"access_token": AT, "refresh_token": RT, "client_id": CLIENT, "chatgpt_account_id": AID}
        assert one({"email": A, part: tokens}) == self.WHOLE
        assert one({part: tokens | {"email": A}}) == self.WHOLE

    def test_tokens_in_the_metadata(self):
        tokens = {"access_token": AT, "refresh_token": RT, "client_id": CLIENT, "account_id": AID}
        assert one({"type": "codex", "metadata": {"email": A, "token": tokens}}) == self.WHOLE

    @pytest.mark.parametrize(
        "names",
        [
            ("accessToken", "refreshToken", "clientId", "accountId"),
            ("access_token", "refresh_token", "client_id", "chatgpt_account_id"),
            ("AccessToken", "RefreshToken", "ClientID", "chatgptAccountId"),
            ("access-token", "refresh-token", "client-id", "account-id"),
        ],
    )
    def test_names_in_any_spelling(self, names):
        data = dict(zip(names, (AT, RT, CLIENT, AID), strict=True))
        assert one({"Email": A} | data) == self.WHOLE

    def test_an_id_of_the_other_tool_is_not_the_account(self):
        assert one(ACCOUNT | {"account_id": 12, "chatgpt_account_id": AID})["account_id"] == AID
        assert one(ACCOUNT | {"account_id": "12"}) == ACCOUNT
        assert one(ACCOUNT | {"account_id": AID2, "chatgpt_account_id": AID})["account_id"] == AID

    def test_a_name_that_is_an_e_mail_names_the_account(self):
        assert one({"name": A, "access_token": AT})["email"] == A
        assert one({"name": "Shanghai 03", "access_token": AT}) == {"access_token": AT}

    def test_a_name_never_contradicts_the_token(self):
        token = jwt.encode({"https://api.openai.com/profile": {"email": B}}, "x" * 32)
        assert one({"name": A, "access_token": token}) == {"access_token": token}

    def test_a_token_is_known_by_its_shape_not_by_a_wrong_name(self):
        assert one({"email": A, "token": AT}) == ACCOUNT
        assert one({"email": A, "token": f"Bearer {AT}"}) == ACCOUNT
        assert one({"access_token": ST}) == {"session_token": ST}
        assert one(ACCOUNT | {"refresh_token": AT2}) == ACCOUNT  # an id token, say

    @pytest.mark.parametrize("name", ["password", "pass", "2fa", "totp_secret", "secret", "recovery_email", "note"])
    @pytest.mark.parametrize("value", ["JBSWY3DPEHPK3PXP" * 2, "hunter2-hunter2-hunter2", AT2, RT])
    def test_what_is_no_token_by_its_name_is_none(self, name, value):
        assert one(ACCOUNT | {name: value}) == ACCOUNT
        (record,) = read({"email": A, name: value})
        assert record.problem == NO_TOKEN

    @pytest.mark.parametrize("value", ["x", "short", "no token here", A, AID])
    def test_what_does_not_look_like_a_token_is_none(self, value):
        (record,) = read({"email": A, "access_token": value})
        assert (record.problem, fields(record)) == (NO_TOKEN, {"email": A})

    def test_two_different_access_tokens_are_told(self):
        (record,) = read({"access_token": AT, "credentials": {"access_token": AT2}})
        assert (record.problem, fields(record)) == (TWO_ACCESS_TOKENS, {})

    @pytest.mark.parametrize("empty", [None, "", [], {}, "null"])
    def test_empty_parts_are_nothing(self, empty):
        assert one(ACCOUNT | {"refresh_token": empty if not isinstance(empty, list | dict) else None}) == ACCOUNT
        assert one(ACCOUNT | {"user": empty, "metadata": empty, "extra": empty}) == ACCOUNT


ENVELOPES = [
    lambda items: items,
    lambda items: {"accounts": items},
    lambda items: {"data": items, "total": 2},
    lambda items: {"items": items},
    lambda items: {"teams": items},
    lambda items: {"list": items},
    lambda items: {"code": 0, "data": {"list": items}},
    lambda items: {"data": {"accounts": {"items": items}}},
    lambda items: {"exported_at": "2026", "proxies": [{"name": "p", "password": "x" * 30}], "accounts": items},
    lambda items: {"result": {"rows": items}},
    lambda items: {item["email"]: item for item in items},
    lambda items: {"accounts": {item["email"]: item for item in items}},
    lambda items: {"accounts": {f"id{number}": item for number, item in enumerate(items)}},
    lambda items: {item["email"]: item["access_token"] for item in items},
    lambda items: {"accounts": [f"{item['email']}----{item['access_token']}" for item in items]},
]


class TestEnvelopes:
    @pytest.mark.parametrize("wrap", ENVELOPES)
    @pytest.mark.parametrize("indent", [None, 2])
    def test_each_account_gets_its_record(self, wrap, indent):
        records = read(wrap([ACCOUNT, {"email": B, "access_token": AT2}]), indent=indent)
        assert [fields(record) for record in records] == [ACCOUNT, {"email": B, "access_token": AT2}]

    def test_the_place_is_the_line_or_the_path(self):
        data = {"data": {"accounts": [ACCOUNT, {"email": B}]}}
        assert [(record.line, record.place) for record in read(data)] == [
            (1, "data.accounts[0]"),
            (1, "data.accounts[1]"),
        ]
        text = json.dumps(data, indent=1)
        lines = [number for number, line in enumerate(text.split("\n"), 1) if line.strip() == "{"][1:]
        assert [(record.line, record.place) for record in parse(text)] == [(number, "") for number in lines]

    def test_lines_follow_the_text_where_a_name_comes_twice(self):
        accounts = ",\n".join(json.dumps({"access_token": token}) for token in (AT, AT2))
        text = f'{{"data": {{"a": 1}},\n"data": [\n{accounts}\n]}}'
        assert [record.line for record in parse(text)] == [3, 4]

    def test_one_without_a_token_is_told_beside_the_others(self):
        records = read({"accounts": [ACCOUNT, {"email": B}, {}, 5, "x", None, []]})
        assert [record.problem for record in records] == ["", NO_TOKEN, NO_TOKEN, *[UNREADABLE] * 4]
        assert records[1].email == B

    def test_an_e_mail_without_anything_is_told(self):
        records = read({A: {"access_token": AT}, B: None})
        assert [(record.email, record.problem) for record in records] == [(A, ""), (B, UNREADABLE)]

    @pytest.mark.parametrize("data", [{"accounts": []}, {"data": {"list": []}}, {"data": None}, {"items": {}}])
    def test_an_empty_file_is_one_line_without_a_token(self, data):
        (record,) = read(data)
        assert record.problem in (NO_TOKEN, UNREADABLE)

    def test_the_teams_of_an_account_are_no_accounts(self):
        assert one(ACCOUNT | {"teams": [{"account_id": AID, "name": "x"}]}) == ACCOUNT
        assert one(ACCOUNT | {"accounts": {AID: {"account": {"account_id": AID, "plan": "team"}}}}) == ACCOUNT

    def test_an_e_mail_above_belongs_to_the_object_below(self):
        assert one({"email": A, "data": {"access_token": AT}}) == ACCOUNT
        assert one({"email": A, "login": {"access_token": AT}}) == ACCOUNT
        (record,) = read({"email": "exporter@example.com", "accounts": [{"access_token": AT}]})
        assert record.email == ""

    def test_several_files_one_after_the_other(self):
        texts = [json.dumps({"accounts": [ACCOUNT]}), json.dumps({"items": [{"access_token": AT2}]}, indent=1)]
        assert [record.access_token for record in parse("\n".join(texts))] == [AT, AT2]
        assert [record.access_token for record in parse("".join(texts))] == [AT, AT2]

    def test_deeper_than_anybody_nests_is_unreadable(self):
        data: Any = [ACCOUNT]
        for _ in range(12):
            data = {"data": data}
        assert [record.problem for record in read(data)] == [UNREADABLE]


class TestBounds:
    MANY = 1_700_000

    @pytest.mark.parametrize(
        "text", ["{}" * MANY, f"[{'1,' * MANY}1]", "a\n" * MANY], ids=["documents", "numbers", "lines"]
    )
    def test_it_stops_soon_after_as_many_as_are_wanted(self, text):
        assert 100 < len(parse(text, most=100)) < 110

    @pytest.mark.parametrize("item", ["{}", "[]"])
    def test_a_document_of_brackets_alone_is_not_even_built(self, item):
        (record,) = parse(f"[{f'{item},' * self.MANY}{item}]", most=100)
        assert record.problem == UNREADABLE


class TestOtherPlatforms:
    @pytest.mark.parametrize("about", [{"platform": "anthropic"}, {"provider": "gemini"}, {"type": "claude"}])
    def test_an_account_of_another_service_is_skipped(self, about):
        records = read({"accounts": [about | {"name": A, "credentials": {"access_token": "x" * 40}}, ACCOUNT]})
        assert [record.problem for record in records] == [OTHER_PLATFORM, ""]
        assert (records[0].detail, records[0].access_token) == (next(iter(about.values())), "")

    @pytest.mark.parametrize(
        "about", [{"platform": "openai"}, {"platform": "ChatGPT"}, {"type": "codex"}, {"type": "oauth"}]
    )
    def test_ours_is_read(self, about):
        assert one(about | ACCOUNT) == ACCOUNT

    def test_a_token_that_is_openai_s_is_read_whatever_the_label(self):
        token = jwt.encode({"https://api.openai.com/auth": {"user_id": "user-1"}}, "x" * 32)
        assert one({"platform": "web", "access_token": token}) == {"access_token": token}

    def test_a_name_that_could_be_a_secret_is_not_repeated(self):
        (record,) = read({"platform": "x" * 40, "access_token": AT})
        assert (record.problem, record.detail) == (OTHER_PLATFORM, "")

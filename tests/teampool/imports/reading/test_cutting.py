"""What is a token, what is not, and whose: passwords, seeds, recovery addresses, labels, sheets."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import pytest

from teampool.imports.reading.record import AGENT_IDENTITY, NO_TOKEN, PERSONAL_TOKEN, UNREADABLE, Record
from teampool.imports.reading.text import parse

MAIL, RECOVERY = "owner@example.com", "backup@example.net"
RT = "rt_AbCdEf.GhIjKl-_0123456789"
ST = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXZpdml2aXY.Y2lwaGVydGV4dA.dGFndGFnCg"
CLIENT = "app_ExampleExample"


def jwt(**claims: Any) -> str:
    def part(value: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}.c2lnbmF0dXJl"


def access_of(email: str) -> str:
    return jwt(aud=["https://api.openai.com/v1"], **{"https://api.openai.com/profile": {"email": email}})


AT = access_of(MAIL)
PASSWORDS = (
    "P@ssw0rd!x",
    "Correct-Horse-9x!",
    "correct-horse-battery-staple",
    "xK9fT2mQ8vLp4WzR7nB1sD6e",
    "rt-hunter2",
    "rt-correct-horse-battery-42",
    "rt_hunter!hunter!hunter",
    "eyJust.a.password",
    "eyJhbGciOi.not-really.x",
    "app-le_pie_1234567890",
    "Bearer-of-bad-news-2024",
    "a,b;c|d",
    "=cmd|' /C calc'!A0",
    "密码密码密码密码密码密码密码密码",
    "user-of-the-year-2024",
)
SEEDS = (
    "JBSWY3DPEHPK3PXP",
    "jbswy3dpehpk3pxp",
    "JBSW Y3DP EHPK 3PXP",
    "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    "otpauth://totp/ChatGPT:owner@example.com?secret=JBSWY3DPEHPK3PXP&issuer=OpenAI",
)


def one(text: str, **options: Any) -> Record:
    (record,) = parse(text, **options)
    return record


def tokens_of(record: Record) -> set[str]:
    return {record.access_token, record.refresh_token, record.session_token} - {""}


class TestPasswords:
    @pytest.mark.parametrize("token", [AT, RT, ST])
    @pytest.mark.parametrize("password", PASSWORDS)
    def test_it_is_ignored_wherever_it_stands(self, password: str, token: str) -> None:
        for columns in itertools.permutations([MAIL, password, SEEDS[len(password) % len(SEEDS)], token]):
            record = one("----".join(columns))
            assert (record.problem, record.email, tokens_of(record)) == ("", MAIL, {token}), columns
            assert "2fa" in record.unused
            assert password not in repr(record)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_neither_is_a_seed(self, seed: str) -> None:
        for columns in itertools.permutations([MAIL, "P@ssw0rd!x", seed, AT]):
            record = one("----".join(columns))
            assert (record.problem, record.email, tokens_of(record)) == ("", MAIL, {AT}), columns
            assert sorted(record.unused) == ["2fa", "password"]

    @pytest.mark.parametrize("mark", ["----", "\t", "|", ",", ";", " ", ":"])
    @pytest.mark.parametrize("password", [one for one in PASSWORDS if not set(one) & set(",;| ")])
    def test_it_is_no_token_without_one_beside_it(self, password: str, mark: str) -> None:
        for rest in ([], ["JBSWY3DPEHPK3PXP"], [RECOVERY], ["2026-12-01"], ["+8613800138000"], [password[::-1]]):
            record = one(mark.join(["nobody@example.com", password, *rest]))
            assert (record.problem, record.email, tokens_of(record)) == (NO_TOKEN, "nobody@example.com", set())

    @pytest.mark.parametrize("password", PASSWORDS)
    def test_it_is_none_behind_the_token_either(self, password: str) -> None:
        for columns in ([MAIL, AT, password], [AT, password], [MAIL, AT, "", password], [MAIL, "", password, ST]):
            assert tokens_of(one("----".join(columns))) <= {AT, ST}

    def test_what_it_was_is_said(self) -> None:
        columns = [MAIL, AT, "hunter2!", "JBSWY3DPEHPK3PXP", RECOVERY, "+86 138 0013 8000", "2026-12-01", "刚买的 号"]
        record = one("|".join([*columns, "https://example.com/x", "42"]))
        assert record.unused == ("password", "2fa", "phone", "date", "note", "other", "other", "recovery")

    def test_the_shortest_proof_is_enough_for_a_refresh_token_by_place(self) -> None:
        """And a client id in its own place is that proof."""
        opaque = "v1.MjQ1Njc4OTAxMjM0NTY3ODkw"
        assert one(f"{MAIL},{AT},{opaque},,{CLIENT}").refresh_token == opaque
        assert one(f"{MAIL},,{opaque},,{CLIENT}").refresh_token == opaque
        assert one(f"{MAIL},{AT},{opaque},,").refresh_token == ""
        assert one(f"{MAIL},{opaque},,,{CLIENT}").problem == NO_TOKEN
        assert one(f"{MAIL},{AT},{opaque},JBSWY3DPEHPK3PXP,{CLIENT}").refresh_token == ""
        assert one(f"{MAIL},{AT},,,some-note").client_id == ""


class TestAddresses:
    @pytest.mark.parametrize("order", list(itertools.permutations([MAIL, RECOVERY, AT])))
    def test_the_token_says_which_is_the_owner_s(self, order: tuple[str, ...]) -> None:
        record = one("----".join(order))
        assert (record.email, record.unused) == (MAIL, ("recovery",))

    def test_else_it_is_the_first(self) -> None:
        assert one(f"{MAIL}----{RECOVERY}----{ST}").email == MAIL

    @pytest.mark.parametrize(
        "shown", [f"mailto:{MAIL}", f"<{MAIL}>", f"Olive Owner <{MAIL}>", f'"Olive" <{MAIL}>', f"“{MAIL}”"]
    )
    @pytest.mark.parametrize("mark", ["----", ",", "\t"])
    def test_it_is_read_as_mail_programs_write_it(self, shown: str, mark: str) -> None:
        assert one(f"{shown}{mark}{AT}").email == MAIL

    def test_half_an_address_is_not_left_out_silently(self) -> None:
        assert one(f"owner@example,{AT}").problem == UNREADABLE
        assert one(f"email,access_token\nowner@example,{AT}").problem == UNREADABLE


class TestOtherTokens:
    def test_a_personal_token_of_codex_is_refused_with_its_reason(self) -> None:
        token = "at-AbCdEfGhIjKlMnOpQrSt"
        assert one(token).problem == one(f"{MAIL}----{token}").problem == PERSONAL_TOKEN
        assert one(f"{MAIL}----pass1234----{token}").problem == PERSONAL_TOKEN
        assert one(f"access_token: {token}").problem == PERSONAL_TOKEN
        assert one(json.dumps({"access_token": token})).problem == PERSONAL_TOKEN
        assert tokens_of(one(f"{MAIL}----{AT}----{token}")) == {AT}

    def test_an_agent_identity_too(self) -> None:
        token = jwt(agent_runtime_id="agent-1", account_id="x")
        assert one(f"{MAIL}----{token}").problem == AGENT_IDENTITY
        assert one(json.dumps({"access_token": token})).problem == AGENT_IDENTITY
        assert tokens_of(one(f"{MAIL}----{token}")) == set()

    def test_an_id_token_is_no_access_token(self) -> None:
        id_token = jwt(aud=["app_EMoamEEZ73f0CkXaXp7hrann"], email=MAIL)
        assert tokens_of(one(f"{MAIL}----{id_token}----{AT}")) == {AT}
        assert one(f"{MAIL}----{id_token}").problem == NO_TOKEN

    @pytest.mark.parametrize(
        "value", ["JBSWY3DPEHPK3PXP", "2026-12-01 00:00:00", "https://example.com/a/b", "1234567890123456"]
    )
    def test_a_header_or_a_label_does_not_make_a_token_of_it(self, value: str) -> None:
        for text in (f"email,refresh_token,client_id\n{MAIL},{value},{CLIENT}", f"邮箱：{MAIL} RT：{value}"):
            assert one(text).problem == NO_TOKEN
        assert one(json.dumps({"email": MAIL, "refresh_token": value})).problem == NO_TOKEN


class TestLabels:
    @pytest.mark.parametrize(
        "line",
        [
            f"邮箱：{MAIL} token：{AT}",
            f"邮箱: {MAIL}, 密码: hunter2, access_token: {AT}",
            f"账号：{MAIL}----密码：a b,c----2FA：JBSW Y3DP EHPK 3PXP----AT：{AT}",
            f"email:{MAIL} password:p:w token:Bearer {AT}",
            f"email={MAIL}&access_token={AT}",
            f"Email：<{MAIL}>；Authorization: Bearer {AT}",
            f"1. 邮箱：{MAIL}  token：{AT}",
            f"1、邮箱：{MAIL}，Token：{AT}",
            f"① 邮箱：{MAIL}｜令牌：{AT}",
            f"（1）账号：{MAIL} 密码：x 访问令牌：{AT} 备注：买于 2026-01-01",
            f"- **邮箱**：{MAIL} **token**：`{AT}`",
            f"母号：{MAIL}\t授权：{AT}",
            f"\u200b邮箱\u200b：{MAIL}\u202c to\u00adken：{AT}",
            f"账号密码：{MAIL}----hunter2----{AT}",
            f"1. {MAIL} {AT}",
            f"1) {MAIL}----{AT}",
            f"(12) {MAIL} | {AT}",
            f"1.{MAIL}----{AT}",
            f"3\t{MAIL}\t{AT}",
            f"* {MAIL},{AT}",
            f"> {MAIL}----hunter2----{AT}",
            f"`{MAIL}----{AT}`",
            f"{MAIL}:hunter2:{AT}",
            f"{MAIL}----hunter2|{AT}",
            f"{MAIL}----pass,word----JBSWY3DPEHPK3PXP----{AT}",
            f"mailto:{MAIL} token：“{AT}”",
        ],
    )
    def test_it_is_read_through(self, line: str) -> None:
        record = one(line)
        assert (record.problem, record.email, tokens_of(record)) == ("", MAIL, {AT})

    @pytest.mark.parametrize(
        "text",
        [
            f"邮箱：{MAIL}\n密码：hunter2\n2FA：JBSWY3DPEHPK3PXP\ntoken：{AT}",
            f"email: {MAIL}\npassword: a@b.co\naccess_token:\n{AT}",
            f"账号：{MAIL}\n密码：hunter2\n{AT}",
            f"1. 邮箱：{MAIL}\n2. 密码：hunter2\n3. AT：{AT}",
            f"```\n邮箱：{MAIL}\nAT：{AT}\n```",
            f"邮箱：{MAIL}\nAT：\n\n{AT}",
        ],
    )
    def test_an_account_over_several_lines_is_one(self, text: str) -> None:
        record = one(text)
        assert (record.problem, record.email, tokens_of(record)) == ("", MAIL, {AT})
        numbers = [number for number, line in enumerate(text.split("\n"), 1) if line and "```" not in line]
        assert (record.line, record.last_line) == (numbers[0], numbers[-1])

    @pytest.mark.parametrize("between", ["\n", "\n\n", "\n# next\n", "\n\n\n"])
    def test_a_label_that_comes_again_begins_the_next(self, between: str) -> None:
        other = access_of(RECOVERY)
        accounts = [
            f"邮箱：{MAIL}\n密码：x1234\nAT：{AT}",
            f"邮箱：{RECOVERY}\nAT：{other}",
            f"邮箱：{MAIL}\n密码：y1234",
        ]
        records = parse(between.join(accounts))
        assert [(one.email, one.access_token, one.problem) for one in records] == [
            (MAIL, AT, ""),
            (RECOVERY, other, ""),
            (MAIL, "", NO_TOKEN),
        ]

    def test_a_line_each_stays_a_line_each(self) -> None:
        other = access_of(RECOVERY)
        records = parse(f"邮箱：{MAIL} token：{AT}\n邮箱：{RECOVERY} token：{other}\n{MAIL}----{AT}")
        assert [(one.line, one.last_line, one.email) for one in records] == [
            (1, 1, MAIL),
            (2, 2, RECOVERY),
            (3, 3, MAIL),
        ]

    def test_a_blank_line_ends_an_account(self) -> None:
        """What stands below may be the next person's, and says by itself whose it is."""
        records = parse(f"邮箱：{MAIL}\n密码：x1234\n\nAT：{access_of(RECOVERY)}")
        assert [(one.line, one.email, one.problem) for one in records] == [(1, MAIL, NO_TOKEN), (4, "", "")]

    def test_a_token_of_another_person_is_not_joined(self) -> None:
        records = parse(f"邮箱：{MAIL}\n{access_of(RECOVERY)}")
        assert [(one.email, one.problem) for one in records] == [(MAIL, NO_TOKEN), ("", "")]

    def test_the_labels_name_what_was_not_used(self) -> None:
        record = one(f"邮箱：{MAIL} 密码：hunter2 2FA：JBSWY3DPEHPK3PXP token：{AT} 备注：新号")
        assert record.unused == ("password", "2fa", "note")

    def test_a_tag_in_front_of_a_whole_document_is_read_through(self) -> None:
        text = "```json\n" + json.dumps({"accessToken": AT}, indent=1) + "\n```"
        assert tokens_of(one(text)) == {AT}
        assert tokens_of(one("1. " + json.dumps({"accessToken": AT}))) == {AT}


class TestSheets:
    ROW = {
        "序号": "1",
        "邮箱": MAIL,
        "密码": "hunter2!",
        "2FA": "JBSWY3DPEHPK3PXP",
        "访问令牌": AT,
        "到期": "2026-12-01",
        "备注": "新",
    }

    @pytest.mark.parametrize("mark", ["\t", ",", ";", "|", "----", "，", "｜", " | "])
    def test_a_header_in_any_order(self, mark: str) -> None:
        names = list(self.ROW)
        for turn in range(len(names)):
            order = names[turn:] + names[:turn]
            text = f"{mark.join(order)}\n{mark.join(self.ROW[name] for name in order)}"
            record = one(text)
            assert (record.line, record.problem, record.email, tokens_of(record)) == (2, "", MAIL, {AT}), order
            assert sorted(record.unused) == ["2fa", "date", "note", "password"]

    @pytest.mark.parametrize(
        "header", ["#,Email,Token", "No.,Mail,Access Token", "编号,账号,令牌", ",邮箱,访问令牌", "序号,E-mail,AT"]
    )
    def test_an_index_column(self, header: str) -> None:
        records = parse(f"{header}\n1,{MAIL},{AT}\n2,{RECOVERY},{access_of(RECOVERY)}")
        assert [(one.line, one.email, one.unused) for one in records] == [(2, MAIL, ()), (3, RECOVERY, ())]

    @pytest.mark.parametrize("mark", ["\t", ",", ";", "|", "----", " "])
    def test_without_a_header_by_what_the_columns_hold(self, mark: str) -> None:
        rows = [[str(number), MAIL, "hunter2!", "JBSWY3DPEHPK3PXP", AT] for number in range(1, 4)]
        records = parse("\n".join(mark.join(row) for row in rows))
        assert [(one.email, tokens_of(one), one.unused) for one in records] == [(MAIL, {AT}, ("password", "2fa"))] * 3

    def test_a_password_under_its_name_is_not_used_whatever_it_looks_like(self) -> None:
        record = one(f"email,password,refresh_token\n{MAIL},rt_LooksLikeAToken0123456789,{RT}")
        assert tokens_of(record) == {RT}

    def test_a_column_nobody_knows_is_counted(self) -> None:
        assert one(f"email,favourite colour,access_token\n{MAIL},blue,{AT}").unused == ("other",)

    def test_a_header_names_no_columns_of_the_next_table(self) -> None:
        text = f"#,email,refresh_token,client_id\n1,{MAIL},{RT},{CLIENT}\n2,{MAIL},xK9fT2mQ8vLp4WzR7nB1sD6e,{AT}"
        assert [tokens_of(one) for one in parse(text)] == [{RT}, {AT}]
        text = f"email,refresh_token,client_id\n{MAIL},{RT},{CLIENT}\n3,xK9fT2mQ8vLp4WzR7nB1sD6e,{MAIL}"
        assert [tokens_of(one) for one in parse(text)] == [{RT}, set()]
        text = f"email,refresh_token\n# a comment, of course\n#,email,password\n1,{MAIL},rt_LooksLikeAToken0123456789"
        assert [one.problem for one in parse(text)] == [NO_TOKEN]

    @pytest.mark.parametrize("token", [AT, f"{ST.rsplit('.', 1)[0]}.{'t' * 22}"])
    def test_a_dash_for_nothing_is_no_end_of_a_token(self, token: str) -> None:
        assert tokens_of(one(f"{token}----—----{MAIL}")) == {token}

    def test_a_table_of_markdown(self) -> None:
        text = f"| # | 邮箱 | 密码 | token |\n| --- | :-: | --- | ---: |\n| 1 | {MAIL} | hunter2 | `{AT}` |"
        record = one(text)
        assert (record.line, record.email, tokens_of(record), record.unused) == (3, MAIL, {AT}, ("password",))

    def test_lines_of_another_kind_below_a_header_are_read_as_what_they_are(self) -> None:
        other = access_of(RECOVERY)
        text = f"邮箱,密码,令牌\n{MAIL},hunter2,{AT}\n{RECOVERY}----{other}\n邮箱：{RECOVERY} AT：{other}"
        assert [tokens_of(one) for one in parse(text)] == [{AT}, {other}, {other}]

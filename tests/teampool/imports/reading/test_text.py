from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from teampool.imports.reading.json_damage import BROKEN_JSON, CUT_OFF
from teampool.imports.reading.text import NO_TOKEN, TWO_ACCESS_TOKENS, UNREADABLE, Record, parse

MAIL = "owner@example.com"
AT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl-_x"
AT2 = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJiIn0.c2lnbmF0dXJl"
RT = "rt_AbCdEf.GhIjKl-_0123456789"
ST = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..aXZpdml2aXY.Y2lwaGVydGV4dA.dGFndGFnCg"
CLIENT = "app_ExampleExample"
AID = "11111111-2222-4333-8444-555555555555"
COOKIE = "__Secure-next-auth.session-token"
COLUMNS = ("email", "access_token", "refresh_token", "session_token", "client_id")

Fields = dict[str, str]


def one(text: str, **options: Any) -> Record:
    (record,) = parse(text, **options)
    return record


def fields_of(record: Record) -> Fields:
    names = (*COLUMNS, "account_id")
    return {name: getattr(record, name) for name in names if getattr(record, name)}


def problems(text: str) -> list[tuple[int, str]]:
    return [(record.line, record.problem) for record in parse(text)]


class TestRecord:
    def test_its_repr_shows_no_secret(self) -> None:
        text = repr(one(f"{MAIL},{AT},{RT},{ST},{CLIENT}"))
        assert MAIL in text
        assert not any(secret in text for secret in (AT, RT, ST))


class TestLines:
    @pytest.mark.parametrize("mark", [",", "----", "\t", "|", " ", "，", ";", "；", ", ", " ---- ", " | ", "   ", "、"])
    def test_it_reads_every_separator(self, mark: str) -> None:
        record = one(mark.join([MAIL, AT, RT, ST, CLIENT]))
        assert fields_of(record) == {
            "email": MAIL,
            "access_token": AT,
            "refresh_token": RT,
            "session_token": ST,
            "client_id": CLIENT,
        }
        assert (record.line, record.last_line, record.problem, record.text_kind) == (1, 1, "", "line")

    def test_it_reads_the_documented_line(self) -> None:
        assert fields_of(one(f"email@x.com,{AT},,,")) == {"email": "email@x.com", "access_token": AT}

    @pytest.mark.parametrize("token", [AT, f"Bearer {AT}", f'"{AT}"', f"  {AT}  ", f"'{AT}'"])
    def test_a_bare_access_token_will_do(self, token: str) -> None:
        assert fields_of(one(token)) == {"access_token": AT}

    def test_columns_in_any_order_are_told_by_their_looks(self) -> None:
        record = one(f"{ST}|{CLIENT}|{AID.upper()}|{RT}|{MAIL.upper()}|{AT}")
        assert fields_of(record) == {
            "email": MAIL,
            "access_token": AT,
            "refresh_token": RT,
            "session_token": ST,
            "client_id": CLIENT,
            "account_id": AID,
        }

    def test_opaque_tokens_are_told_by_their_place(self) -> None:
        opaque = [f"opaque-token-number-{number}" for number in range(3)]
        record = one(f"{MAIL},{opaque[0]},{opaque[1]},{opaque[2]},my-client")
        assert (record.access_token, record.refresh_token, record.session_token) == tuple(opaque)
        assert record.client_id == "my-client"

    def test_a_line_may_begin_with_the_token(self) -> None:
        record = one(f"{AT},opaque-refresh-token,,my-client")
        assert fields_of(record) == {
            "access_token": AT,
            "refresh_token": "opaque-refresh-token",
            "client_id": "my-client",
        }

    def test_a_password_before_the_token_is_left_out(self) -> None:
        assert fields_of(one(f"{MAIL}----hunter2!----{AT}")) == {"email": MAIL, "access_token": AT}

    @pytest.mark.parametrize("line", [f"{MAIL},hunter2", f"{MAIL}----hunter2"])
    def test_a_password_never_becomes_a_token(self, line: str) -> None:
        record = one(line)
        assert (record.problem, record.unused) == (NO_TOKEN, ("password",))
        assert fields_of(record) == {"email": MAIL}

    @pytest.mark.parametrize("empty", ["null", "-", "N/A", "无", '""', "undefined"])
    def test_words_for_nothing_are_nothing(self, empty: str) -> None:
        assert fields_of(one(f"{MAIL},{AT},{empty},{empty},{empty}")) == {"email": MAIL, "access_token": AT}

    def test_dashes_inside_a_token_do_not_cut_it(self) -> None:
        jwe = "eyJhbGciOiJkaXIifQ..aXY.Y2lw----aGVy.dGFn"
        # Only what is no text may hold `----`: a signature, which has 342 characters under RS256.
        jwt = f"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.{'c' * 200}----{'2' * 138}"
        assert fields_of(one(f"{MAIL}----{jwt}----{RT}----{jwe}")) == {
            "email": MAIL,
            "access_token": jwt,
            "refresh_token": RT,
            "session_token": jwe,
        }
        assert one(f"{MAIL},{jwt},{RT}").access_token == jwt

    def test_a_token_may_end_with_a_hyphen(self) -> None:
        assert fields_of(one(f"{MAIL}----{AT}-----{RT}-----------{CLIENT}")) == {
            "email": MAIL,
            "access_token": f"{AT}-",
            "refresh_token": f"{RT}---",
            "client_id": CLIENT,
        }

    def test_a_cookie_in_a_column_is_a_session_token(self) -> None:
        assert one(f"{MAIL},,,{COOKIE}={ST},").session_token == ST

    @pytest.mark.parametrize(
        ("line", "problem"),
        [
            ("hello world", UNREADABLE),
            ("a,b,c", UNREADABLE),
            (MAIL, NO_TOKEN),
            (f"{MAIL},,,,{CLIENT}", NO_TOKEN),
            (AID, NO_TOKEN),
            (",,,,", NO_TOKEN),
            ("--------", NO_TOKEN),
            (f"{MAIL},{AT},{AT2}", TWO_ACCESS_TOKENS),
            (f"{AT} {AT2}", TWO_ACCESS_TOKENS),
            (f"{MAIL},{AT},{RT},{RT}-another-one", UNREADABLE),
            (f"{MAIL},{AT}\0", UNREADABLE),
            ("\0", UNREADABLE),
            (f"owner@example,{AT}", UNREADABLE),
            (f"{MAIL},令牌令牌令牌令牌令牌令牌令牌令牌", NO_TOKEN),
            ("\ud800", UNREADABLE),
            ("x" * 300_000, UNREADABLE),
            ("a," * 1000, UNREADABLE),
        ],
    )
    def test_what_it_cannot_use_it_says(self, line: str, problem: str) -> None:
        record = one(line)
        assert record.problem == problem
        assert record.line == 1

    @pytest.mark.parametrize("line", [f"{MAIL}----{AT}", f"{AT}----{MAIL}", f"{MAIL}-{AT}", f"{AT}.{MAIL}"])
    def test_a_token_never_passes_for_an_address(self, line: str) -> None:
        record = one(line, format="csv")
        assert (record.problem, record.email) == (UNREADABLE, "")

    @pytest.mark.parametrize(
        "email", ["a@b.co", "a.b+c@mail-1.example.co.uk", "O'Neil@example.com", "李@例子.中国", "a@xn--fsq.xn--fiqs8s"]
    )
    def test_it_knows_an_address(self, email: str) -> None:
        assert one(f"{email},{AT}").email == email.lower()

    def test_a_problem_carries_no_token(self) -> None:
        assert fields_of(one(f"{AT} {AT2}")) == {}

    @pytest.mark.parametrize("indent", ["\t", " \t ", "    "])
    @pytest.mark.parametrize("mark", [",", "----", " ", "|", " | "])
    def test_an_indent_is_no_column(self, indent: str, mark: str) -> None:
        line = f"{indent}{MAIL}{mark}{AT}{indent}"
        assert fields_of(one(line)) == {"email": MAIL, "access_token": AT}

    def test_the_same_token_twice_is_one(self) -> None:
        assert one(f"{MAIL},{AT},{AT}").problem == ""

    def test_lines_keep_their_numbers(self) -> None:
        text = f"# my accounts\r\n\r\nemail,access_token\r\n{MAIL},{AT}\r\n   \r\nnonsense\r\n  # done\r\n{AT2}\r\n"
        assert problems(text) == [(4, ""), (6, UNREADABLE), (8, "")]

    @pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
    def test_it_reads_every_line_ending(self, ending: str) -> None:
        assert [record.line for record in parse(ending.join([AT, "", AT2, ""]))] == [1, 3]

    @pytest.mark.parametrize("blank", ["", " ", "\n\n", "\ufeff", "\u200b", "#", "# a,b", "\t\r\n", "\ufeff# x"])
    def test_nothing_gives_nothing(self, blank: str) -> None:
        assert parse(blank) == []

    def test_a_byte_order_mark_and_full_width_marks_are_forgiven(self) -> None:
        assert fields_of(one(f"\ufeffowner＠example．com，{AT}\u3000")) == {"email": MAIL, "access_token": AT}
        assert fields_of(one(f"{MAIL}————{AT}")) == {"email": MAIL, "access_token": AT}

    @settings(deadline=None)
    @given(
        values=st.tuples(
            st.from_regex(r"[a-z0-9][a-z0-9._+-]{0,20}@[a-z0-9]{1,10}\.(?:com|co\.uk|example)", fullmatch=True),
            st.from_regex(r"eyJhbGciOiJSUzI1NiJ9\.eyJ[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{0,40}", fullmatch=True),
            st.from_regex(r"rt[_-]0a[A-Za-z0-9._-]{10,40}", fullmatch=True)
            | st.from_regex(r"[A-Z][A-Za-z0-9_.]{18,40}[A-Z]", fullmatch=True),
            st.from_regex(
                r"eyJhbGciOiJkaXIifQ\.\.[A-Za-z0-9_-]{1,20}\.[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,20}",
                fullmatch=True,
            ),
            st.from_regex(r"app_[A-Za-z0-9]{1,24}", fullmatch=True),
        ),
        present=st.tuples(*[st.booleans()] * 5),
        mark=st.sampled_from([",", "----", "\t", "|", " ", "，", ";"]),
        ending=st.sampled_from(["", "\n", "\r\n", "\r"]),
        quoted=st.booleans(),
        leading=st.sampled_from(["", "\ufeff", "# comment\n", "\n\n", "email,access_token,refresh_token\n"]),
    )
    @example(
        values=(MAIL, AT, "Opaque" * 4, ST, CLIENT),
        present=(False, False, True, False, True),
        mark="----",
        ending="\n",
        quoted=False,
        leading="",
    )
    @example(
        values=(MAIL, AT, "Opaque" * 4, ST, CLIENT),
        present=(False, False, True, False, True),
        mark="\t",
        ending="",
        quoted=False,
        leading="",
    )
    @example(
        values=(MAIL, AT, "Opaque" * 4, ST, CLIENT),
        present=(False, False, True, False, True),
        mark="\t",
        ending="",
        quoted=True,
        leading="\n\n",
    )
    def test_any_record_comes_back_as_it_was(
        self, values: tuple[str, ...], present: tuple[bool, ...], mark: str, ending: str, quoted: bool, leading: str
    ) -> None:
        # An opaque refresh token is told from a password by its client id.
        assume(not present[2] or present[4] or values[2].startswith("rt"))
        wanted = {name: value for name, value, is_there in zip(COLUMNS, values, present, strict=True) if is_there}
        fields = [wanted.get(name, "") for name in COLUMNS]
        if mark == " ":
            # Blanks cannot hold an empty place, so only what has looks of its own comes back.
            assume(values[2].startswith("rt"))
            fields = [value for value in fields if value]
        if mark == "----":
            assume(not any("----" in value or value[:1] == "-" or value[-1:] == "-" for value in fields))
        assume(fields and any(fields))
        assume(leading[:5] != "email" or mark == ",")
        line = mark.join(f'"{value}"' if quoted else value for value in fields)
        record = one(f"{leading}{line}{ending}")
        assert fields_of(record) == wanted
        assert record.line == 1 + leading.count("\n")
        has_token = any(wanted.get(name) for name in ("access_token", "refresh_token", "session_token"))
        assert record.problem == ("" if has_token else NO_TOKEN)

    @settings(deadline=None)
    @given(
        st.lists(
            st.lists(st.sampled_from([MAIL, AT, AT2, RT, ST, CLIENT, AID, "", "x y", 'say "hi"', "a,b"]), max_size=6),
            max_size=6,
        )
    )
    def test_csv_as_a_program_writes_it_gives_a_result_for_every_row(self, rows: list[list[str]]) -> None:
        out = io.StringIO()
        csv.writer(out).writerows(rows)
        numbers = {record.line for record in parse(out.getvalue())}
        assert numbers == {number for number, row in enumerate(rows, 1) if row}


class TestHeaders:
    @pytest.mark.parametrize(
        "header",
        [
            "email,access_token,refresh_token,session_token,client_id",
            "邮箱,Access_Token,Refresh_Token,Session_Token,Client_ID",
            "Email|AccessToken|RefreshToken",
            "email----AT----RT----ST----client id",
            '"Email","Access Token"',
            "access_token",
            "email,access_token,,,",
        ],
    )
    def test_a_header_is_no_record(self, header: str) -> None:
        assert problems(f"{header}\n{AT}" if header == "access_token" else f"{header}\n{MAIL},{AT}") == [(2, "")]

    def test_a_header_says_which_column_is_which(self) -> None:
        text = f"client_id,name,refresh_token,email,password\nmy-client,Olive,opaque-refresh-token,{MAIL},hunter2"
        assert fields_of(one(text)) == {
            "email": MAIL,
            "refresh_token": "opaque-refresh-token",
            "client_id": "my-client",
        }

    def test_a_column_nobody_asked_for_is_left_out(self) -> None:
        assert fields_of(one(f"email,id_token,access_token\n{MAIL},{AT2},{AT}")) == {
            "email": MAIL,
            "access_token": AT,
        }

    @pytest.mark.parametrize("line", ["at", "hello", "email address", MAIL, f"email,{AT}"])
    def test_one_known_word_is_no_header(self, line: str) -> None:
        assert len(parse(line)) == 1

    @pytest.mark.parametrize(
        "line",
        ["new@example.com,at,,,", "new@example.com,at,rt,st,client_id", "olive,email,at", ",email,at", "email,at,,,"],
    )
    def test_a_line_of_literal_words_gets_a_result(self, line: str) -> None:
        """The document's example row, typed as it stands there, is not lost silently."""
        problem = NO_TOKEN if "@" in line else UNREADABLE
        assert problems(f"{MAIL},{AT}\n{line}\n{MAIL},{AT2}") == [(1, ""), (2, problem), (3, "")]


class TestJson:
    SESSION = {
        "user": {"id": "user-1", "email": "Owner@Example.com"},
        "account": {"id": AID, "planType": "team"},
        "accessToken": AT,
        "sessionToken": ST,
        "expires": "2026-12-01T00:00:00.000Z",
    }
    WANTED = {"email": MAIL, "access_token": AT, "session_token": ST, "account_id": AID}

    @pytest.mark.parametrize("indent", [None, 0, 2, "\t"])
    def test_it_reads_a_session(self, indent: int | str | None) -> None:
        text = json.dumps(self.SESSION, indent=indent)
        record = one(text)
        assert fields_of(record) == self.WANTED
        assert (record.line, record.last_line, record.text_kind) == (1, text.count("\n") + 1, "json")

    def test_it_reads_our_own_objects(self) -> None:
        item = {
            "email": MAIL,
            "access_token": AT,
            "refresh_token": RT,
            "session_token": ST,
            "client_id": CLIENT,
            "account_id": AID,
            "import_type": "single",
        }
        assert fields_of(one(json.dumps(item))) == {key: item[key] for key in (*COLUMNS, "account_id")}

    def test_it_reads_tokens_one_level_down(self) -> None:
        item = {"tokens": {"id_token": AT2, "access_token": AT, "refresh_token": RT, "account_id": AID}}
        assert fields_of(one(json.dumps(item))) == {"access_token": AT, "refresh_token": RT, "account_id": AID}

    def test_nulls_are_absent(self) -> None:
        item = dict.fromkeys(["email", "user", "account", "refresh_token", "sessionToken"]) | {"accessToken": AT}
        assert fields_of(one(json.dumps(item))) == {"access_token": AT}

    @pytest.mark.parametrize("between", ["\n", "", ",\n", "\n\n\n", " ", "\n# and another\n"])
    def test_several_in_a_row_are_several(self, between: str) -> None:
        text = json.dumps(self.SESSION, indent=2) + between + json.dumps(self.SESSION | {"accessToken": AT2}, indent=2)
        assert [record.access_token for record in parse(text)] == [AT, AT2]

    def test_an_array_gives_each_its_own_line(self) -> None:
        text = json.dumps([self.SESSION, {"accessToken": AT2}, {}], indent=1)
        records = parse(text)
        assert [(record.problem, record.access_token) for record in records] == [("", AT), ("", AT2), (NO_TOKEN, "")]
        lines = text.split("\n")
        assert all(lines[record.line - 1].strip()[0] == "{" for record in records)

    def test_lines_of_json_among_lines_of_text(self) -> None:
        text = f'{MAIL},{AT}\n{{"accessToken":"{AT2}"}}\n# x\nnonsense\n{{"access_token":"{AT}"}}'
        assert problems(text) == [(1, ""), (2, ""), (4, UNREADABLE), (5, "")]

    @pytest.mark.parametrize(
        "item",
        [
            {"accessToken": 5},
            {"accessToken": {"a": 1}},
            {"accessToken": [AT]},
            {"accessToken": f"{AT}\n{AT2}"},
            {"accessToken": "令牌"},
            {"accessToken": AT, "user": {"email": 5}},
            {"accessToken": AT, "email": "not an address"},
            {"accessToken": AT, "email": "a\u0000@b.co"},
            {"accessToken": AT, "client_id": True},
            5,
            "text",
            None,
            [],
        ],
    )
    def test_wrong_types_are_unreadable_with_their_line(self, item: object) -> None:
        text = f'\n{{"accessToken":"{AT2}"}}\n' + json.dumps([item])
        assert problems(text) == [(2, ""), (3, UNREADABLE)]

    def test_two_access_tokens_are_a_problem(self) -> None:
        assert one(json.dumps({"accessToken": AT, "access_token": AT2})).problem == TWO_ACCESS_TOKENS
        assert one(json.dumps({"accessToken": AT, "access_token": AT})).problem == ""

    def test_a_dead_session_has_no_token(self) -> None:
        assert one('{"WARNING_BANNER": {"a": 1}}').problem == NO_TOKEN
        assert one("{}").problem == NO_TOKEN

    @pytest.mark.parametrize(
        "text",
        [
            "{",
            "[",
            "}",
            '{"a": }',
            '{"accessToken": "eyJ',
            "[1,2",
            "{'a': 'b'}",
            "[" * 100_000,
            '{"a":' * 50_000 + "1" + "}" * 50_000,
            "[" * 50_000 + "]" * 50_000,
            '{"a": ' + "9" * 10_000 + "}",
            '{"a": "\0"}',
            "[]",
        ],
    )
    def test_broken_or_deep_json_is_unreadable(self, text: str) -> None:
        assert problems(text) in [[(1, problem)] for problem in (UNREADABLE, BROKEN_JSON, CUT_OFF)]

    def test_deep_json_over_many_lines_is_one_unreadable_record(self) -> None:
        (record,) = parse("\n".join(["["] * 5000))
        assert (record.line, record.last_line, record.problem) == (1, 5000, UNREADABLE)

    def test_a_document_that_never_closes_swallows_no_line_after_it(self) -> None:
        session = json.dumps(self.SESSION, indent=2)
        broken = session[: session.rindex("}")].rstrip()
        size = session.count("\n") + 1
        for after in (f"{MAIL},{AT2}", f'{{"accessToken": "{AT2}"}}', f'{{\n "accessToken": "{AT2}"\n}}', AT2):
            records = parse(f"{broken}\n{after}")
            assert [record.problem for record in records] == [BROKEN_JSON, ""]
            assert records[1].line == size
            assert records[1].access_token == AT2

    @pytest.mark.parametrize("mark", ["\u200b", "\ufeff", " \u2060,", "\u200e # a comment"])
    def test_marks_that_no_eye_sees_are_no_text_after_it(self, mark: str) -> None:
        assert problems(f'{{"accessToken":"{AT}"}}{mark}') == [(1, "")]

    def test_text_after_a_document_is_told_apart(self) -> None:
        assert problems(f'{{"accessToken":"{AT}"}} nonsense') == [(1, ""), (1, UNREADABLE)]

    def test_brackets_and_quotes_inside_strings_do_not_count(self) -> None:
        item = {"name": 'a } ] { [ " \\ \\" ', "accessToken": AT}
        assert fields_of(one(json.dumps(item, indent=1))) == {"access_token": AT}

    @settings(deadline=None)
    @given(
        st.lists(
            st.fixed_dictionaries(
                {"accessToken": st.sampled_from([AT, AT2])},
                optional={"user": st.fixed_dictionaries({"email": st.just(MAIL), "name": st.text(max_size=12)})},
            ),
            min_size=1,
            max_size=4,
        ),
        st.sampled_from([None, 1, 4]),
        st.booleans(),
        st.booleans(),
    )
    def test_any_sessions_come_back(
        self, items: list[dict[str, Any]], indent: int | None, as_array: bool, ascii_only: bool
    ) -> None:
        if as_array:
            text = json.dumps(items, indent=indent, ensure_ascii=ascii_only)
        else:
            text = "\n".join(json.dumps(item, indent=indent, ensure_ascii=ascii_only) for item in items)
        records = parse(text)
        assert [record.access_token for record in records] == [item["accessToken"] for item in items]
        assert [record.email for record in records] == [MAIL if "user" in item else "" for item in items]


class TestCookies:
    PARTS = [f"part{number}-" for number in range(12)]
    WHOLE = "".join(PARTS)

    def chunks(self) -> dict[str, str]:
        order = sorted(range(12), key=str)
        return {f"{COOKIE}.{number}": self.PARTS[number] for number in order}

    @pytest.mark.parametrize("prefix", ["", "Cookie: ", "cookie:", "oai-did=abc; "])
    def test_it_reads_a_cookie_header(self, prefix: str) -> None:
        pairs = "; ".join(f"{name}={value}" for name, value in self.chunks().items())
        record = one(f"{prefix}{pairs}; _account={AID}")
        assert (record.session_token, record.problem, record.text_kind) == (self.WHOLE, "", "cookie")

    def test_it_reads_one_whole_cookie(self) -> None:
        assert one(f"{COOKIE}={ST}").session_token == ST
        assert one(f"__Secure-authjs.session-token={ST}").session_token == ST

    def test_it_reads_an_export_as_json(self) -> None:
        export = [{"name": "oai-did", "value": "x"}]
        export += [{"name": name, "value": value, "domain": ".chatgpt.com"} for name, value in self.chunks().items()]
        assert one(json.dumps(export, indent=2)).session_token == self.WHOLE
        assert one(json.dumps({"cookies": export})).session_token == self.WHOLE

    def test_it_reads_a_cookies_txt(self) -> None:
        rows = "".join(
            f"#HttpOnly_.chatgpt.com\tTRUE\t/\tTRUE\t1790000000\t{name}\t{value}\n"
            for name, value in self.chunks().items()
        )
        record = one(f"# Netscape HTTP Cookie File\n\n.chatgpt.com\tTRUE\t/\tFALSE\t0\toai-did\tx\n{rows}")
        assert (record.session_token, record.line, record.last_line) == (self.WHOLE, 3, 15)

    def test_it_reads_a_table_copied_from_a_browser(self) -> None:
        text = "\n".join(f"{name}\t{value}\tchatgpt.com\t/\t2026" for name, value in self.chunks().items())
        assert one(text).session_token == self.WHOLE

    def test_a_name_that_comes_again_begins_another_account(self) -> None:
        text = f"{COOKIE}.0=a1\n{COOKIE}.1=a2\n{COOKIE}.0=b1\n{COOKIE}.1=b2\n{MAIL},{AT}"
        assert [(record.line, record.session_token) for record in parse(text)] == [(1, "a1a2"), (3, "b1b2"), (5, "")]

    @pytest.mark.parametrize("missing", [0, 1, 11])
    def test_a_missing_chunk_is_no_token(self, missing: int) -> None:
        chunks = self.chunks()
        del chunks[f"{COOKIE}.{missing}"]
        text = "; ".join(f"{name}={value}" for name, value in chunks.items())
        record = one(text)
        assert record.problem == (UNREADABLE if missing < 11 else "")

    def test_cookies_without_a_session_have_no_token(self) -> None:
        assert one('[{"name": "oai-did", "value": "x"}]').problem == NO_TOKEN


class TestFormats:
    def test_json_takes_only_json(self) -> None:
        text = f'{MAIL},{AT}\n{{"accessToken":"{AT}"}}'
        assert [(record.line, record.problem) for record in parse(text, format="json")] == [(1, UNREADABLE), (2, "")]

    @pytest.mark.parametrize("format", ["text", "csv"])
    def test_text_and_csv_take_only_lines(self, format: str) -> None:
        text = f'{MAIL},{AT}\n{{"accessToken":"{AT}"}}'
        assert [(record.line, record.problem) for record in parse(text, format=format)] == [(1, ""), (2, UNREADABLE)]

    def test_csv_knows_no_dashes(self) -> None:
        assert one(f"{MAIL}----{AT}", format="csv").problem == UNREADABLE
        assert one(f"{MAIL}----{AT}", format="text").problem == ""

    def test_another_format_is_refused(self) -> None:
        with pytest.raises(ValueError, match="format must be one of"):
            parse("", format="xml")


WORDS = ["Bearer", "bearer ", "\u200b", "\u2060"]
MARKS = [",", "----", "\t", "|", " ", "\n", "\r\n", "\r", '"', "'", "{", "}", "[", "]", ":", "#", ";", "=", "-", "\\"]
ODDITIES = ["\0", "\ufeff", "，", "\u2028", "\x85", "\ud800", "#HttpOnly_", "email", "access_token", "TRUE", "null"]
BITS = ['{"accessToken":', '"accessToken": "x"', f"{COOKIE}.0=", f"{COOKIE}\t", MAIL, AT, AT2, RT, ST, CLIENT, AID]
PIECES = st.text(max_size=20) | st.sampled_from([*MARKS, *ODDITIES, *BITS, *WORDS])


def is_read(line: str) -> bool:
    """True for a line that must be answered for: not blank, no comment, and no header."""
    line = line.strip().strip("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff").strip()
    is_comment = line.startswith("#") and not line.startswith("#HttpOnly_")
    is_rule = "|" in line and "---" in line and set(line) <= set("-:| ")
    is_fence = line.startswith(("```", "~~~"))
    return bool(line) and not (is_comment or is_rule or is_fence) and "email" not in line and "access_token" not in line


def test_an_account_told_by_labels_ends_where_no_account_goes_on() -> None:
    records = parse("note: x\n" * 1000)
    assert [record.last_line - record.line < 100 for record in records] == [True] * len(records)
    assert records[-1].last_line == 1000


class TestAnyText:
    @settings(deadline=None)
    @given(st.lists(PIECES, max_size=40).map("".join), st.sampled_from(["auto", "text", "csv", "json"]))
    @example("{\n\n}x\n{", "auto")
    @example('[\n"a"\n,{\n', "auto")
    @example("Bearer", "auto")
    @example("bearer\nBEARER ", "csv")
    @example(".BEARER", "csv")
    @example("Bearer.", "text")
    @example('"bearer":', "csv")
    @example("Bearer,Bearer", "auto")
    @example("bearer\tBEARER", "text")
    def test_it_never_raises_and_answers_for_every_line(self, text: str, format: str) -> None:
        records = parse(text, format=format)
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        answered: set[int] = set()
        previous = 0
        for record in records:
            assert 1 <= record.line <= record.last_line <= len(lines)
            assert record.line >= previous
            previous = record.line
            answered.update(range(record.line, record.last_line + 1))
        assert {number for number, line in enumerate(lines, 1) if is_read(line)} <= answered
        for record in records:
            assert record.problem in ("", UNREADABLE, NO_TOKEN, TWO_ACCESS_TOKENS, BROKEN_JSON, CUT_OFF)
            tokens = (record.access_token, record.refresh_token, record.session_token)
            assert any(tokens) == (record.problem == "")
            assert all(token.isascii() and token.isprintable() and " " not in token for token in tokens)

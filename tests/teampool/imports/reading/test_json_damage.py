"""Damaged JSON: read where there is one way to read it, else told what is wrong and where, without the token."""

from __future__ import annotations

import json
import re

import pytest

from teampool.imports.reading.json_damage import BROKEN_JSON, CUT_OFF
from teampool.imports.reading.text import parse
from teampool.imports.reasons import reason_text

AT = "eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2lnbmF0dXJlLXNpZ25hdHVyZQ"
SESSION = {"user": {"email": "a@example.com", "name": "A"}, "accessToken": AT, "expires": "2026-12-01T00:00:00.000Z"}
TEXT, LONG = json.dumps(SESSION), json.dumps(SESSION, indent=2)


class TestMended:
    @pytest.mark.parametrize(
        "damaged",
        [
            "\ufeff" + TEXT,
            TEXT.replace("{", "{\u200b").replace(":", "\u00a0:\u200b"),
            TEXT.replace(AT, f"{AT[:20]}\u200b{AT[20:]}"),
            LONG.replace("  ", "\u00a0\u00a0"),
            LONG.replace("\n", "\n\u200b"),
            TEXT.replace('"', "”"),
            re.sub(r'"([^"]*)"', r"“\1”", LONG),
            TEXT.replace("}", ",}"),
            LONG.replace("\n}", ",\n}"),
            TEXT.replace('": ', '"：').replace(', "', '，"'),
            f"[{TEXT},\n]",
            f'{{"accounts": [{TEXT},]}}',
        ],
    )
    def test_what_can_be_read_one_way_only_is_read(self, damaged):
        (record,) = parse(damaged)
        assert (record.problem, record.email, record.access_token) == ("", "a@example.com", AT)

    def test_what_stands_in_a_text_is_left_as_it_is(self):
        (record,) = parse(json.dumps(SESSION | {"note": "“a”, ，：,}"}, ensure_ascii=False)[:-1] + ",}")
        assert record.access_token == AT


class TestTold:
    @pytest.mark.parametrize(
        ("damaged", "detail"),
        [
            (TEXT.replace('"', "'"), "1:2:single"),
            (TEXT.replace('"accessToken"', "accessToken"), "1:51:name"),
            (TEXT.replace('"accessToken":', '"accessToken"'), "1:65:colon"),
            (LONG.replace(",\n", "\n", 1), "4:5:comma"),
            (LONG.replace('"A"', ""), "5:3:value"),
            (LONG.replace('"A"', '"A'), "4:13:quote"),
            (LONG.replace('"A"', '"\\A"'), "4:14:escape"),
            (f"{LONG[:-2]}\n\na@example.com,{AT}", "7:40:end"),
            (f"# one\n{TEXT[:-1]}]", f"2:{len(TEXT)}:comma"),
        ],
    )
    def test_it_says_line_column_and_what_was_expected(self, damaged, detail):
        record = parse(damaged)[0]
        assert (record.problem, record.detail) == (BROKEN_JSON, detail)

    @pytest.mark.parametrize("length", [1, 10, 60, len(TEXT) - 20, len(TEXT) - 1])
    @pytest.mark.parametrize("after", ["", "\n\n"])
    def test_one_whose_end_is_gone_is_cut_off(self, length, after):
        (record,) = parse(TEXT[:length] + after)
        assert (record.problem, record.access_token) == (CUT_OFF, "")

    @pytest.mark.parametrize("lines", range(1, LONG.count("\n")))
    def test_so_it_is_on_many_lines(self, lines):
        (record,) = parse("\n".join(LONG.split("\n")[:lines]))
        assert record.problem == CUT_OFF

    @pytest.mark.parametrize("damaged", [TEXT.replace('"', "'"), TEXT[:-1], TEXT.replace('"accessToken":', "")])
    def test_no_word_of_it_holds_a_token(self, damaged):
        (record,) = parse(damaged)
        assert "eyJ" not in repr(record) + reason_text(record.problem, record.detail)

from __future__ import annotations

import pytest

from invites.redeeming.emails import masked, read_email
from invites.redeeming.errors import EmailInvalid


class TestReadEmail:
    @pytest.mark.parametrize(
        "typed",
        [
            "ana@example.com",
            " Ana@Example.COM ",
            "ana@example.com\n",
            "\u200bana@example.com\ufeff",
            "\u3000ana@example.com",
        ],
    )
    def test_it_trims_and_lowers(self, typed):
        assert read_email(typed) == "ana@example.com"

    @pytest.mark.parametrize("typed", ["a.b+c_d-e@sub.example.co.uk", "o'neil@example.com", "1@qq.com"])
    def test_it_takes_ordinary_addresses(self, typed):
        assert read_email(typed) == typed

    @pytest.mark.parametrize(
        "typed",
        [
            "",
            "ana",
            "ana@",
            "@example.com",
            "ana@example",
            "ana@localhost",
            "ana@@example.com",
            "ana example@example.com",
            "ana@exam ple.com",
            "ana@example.com, sam@example.com",
            "ａｎａ@example.com",
            "ana＠example.com",
            "安娜@example.com",
            "ana@例子.com",
            "an\0a@example.com",
            "ana@example.com\0",
            "\ud800@example.com",
            "ana\u202e@example.com",
            '"ana sam"@example.com',
            "ana@[192.0.2.1]",
            "Ana <ana@example.com>",
            "ana@example.com\nBcc: sam@example.com",
            "a" * 250 + "@example.com",
            "@" * 100_000,
        ],
    )
    def test_it_refuses_everything_else(self, typed):
        with pytest.raises(EmailInvalid):
            read_email(typed)


class TestMasked:
    @pytest.mark.parametrize(
        ("email", "shown"),
        [
            ("ana@example.com", "•••@example.com"),
            ("anna@example.com", "an•••@example.com"),
            ("anastasia@example.com", "an•••@example.com"),
            ("a@example.com", "•••@example.com"),
        ],
    )
    def test_it_shows_two_characters_and_none_of_a_short_name(self, email, shown):
        assert masked(email) == shown

from __future__ import annotations

import pytest

from teampool.login.landing import MOST_CHARACTERS, Landing, NotSignedIn, Problem, read_landing

CODE = "ac_Jk3x.Zq9-_~1"
STATE = "pJ0-_state"
LANDED = f"http://localhost:1455/auth/callback?code={CODE}&scope=openid+profile&state={STATE}"


def problem_of(text: str) -> NotSignedIn:
    with pytest.raises(NotSignedIn) as caught:
        read_landing(text)
    assert CODE not in str(caught.value)
    return caught.value


class TestItReads:
    @pytest.mark.parametrize(
        "text",
        [
            LANDED,
            f"  {LANDED}\n",
            f'"{LANDED}"',
            f"“{LANDED}”",
            f"<{LANDED}>",
            f"\ufeff\u200b{LANDED}\u200e",
            LANDED.replace("&", "\r\n&"),
            LANDED.replace("http", "HTTP", 1),
            LANDED.replace("http", "https", 1),
            LANDED.replace("localhost", "LocalHost"),
            LANDED.removeprefix("http://"),
            LANDED.partition("?")[2],
            "?" + LANDED.partition("?")[2],
            f"state={STATE}&code={CODE}",
            f"{LANDED}#",
            LANDED.replace("ac_", "ac%5F"),
        ],
    )
    def test_the_address_and_its_part_after_the_question_mark(self, text):
        assert read_landing(text) == Landing(CODE, STATE)

    @pytest.mark.parametrize("code", [CODE, "Xy7" * 15, f" {CODE}\n", f"'{CODE}'"])
    def test_the_code_alone(self, code):
        assert read_landing(code) == Landing(code.strip(" \n'"))

    def test_neither_shows_in_a_trace(self):
        assert CODE not in repr(read_landing(LANDED))
        assert STATE not in repr(read_landing(LANDED))


class TestItRefuses:
    @pytest.mark.parametrize("text", ["", "   ", "\n\t", "''", "\u200b"])
    def test_nothing(self, text):
        assert problem_of(text).problem is Problem.EMPTY

    @pytest.mark.parametrize(
        "address",
        [
            LANDED.replace("localhost:1455", "localhost:1456"),
            LANDED.replace("localhost:1455", "localhost"),
            LANDED.replace("localhost:1455", "evil.example"),
            LANDED.replace("localhost:1455", "localhost:1455.evil.example"),
            LANDED.replace("localhost:1455", "evil.example@localhost:1455"),
            LANDED.replace("localhost:1455", "localhost:1455@evil.example"),
            LANDED.replace("/auth/callback", "/auth/callback/more"),
            LANDED.replace("/auth/callback", ""),
            LANDED.replace("http", "ftp", 1),
            LANDED.replace("http:", "javascript:", 1),
            "http://[",
            "http://localhost:notaport/auth/callback?code=x",
            "https://chatgpt.com/",
            "hunter2",
            "correct horse battery staple!",
            "名前のパスワード",
            "olga@example.com",
            f"{LANDED}&code=ac_another_code",
            f"{LANDED}&state=x",
            "code=" + "&a=b" * 50,
        ],
    )
    def test_another_address(self, address):
        assert problem_of(address).problem is Problem.ELSEWHERE

    @pytest.mark.parametrize(
        "text",
        [
            f"eyJhbGciOiJIUzI1NiJ9.{'a' * 60}.{'b' * 43}",
            "eyJ" + "a" * 60,
            f"rt_{'a' * 60}",
            f"at-{'a' * 60}",
            f"app_{'a' * 60}",
            "a password of thirty letters!!",
            "correct-horse-battery-staple-and-so-on-and-on-and-on",
            f"Xy7{'a' * 39}",
        ],
    )
    def test_a_token_or_password_as_a_code(self, text):
        """It would leave the house as one."""
        assert problem_of(text).problem is Problem.ELSEWHERE

    @pytest.mark.parametrize(
        "text",
        [
            f"http://localhost:1455/auth/callback?code={CODE}",
            f"http://localhost:1455/auth/callback?state={STATE}",
            "http://localhost:1455/auth/callback",
            f"http://localhost:1455/auth/callback?code=&state={STATE}",
            f"http://localhost:1455/auth/callback?code=short&state={STATE}",
            f"http://localhost:1455/auth/callback?code={'x' * 1001}&state={STATE}",
            f"http://localhost:1455/auth/callback?code={CODE}%00%0a&state={STATE}",
            f"code={CODE}",
        ],
    )
    def test_half_an_address(self, text):
        assert problem_of(text).problem is Problem.INCOMPLETE

    def test_the_address_to_open(self):
        address = f"https://auth.openai.com/oauth/authorize?client_id=app_x&state={STATE}"
        assert problem_of(address).problem is Problem.NOT_LANDED

    @pytest.mark.parametrize("length", [MOST_CHARACTERS + 1, 5_000_000])
    def test_hostile_lengths(self, length):
        assert problem_of("x" * length).problem is Problem.ELSEWHERE
        assert problem_of(LANDED + "&x=" + "y" * length).problem is Problem.ELSEWHERE

    @pytest.mark.parametrize("text", ["\x00" * 50 + "a", "\ud800" * 50 + "b", "%" * 60, "?" * 60, "=&" * 30])
    def test_hostile_characters(self, text):
        assert problem_of(text).problem in (Problem.ELSEWHERE, Problem.INCOMPLETE)


class TestARefusal:
    def test_it_says_what_openai_said(self):
        start = "http://localhost:1455/auth/callback?error=access_denied"
        found = problem_of(f"{start}&error_description=You+said+no.&state={STATE}")
        assert (found.problem, found.said) == (Problem.REFUSED, "You said no.")
        assert problem_of(f"{start}&state={STATE}").said == "access_denied"

    def test_it_says_no_more_than_two_hundred_characters(self):
        assert len(problem_of(f"error=x&error_description={'long+' * 200}").said) == 200

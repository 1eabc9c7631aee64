"""Settings that cannot be right are refused in one sentence with the setting's name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import environ
import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment


@pytest.fixture
def env() -> Environment:
    return Environment(environ.Env())


def refusal(reading) -> str:
    with pytest.raises(ImproperlyConfigured) as refused:
        reading()
    text = str(refused.value)
    assert "\n" not in text
    return text


class TestFlag:
    @pytest.mark.parametrize("word", ["on", "ON", " true ", "1", "yes", "y", "t", "ok"])
    def test_on(self, env, monkeypatch, word):
        monkeypatch.setenv("A_FLAG", word)
        assert env.flag("A_FLAG", False) is True

    @pytest.mark.parametrize("word", ["off", "False", "0", "no", "n", "f", ""])
    def test_off(self, env, monkeypatch, word):
        monkeypatch.setenv("A_FLAG", word)
        assert env.flag("A_FLAG", True) is False

    def test_unset(self, env):
        assert (env.flag("A_FLAG", True), env.flag("A_FLAG", False)) == (True, False)

    @pytest.mark.parametrize("word", ["onn", "2", "enabled", "是"])
    def test_what_is_neither(self, env, monkeypatch, word):
        monkeypatch.setenv("A_FLAG", word)
        assert refusal(lambda: env.flag("A_FLAG", False)) == f"A_FLAG: write on or off, not {word!r}."


class TestNumber:
    @pytest.mark.parametrize("word", ["0", "20", " 7 "])
    def test_it_takes_its_own_ends(self, env, monkeypatch, word):
        monkeypatch.setenv("A_COUNT", word)
        assert env.whole("A_COUNT", 1, 0, 20) == int(word)
        assert env.number("A_COUNT", 1, 0, 20) == float(word)

    @pytest.mark.parametrize("word", ["true", "-1", "21", "", "1.5x", "nan", "inf", "一"])
    def test_what_is_no_number_between(self, env, monkeypatch, word):
        monkeypatch.setenv("A_COUNT", word)
        assert refusal(lambda: env.number("A_COUNT", 1, 0, 20)).startswith("A_COUNT: write a number from 0 to 20")
        assert refusal(lambda: env.whole("A_COUNT", 1, 0, 20)).startswith("A_COUNT: write a whole number from 0 to 20")


class TestZone:
    @pytest.mark.parametrize("word", ["Asia/Shanghai", "UTC", "Europe/Berlin", "Asia/Kolkata"])
    def test_a_zone(self, env, monkeypatch, word):
        monkeypatch.setenv("A_ZONE", word)
        assert env.zone("A_ZONE", "UTC") == word

    @pytest.mark.parametrize("word", ["Asia/Beijing", "", "UTC+8", "/etc/passwd", "../UTC", "Asia", "北京"])
    def test_none(self, env, monkeypatch, word):
        monkeypatch.setenv("A_ZONE", word)
        assert refusal(lambda: env.zone("A_ZONE", "UTC")).startswith(f"A_ZONE: there is no time zone {word!r}")


class TestAddress:
    def test_an_address(self, env, monkeypatch):
        monkeypatch.setenv("AN_ADDRESS", "http://127.0.0.1:8801/")
        assert env.address("AN_ADDRESS", "") == "http://127.0.0.1:8801"

    @pytest.mark.parametrize("word", ["chatgpt.com", "ftp://chatgpt.com", "https://", "http://[::1", "https://a:99999"])
    def test_none(self, env, monkeypatch, word):
        monkeypatch.setenv("AN_ADDRESS", word)
        assert refusal(lambda: env.address("AN_ADDRESS", "")).startswith("AN_ADDRESS: write an address like")


class TestDatabase:
    @pytest.mark.parametrize("word", ["nonsense", "mysterysql://u:hunter2@h/n", "postgres://u:hunter2@h:port/n"])
    def test_a_refusal_never_quotes_it(self, env, monkeypatch, word):
        monkeypatch.setenv("A_DATABASE", word)
        text = refusal(lambda: env.database("A_DATABASE", ""))
        assert text.startswith("A_DATABASE: ")
        assert "hunter2" not in text

    def test_one(self, env, monkeypatch):
        monkeypatch.setenv("A_DATABASE", "postgres://seat:p%40ss@db:5432/seatkeeper")
        read = env.database("A_DATABASE", "")
        assert (read["HOST"], read["PASSWORD"], read["NAME"]) == ("db", "p@ss", "seatkeeper")


WRONG = {
    "TIME_ZONE": "Asia/Beijing",
    "TRUSTED_PROXY_COUNT": "true",
    "ALLOWED_HOSTS": "https://seats.example.com",
    "SECURE_COOKIES": "offf",
    "UPSTREAM_TIMEOUT": "20s",
    "DATABASE_URL": "postgres//seat:hunter2@db/seatkeeper",
    "LOG_LEVEL": "LOUD",
}


EVERY = [(("check",), name) for name in WRONG]
EVERY += [(command, "ALLOWED_HOSTS") for command in (("up", "--port", "1"),)]


@pytest.mark.parametrize(("command", "name"), EVERY)
def test_every_door_says_it_in_one_sentence(command: tuple[str, ...], name: str, tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env=os.environ | {name: WRONG[name], "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = answer.stdout + answer.stderr
    assert answer.returncode != 0
    assert name in said
    assert "Traceback" not in said
    assert "hunter2" not in said

"""`config`: settings from the shell, with the bounds and the words of the page, and no secret shown or left behind."""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from notifications.channels import email, webhook
from notifications.models import AuditEvent, Setting
from notifications.settings import runtime

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "canary-7d1f0c52"


@pytest.fixture
def config(capsys: Any) -> Any:
    def config(*words: str) -> str:
        call_command("config", *words)
        return capsys.readouterr().out

    return config


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


class TestGet:
    def test_it_prints_one_value(self, config: Any) -> None:
        assert config("get", "teampool.default_seat_cap") == "4\n"
        assert config("get", "invites.is_open") == "on\n"

    def test_it_lists_every_setting(self, config: Any) -> None:
        listed = [line.partition("=")[0] for line in config("list").splitlines() if "=" in line]
        assert set(runtime.declared()) <= set(listed)

    def test_an_unknown_key_is_refused(self, config: Any) -> None:
        with pytest.raises(CommandError, match=r"notifications\.nonsense"):
            config("get", "notifications.nonsense")


class TestSet:
    def test_it_changes_several_or_none(self, config: Any) -> None:
        config("set", "teampool.default_seat_cap=5", "teampool.failures_to_expire=7")
        assert config("get", "teampool.default_seat_cap") == "5\n"
        with pytest.raises(CommandError, match=r"teampool\.failures_to_expire"):
            config("set", "teampool.default_seat_cap=6", "teampool.failures_to_expire=0")
        assert config("get", "teampool.default_seat_cap") == "5\n"

    def test_it_says_what_the_page_says(self, config: Any) -> None:
        with pytest.raises(CommandError, match=r"notifications\.webhook_url: .*(https|内网)"):
            config("set", "notifications.webhook_url=http://receiver.example.com/")
        for number in ("51", "9" * 400):
            with pytest.raises(CommandError, match=r"Between 1 and 50|1 到 50"):
                config("set", f"teampool.failures_to_expire={number}")
        config("set", "notifications.webhook_url=http://127.0.0.1:9/", "notifications.webhook_allow_private=on")
        assert webhook.URL.get() == "http://127.0.0.1:9/"

    def test_force_skips_the_bounds_never_the_type(self, config: Any) -> None:
        config("set", "--force", "teampool.failures_to_expire=51")
        with pytest.raises(CommandError, match="failures_to_expire"):
            config("set", "--force", "teampool.failures_to_expire=many")

    def test_a_word_without_a_value_is_refused(self, config: Any) -> None:
        with pytest.raises(CommandError, match="KEY=VALUE"):
            config("set", "teampool.default_seat_cap")


class TestSecrets:
    def test_it_is_read_from_stdin(self, config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        typed(monkeypatch, f"{CANARY}\n")
        assert config("set", "notifications.smtp_password=-") == ""
        assert email.PASSWORD.get() == CANARY

    def test_a_text_of_many_lines_is_read_whole(self, config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        typed(monkeypatch, "One\nTwo {email}\n")
        config("set", "notifications.mail_success_body_en=-")
        assert config("get", "notifications.mail_success_body_en") == "One\nTwo {email}\n"

    def test_at_a_terminal_it_is_asked_for_unseen(self, config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        typed(monkeypatch, "")
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr("getpass.getpass", lambda prompt: CANARY if "smtp_password" in prompt else "")
        config("set", "notifications.smtp_password=-")
        assert email.PASSWORD.get() == CANARY

    def test_stdin_holds_one_value(self, config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        typed(monkeypatch, CANARY)
        with pytest.raises(CommandError, match="only one"):
            config("set", "notifications.smtp_password=-", "notifications.webhook_secret=-")
        assert not email.PASSWORD.get()

    def test_nothing_ever_shows_it(self, config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        typed(monkeypatch, CANARY)
        config("set", "notifications.webhook_secret=-")
        assert webhook.SECRET.get() == CANARY
        assert config("get", "notifications.webhook_secret") == "•••\n"
        assert CANARY not in config("list")
        assert CANARY not in str(list(AuditEvent.objects.values()))
        # Nor is it in the database as it stands.
        assert CANARY not in str(Setting.objects.values_list("value"))

    def test_a_refused_one_is_not_repeated(self, config: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        typed(monkeypatch, "sh\x01rt")
        with pytest.raises(CommandError) as refused:
            config("set", "notifications.webhook_secret=-")
        assert "rt" not in str(refused.value).replace("Write", "")

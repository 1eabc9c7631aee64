"""The mails as they are read, in both languages: the default texts word for word, and what an operator wrote."""

from __future__ import annotations

import pytest

from notifications import topics
from notifications.models import Message
from notifications.settings.runtime import read
from notifications.texts import mails, notices
from tests.cast import ANA
from tests.notifications.conftest import settle

pytestmark = pytest.mark.django_db
CONTEXT = {"email": ANA, "status_path": "/r/Q4RT6HZN/", "ends_at": "2 Mar 2026, 14:30 (UTC+8)"}


def letter(event: str = "mail_success", language: str = "en", **context) -> mails.Letter:
    texts = mails.Texts.of(read(*mails.WANTED))
    return mails.letter(Message(event=event, language=language, context=CONTEXT | context), texts)


class TestSuccess:
    def test_the_default_in_english(self):
        settle(public_url="https://seats.example.com")
        mail = letter()
        assert mail.subject == "Your ChatGPT Team invitation"
        assert mail.text == (
            "It was sent to ana@example.com.\n\n1. Open the invitation from OpenAI and accept;\n"
            "2. sign in with the same e-mail;\n3. switch to the Team.\n\n"
            "Progress: https://seats.example.com/r/Q4RT6HZN/"
        )

    def test_the_default_in_chinese(self):
        settle(public_url="https://seats.example.com")
        mail = letter(language="zh-hans")
        assert mail.subject == "你的 ChatGPT Team 邀请"
        assert mail.text == (
            "邀请已发到 ana@example.com。\n\n"
            "1. 打开 OpenAI 的邀请邮件并接受；\n2. 用同一邮箱登录；\n3. 切换到 Team。\n\n"
            "进度：https://seats.example.com/r/Q4RT6HZN/"
        )

    def test_the_operators_text_is_filled_in(self):
        settle(mail_success_subject_en="For {email}", mail_success_body_en="{email} until {ends_at}")
        mail = letter()
        assert (mail.subject, mail.text) == (f"For {ANA}", f"{ANA} until 2 Mar 2026, 14:30 (UTC+8)")

    def test_a_line_without_its_value_is_left_out(self):
        """A seat without an end; a site whose address nobody set."""
        settle(mail_success_body_en="Hello\n\nUntil {ends_at}\n\nSee {status_url}\n\nBye")
        assert letter(ends_at="").text == "Hello\n\nBye"

    def test_the_first_trusted_origin_stands_in_for_the_sites_address(self, settings):
        settings.CSRF_TRUSTED_ORIGINS = ["https://*.example.com", "https://seats.example.com"]
        assert "https://seats.example.com/r/Q4RT6HZN/" in letter().text

    def test_what_is_filled_in_is_no_placeholder_and_no_markup(self):
        settle(mail_success_body_en="Hello {email} <b>&</b>")
        mail = letter(email="{ends_at}<i>@example.com")
        assert mail.text == "Hello {ends_at}<i>@example.com <b>&</b>"
        assert "Hello {ends_at}&lt;i&gt;@example.com &lt;b&gt;&amp;&lt;/b&gt;" in mail.html

    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("进度：https://a.example/r/x/。", "https://a.example/r/x/"),
            ("(see https://a.example/?a=1&b=2).", "https://a.example/?a=1&amp;b=2"),
            ('<a href="https://a.example/">', "https://a.example/"),
        ],
    )
    def test_addresses_become_links_and_nothing_else_does(self, text, address):
        settle(mail_success_body_en=text)
        html = letter().html
        assert html.count("<a ") == 1
        assert f'<a href="{address}">{address}</a>' in html

    def test_no_script_gets_into_the_html(self):
        settle(mail_success_body_en="javascript:alert(1) <script>x</script>")
        html = letter().html
        assert "<script" not in html
        assert "<a " not in html


class TestOthers:
    def test_the_reminder(self):
        settle(public_url="https://seats.example.com")
        mail = letter("mail_reminder")
        assert mail.subject == "Your ChatGPT Team seat ends soon"
        assert mail.text.startswith("The seat of ana@example.com ends on 2 Mar 2026, 14:30 (UTC+8).")

    def test_the_move(self):
        assert letter("mail_moved").text.startswith(
            "Your seat moved to another Team. Please accept the new invitation mail."
        )

    def test_a_notice_holds_its_line_and_the_way_to_the_admin(self):
        settle(public_url="https://seats.example.com")
        mail = letter("team_over_full", team="Team A", used=5, total=4)
        line = "Team A is over-full 5/4; nobody is removed by itself"
        assert mail.subject == f"Seatkeeper: {line}"
        assert mail.text == f"{line}\n\nhttps://seats.example.com/admin/"


class TestLines:
    CONTEXTS = {
        "token_expired": {"team": "Team A", "owner": "omar@example.com", "teams": 1},
        "login_expired": {"owner": "omar@example.com", "teams": 2},
        "team_suspended": {"team": "Team A", "people": 4, "state": "suspended"},
        "seats_not_read": {"team": "Team A"},
        "team_over_full": {"team": "Team A", "used": 5, "total": 4},
        "subscription_ends": {"team": "Team A", "until": "2026-03-01T06:30:00+00:00"},
        "low_stock": {"current_seats": 3, "threshold": 10},
        "removal_costs": {"team": "Team A", "costs": True, "vacancy_ordinal": 6, "free_below": 6},
        "guardian_stopped": {"hours": 5},
        "guardian_capped": {"wanted": 12, "limit": 10},
        "sweep_too_slow": {"seconds": 200, "interval": 90},
        "list_untrusted": {"team": "Team A"},
        "invite_unresolved": {"count": 3, "minutes": 10},
        "operator_locked_out": {"username": "olga", "ip": "192.0.2.1"},
        "delivery_failing": {"channel": "email", "reason": "HTTP 500"},
    }

    def test_every_topic_has_words(self):
        assert set(self.CONTEXTS) == set(topics.TOPICS)
        for event, context in self.CONTEXTS.items():
            line = notices.line(event, context)
            assert line
            assert line != event
            assert "{" not in line

    def test_a_context_of_an_older_version_still_has_words(self):
        assert notices.line("login_expired", {"owner": "omar@example.com"})
        assert notices.line("team_suspended", {"team": "Team A"})
        assert notices.line("invite_unresolved", {"minutes": 1440})
        assert "Team A" in notices.line("token_expired", {"team": "Team A"})

    def test_it_stays_one_line(self):
        assert notices.line("token_expired", {"team": "A\r\nBcc: x"}).count("\n") == 0

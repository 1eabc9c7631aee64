from __future__ import annotations

from html import unescape

from tests.sandbox.client import ask

ANA = "ana@example.net"


def press(server, path, **form):
    return ask(server, "POST", path, form=form)


class TestWorkspaces:
    def test_it_says_what_it_is_in_both_languages(self, server):
        page = ask(server, "GET", "/")
        assert page.status == 200
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "不会联系 ChatGPT" in page.text
        assert "this is not ChatGPT" in page.text
        assert 'name="viewport"' in page.text
        assert "<script" not in page.text

    def test_it_shows_seats_people_and_an_accept_button(self, server, omar):
        omar.invite(ANA)
        page = ask(server, "GET", "/").text
        assert "1 + 1 / 5" in page
        assert ANA in page
        assert "接受 Accept" in page
        assert "Demo Team 02" in page

    def test_it_accepts_as_the_invited_person(self, server, omar):
        omar.invite(ANA)
        answer = press(server, "/do/accept", account_id=omar.account_id, email=ANA, back="/")
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        assert ANA in omar.people()

    def test_it_says_why_a_button_did_nothing(self, server, omar):
        answer = press(server, "/do/accept", account_id=omar.account_id, email=ANA)
        assert answer.status == 303
        assert "no pending invite" in ask(server, "GET", answer.headers["Location"]).text

    def test_it_suspends_and_recovers(self, server, omar):
        press(server, "/do/suspend", account_id=omar.account_id)
        assert omar.members().status == 402
        assert "已停用 suspended" in ask(server, "GET", "/").text
        press(server, "/do/recover", account_id=omar.account_id)
        assert omar.members().status == 200

    def test_it_adds_strangers(self, server, omar):
        press(server, "/do/stranger", account_id=omar.account_id)
        press(server, "/do/stranger", account_id=omar.account_id)
        assert omar.people()[1:] == ["stranger1@outside.example", "stranger2@outside.example"]

    def test_it_shows_no_markup_of_others(self, server, omar):
        omar.world.set_workspace(omar.account_id, name="<b>Team</b>")
        omar.world.invite_from_web(omar.account_id, '"><i>x</i>@example.net')
        page = ask(server, "GET", "/?said=<u>no</u>").text
        assert "<b>" not in page
        assert "<i>" not in page
        assert "<u>" not in page
        assert "<b>Team</b>" in unescape(page)

    def test_a_button_needs_a_post(self, server, omar):
        assert ask(server, "GET", "/do/suspend").status == 405
        assert ask(server, "POST", "/").status == 405


class TestMail:
    def test_it_shows_every_mail_newest_first(self, server, omar):
        omar.invite(ANA)
        omar.invite("sam@example.net")
        omar.invite(ANA)
        page = ask(server, "GET", "/mail/").text
        assert page.count(f"<strong>{ANA}</strong>") == 2
        assert page.index("第 2 封") < page.index("<strong>sam@example.net</strong>")
        assert page.count("接受 Accept") == 3

    def test_it_says_that_an_invite_was_accepted(self, server, omar):
        omar.invite(ANA)
        press(server, "/do/accept", account_id=omar.account_id, email=ANA, back="/mail/")
        page = ask(server, "GET", "/mail/").text
        assert "接受 Accept" not in page
        assert "已接受 accepted" in page

    def test_it_offers_no_button_for_an_invite_that_is_gone(self, server, omar):
        omar.invite(ANA)
        omar.world.revoke_from_web(omar.account_id, ANA)
        page = ask(server, "GET", "/mail/").text
        assert "接受 Accept" not in page
        assert "no longer open" in page

    def test_it_returns_to_the_inbox(self, server, omar):
        omar.invite(ANA)
        answer = press(server, "/do/accept", account_id=omar.account_id, email=ANA, back="/mail/")
        assert answer.headers["Location"] == "/mail/"

    def test_it_leads_nowhere_else(self, server, omar):
        answer = press(server, "/do/suspend", account_id=omar.account_id, back="https://elsewhere.example/")
        assert answer.headers["Location"] == "/"

"""The announcement: who sees which text, what is remembered, and the operator's page for it."""

from __future__ import annotations

import re
from http.cookies import Morsel
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from base.actors import Actor
from invites.states import GrantState
from notifications import announcement
from notifications.models import Announcement, AuditEvent
from tests.invites.rows import a_seated

pytestmark = pytest.mark.django_db
OLGA = Actor("operator", "olga", "198.51.100.7")
DESK = "/admin/notifications/announcement/"
CSP = (
    "base-uri 'none'; connect-src 'self'; default-src 'none'; form-action 'self'; frame-ancestors 'none'; "
    "img-src 'self' data:; script-src 'self'; style-src 'self'"
)


def announce(zh: str = "### 维护\n今晚 **23:00**", en: str = "", *, is_shown: bool = True) -> None:
    announcement.change(zh=zh, en=en, is_shown=is_shown, actor=OLGA)


def dialog(client: Client, path: str = "/", language: str = "zh-hans", **kwargs: Any) -> str:
    """The dialog as the page has it, or nothing."""
    text = client.get(path, HTTP_ACCEPT_LANGUAGE=language, **kwargs).content.decode()
    found = re.search(r"<dialog.*?</dialog>", text, re.DOTALL)
    return found[0] if found else ""


def is_open(client: Client, path: str = "/", **kwargs: Any) -> bool:
    return " open>" in dialog(client, path, **kwargs)


def read(client: Client) -> Morsel[str]:
    """Press the button of the dialog; the cookie that came."""
    version = re.search(r'name="version" value="(\w+)"', dialog(client))
    assert version is not None
    answer = client.post("/notice", {"version": version[1]})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    return answer.cookies["notice"]


class TestOnTheForm:
    def test_nothing_is_there_without_one(self, client: Client) -> None:
        assert dialog(client) == ""
        assert "show-notice" not in client.get("/").content.decode()

    @pytest.mark.parametrize(("zh", "is_shown"), [("维护", False), ("", True), (" \n", True)])
    def test_one_that_is_off_or_empty_is_not_there(self, client: Client, zh: str, is_shown: bool) -> None:
        announce(zh, is_shown=is_shown)
        assert dialog(client) == ""

    def test_it_is_open_at_first(self, client: Client) -> None:
        announce()
        text = dialog(client)
        assert text.startswith('<dialog class="card" id="notice" aria-labelledby="notice-title" open>')
        assert "<h3>维护</h3>" in text
        assert "<strong>23:00</strong>" in text
        assert "知道了" in text

    @pytest.mark.parametrize(
        ("zh", "en", "language", "said"),
        [
            ("中", "E", "zh-hans", "中"),
            ("中", "E", "en", "E"),
            ("中", "", "en", "中"),
            ("中", " \n", "en", "中"),
            ("", "E", "zh-hans", "E"),
        ],
    )
    def test_each_reads_their_language_or_the_other(
        self, client: Client, zh: str, en: str, language: str, said: str
    ) -> None:
        announce(zh, en)
        assert f"<p>{said}</p>" in dialog(client, language=language)

    def test_a_script_in_it_is_text(self, client: Client) -> None:
        announce("<script>alert(1)</script>")
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in dialog(client)

    def test_a_refused_form_keeps_it_closed(self, client: Client) -> None:
        announce()
        text = client.post("/", {"email": "", "code": ""}).content.decode()
        assert '<dialog class="card" id="notice" aria-labelledby="notice-title">' in text

    def test_it_is_not_on_the_status_page(self, client: Client) -> None:
        announce()
        assert dialog(client, f"/r/{a_seated(GrantState.VERIFIED).public_id}/") == ""

    def test_the_policy_of_the_page_stays_as_it_is(self, client: Client) -> None:
        announce()
        policy = client.get("/").headers["Content-Security-Policy"]
        assert "; ".join(sorted(policy.split("; "))) == CSP

    def test_it_costs_one_query(self, client: Client, django_assert_num_queries: Any) -> None:
        announce()
        with django_assert_num_queries(2):  # whether redemptions are open is the other
            client.get("/")


class TestGotIt:
    def test_it_does_not_come_back(self, client: Client) -> None:
        announce()
        cookie = read(client)
        assert cookie["max-age"] == 365 * 24 * 3600
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert not is_open(client)
        assert not is_open(client, language="en")

    def test_the_link_opens_it_again(self, client: Client) -> None:
        announce()
        read(client)
        page = client.get("/").content.decode()
        assert '<a id="show-notice" href="/?notice">公告</a>' in page
        assert is_open(client, "/?notice")

    def test_another_text_does(self, client: Client) -> None:
        announce()
        read(client)
        announce("别的")
        assert is_open(client)

    def test_off_and_on_again_does_not(self, client: Client) -> None:
        announce()
        read(client)
        announce(is_shown=False)
        announce()
        assert not is_open(client)

    def test_what_was_not_shown_was_not_read(self, client: Client) -> None:
        """The text changed while the page was open: the new one is still to be read."""
        announce()
        version = re.search(r'name="version" value="(\w+)"', dialog(client))
        announce("别的")
        client.post("/notice", {"version": version[1] if version else ""})
        assert is_open(client)

    @pytest.mark.parametrize("version", ["", "x" * 16, "a" * 17, "A" * 16, "a;b", "\r\nSet-Cookie: x=y"])
    def test_what_is_no_version_leaves_no_cookie(self, client: Client, version: str) -> None:
        answer = client.post("/notice", {"version": version})
        assert answer.status_code == 302
        assert "notice" not in answer.cookies

    def test_it_is_a_post_with_a_token(self, client: Client) -> None:
        assert client.get("/notice").status_code == 405
        assert Client(enforce_csrf_checks=True).post("/notice", {"version": "a" * 16}).status_code == 403


class TestChange:
    def test_there_is_never_a_second_one(self) -> None:
        announce()
        announce("别的")
        assert Announcement.objects.count() == 1
        with pytest.raises(IntegrityError), transaction.atomic():
            Announcement.objects.create(pk=2, updated_at=timezone.now())

    def test_it_says_what_was_and_what_is(self) -> None:
        announce("一", "one")
        announce("字" * 100, "one", is_shown=False)
        event = AuditEvent.objects.latest("id")
        assert (event.action, event.actor, event.ip) == ("announcement_changed", "olga", "198.51.100.7")
        assert event.details == {
            "before": {"zh": "一", "is_shown": True},
            "after": {"zh": "字" * 80 + "…", "is_shown": False},
        }

    def test_nothing_new_leaves_no_trace(self) -> None:
        announce()
        announce()
        assert AuditEvent.objects.count() == 1


class TestOperatorPage:
    @pytest.fixture
    def desk(self, olga_client: Client) -> Client:
        return olga_client

    def test_it_says_that_there_is_none(self, desk: Client) -> None:
        assert "没有公告。" in desk.get(DESK).content.decode()

    def test_it_saves(self, desk: Client, client: Client) -> None:
        answer = desk.post(DESK, {"zh": "一\r\n二", "en": "one", "is_shown": "on"}, follow=True)
        assert "已保存。" in answer.content.decode()
        row = Announcement.objects.get()
        assert (row.zh, row.en, row.is_shown) == ("一\n二", "one", True)
        assert is_open(client)
        event = AuditEvent.objects.get()
        assert (event.action, event.actor, event.ip) == ("announcement_changed", "olga", "127.0.0.1")

    def test_it_shows_what_is_stored_and_how_it_looks(self, desk: Client) -> None:
        announce("**粗**", "thin")
        text = desk.get(DESK).content.decode()
        assert "**粗**</textarea>" in text
        assert "<strong>粗</strong>" in text
        assert "<p>thin</p>" in text
        assert 'name="is_shown" id="id_is_shown" checked' in text
        assert "没有公告。" not in text

    def test_a_preview_saves_nothing(self, desk: Client) -> None:
        text = desk.post(DESK, {"zh": "*新*", "preview": "yes"}).content.decode()
        assert "<em>新</em>" in text
        assert "*新*</textarea>" in text
        assert not Announcement.objects.exists()
        alone = desk.post(f"{DESK}preview/", {"zh": "*新*"}).content.decode()
        assert "<em>新</em>" in alone
        assert "<html" not in alone
        assert not Announcement.objects.exists()

    @pytest.mark.parametrize("field", ["zh", "en"])
    def test_it_refuses_more_than_4000_characters(self, desk: Client, field: str) -> None:
        text = desk.post(DESK, {field: "字" * 4001}).content.decode()
        assert f'<span class="sk-error" id="id_{field}_error">超过 4,000 字。</span>' in text
        assert "字" * 4001 in text
        assert not Announcement.objects.exists()

    def test_a_line_end_is_one_character(self, desk: Client) -> None:
        assert desk.post(DESK, {"zh": "字\r\n" * 1999 + "字字"}).status_code == 302

    def test_an_empty_one_cannot_be_shown(self, desk: Client) -> None:
        assert "请先写公告内容。" in desk.post(DESK, {"is_shown": "on"}).content.decode()
        assert not Announcement.objects.exists()

    def test_it_wants_the_right(self, desk: Client, olga: User) -> None:
        User.objects.filter(pk=olga.pk).update(is_superuser=False)
        for path in (DESK, f"{DESK}preview/"):
            assert desk.get(path).status_code == 403
            assert desk.post(path, {"zh": "x"}).status_code == 403
        assert not Announcement.objects.exists()

    @pytest.mark.parametrize("path", ["add/", "1/change/", "1/delete/", "1/history/"])
    def test_there_is_no_other_page(self, desk: Client, path: str) -> None:
        announce()
        assert desk.get(DESK + path).status_code in (403, 404)
        assert desk.post(DESK + path, {"zh": "x"}).status_code in (403, 404)
        assert Announcement.objects.get().zh != "x"

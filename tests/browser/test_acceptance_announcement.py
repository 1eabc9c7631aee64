"""The announcement in a real browser: a modal with JavaScript, a part of the page without."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from base.actors import Actor
from notifications import announcement
from notifications.models import Announcement
from tests.browser.conftest import EN, ZH
from tests.cast import ANA, a_code, an_operator
from tests.thinning import thin

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., Page]
OLGA = Actor("operator", "olga", "198.51.100.7")
TEXT = (
    "### 今晚维护\n**注意：**23:00 到 23:30 *暂停*兑换。\n\n- 邀请码不会失效\n- 见[说明](https://example.com/a)\n\n"
    "```\nsupport@example.com, and a line that is a good deal longer than any phone is wide\n```\n"
    "<script>alert(1)</script>"
)
FOCUSED = "document.activeElement.id || document.activeElement.tagName"
INSIDE = "document.getElementById('notice').contains(document.activeElement)"


def announce(zh: str = TEXT) -> None:
    announcement.change(zh=zh, en="", is_shown=True, actor=OLGA)


def is_modal(page: Page) -> bool:
    return page.locator("#notice").evaluate("e => e.open && e.matches(':modal')")


def got_it(page: Page, how: Callable[[], None]) -> None:
    """Close it, and wait until the server knows."""
    with page.expect_response("**/notice"):
        how()
    expect(page.locator("#notice")).to_be_hidden()


def scrolls_sideways(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


class TestModal:
    def test_13_it_opens_over_the_page_with_the_focus_on_its_heading(self, visit: Visit) -> None:
        announce()
        page = visit("/")
        assert is_modal(page)
        assert page.evaluate(FOCUSED) == "notice-title"
        expect(page.get_by_role("dialog", name="公告")).to_be_visible()
        assert page.locator("#notice").inner_text().count("<script>alert(1)</script>") == 1

    def test_13_tab_stays_inside(self, visit: Visit) -> None:
        announce()
        page = visit("/")
        for key in ["Tab"] * 6 + ["Shift+Tab"] * 6:
            page.keyboard.press(key)
            assert page.evaluate(INSIDE), page.evaluate(FOCUSED)

    @pytest.mark.parametrize("how", ["Escape", "button"])
    def test_13_it_closes_for_good(self, visit: Visit, how: str) -> None:
        announce()
        page = visit("/")
        page.evaluate("document.getElementById('email').value = 'half typed'")
        got_it(page, lambda: page.keyboard.press("Escape") if how == "Escape" else page.click("#notice button"))
        assert page.input_value("#email") == "half typed"
        page.reload()
        expect(page.locator("#notice")).to_be_hidden()
        announce("别的")
        page.reload()
        assert is_modal(page)

    def test_a_click_beside_it_does_not_close_it(self, visit: Visit) -> None:
        announce()
        page = visit("/", width=1280)
        page.mouse.click(20, 400)
        assert is_modal(page)

    def test_the_link_opens_it_again_where_one_is(self, visit: Visit) -> None:
        announce()
        page = visit("/")
        got_it(page, lambda: page.click("#notice button"))
        page.fill("#email", ANA)
        page.get_by_role("link", name="公告").click()
        assert is_modal(page)
        assert page.evaluate(FOCUSED) == "notice-title"
        got_it(page, lambda: page.keyboard.press("Escape"))
        assert page.input_value("#email") == ANA

    def test_it_stays_away_from_an_error_and_from_the_status_page(self, visit: Visit) -> None:
        announce()
        a_code("7K2M9QXDVH4TB8NC")
        page = visit("/")
        page.keyboard.press("Escape")
        page.click("button.main:visible")
        expect(page.locator("#email")).to_be_focused()
        expect(page.locator("#notice")).to_be_hidden()


class TestWithoutScript:
    def test_05_and_13_it_stands_above_the_form_until_it_was_read(self, visit: Visit) -> None:
        announce()
        page = visit("/", js=False)
        notice = page.locator("#notice")
        expect(notice).to_be_visible()
        assert notice.bounding_box()["y"] + notice.bounding_box()["height"] < page.locator("h1").bounding_box()["y"]
        page.get_by_role("button", name="知道了").click()
        expect(page).to_have_url(page.url.split("?")[0])
        expect(notice).to_be_hidden()
        page.reload()
        expect(notice).to_be_hidden()
        page.get_by_role("link", name="公告").click()
        expect(notice).to_be_visible()
        page.get_by_role("button", name="知道了").click()
        expect(notice).to_be_hidden()
        announce("别的")
        page.reload()
        expect(notice).to_be_visible()


class TestLooks:
    @pytest.mark.parametrize(("language", "width", "js"), [(ZH, 390, False), (ZH, 320, True), (EN, 320, False)])
    def test_nothing_scrolls_sideways(self, visit: Visit, language: str, width: int, js: bool) -> None:
        announce(TEXT + "\n\n" + "长" * 300 + " " + "W" * 300)
        page = visit("/", width=width, language=language, js=js)
        assert not scrolls_sideways(page)
        box = page.locator("#notice").bounding_box()
        assert box["x"] >= 15
        assert box["x"] + box["width"] <= width - 15
        assert page.locator("#notice").evaluate("e => e.scrollWidth <= e.clientWidth")
        if js:
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= 844

    def test_a_long_one_scrolls_in_itself(self, visit: Visit) -> None:
        announce("\n\n".join(["很长的公告。"] * 300))
        page = visit("/", height=600)
        assert page.locator("#notice").bounding_box()["height"] <= 600
        page.locator("#notice button").scroll_into_view_if_needed()
        got_it(page, lambda: page.click("#notice button"))

    @pytest.mark.parametrize("width", [390, 320])
    def test_the_link_is_large_enough_and_the_form_where_it_was(self, visit: Visit, width: int) -> None:
        announce()
        page = visit("/", width=width)
        got_it(page, lambda: page.keyboard.press("Escape"))
        box = page.locator("#show-notice").bounding_box()
        assert min(box["width"], box["height"]) >= 44
        button = page.locator("button.main:visible").bounding_box()
        assert button["y"] + button["height"] <= 844

    # Every pair of language, colours and kind of dialog.
    @pytest.mark.parametrize(
        ("language", "dark", "js"),
        thin([(ZH, False, True), (ZH, True, False), (EN, False, False), (EN, True, True)], every=3),
    )
    def test_axe_finds_nothing(self, visit: Visit, language: str, dark: bool, js: bool) -> None:
        announce()
        page = visit("/nothing-here/", language=language, dark=dark)
        if not js:  # axe is a script itself: only ours is left out
            page.route("**/public.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
        page.goto("/")
        assert is_modal(page) is js
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()


class TestOperatorPage:
    def test_the_preview_follows_the_typing(self, visit: Visit) -> None:
        an_operator(password="correct horse battery")
        page = visit("/admin/", width=1280)
        page.fill("#id_username", "olga")
        page.fill("#id_password", "correct horse battery")
        page.locator("#login-form button").first.click()
        page.goto("/admin/notifications/announcement/")
        page.fill("#id_zh", "**新**的")
        expect(page.locator("#preview strong")).to_have_text("新")
        page.check("#id_is_shown")
        page.get_by_role("button", name="保存").click()
        expect(page.locator("#preview strong")).to_have_text("新")
        assert Announcement.objects.get().is_shown
        page.goto("/")
        assert is_modal(page)

"""The redeemer's pages in a real browser. The worker's part is written straight into the rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from invites.models import Redemption, SeatGrant
from invites.states import GrantState
from tests.browser.conftest import EACH_LANGUAGE, EACH_LOOK, EN, ZH
from tests.cast import ANA, SAM, a_code, a_team
from tests.invites.rows import MINUTE, a_redemption, a_refused, a_seated, an_already, an_ended

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., Page]
CODE = "7K2M9QXDVH4TB8NC"


def submit(page: Page, email: str = "", code: str = "") -> None:
    """Fill the form in and send it; returns on the page that answers."""
    page.fill("#email", email)
    page.fill("#code", code)
    with page.expect_navigation():
        page.click("button.main")


def reach(redemption: Redemption, state: GrantState) -> None:
    """Move its seat on, as the worker would."""
    now = timezone.now()
    fields = {GrantState.INVITED: "invited_at", GrantState.VERIFIED: "verified_at", GrantState.JOINED: "joined_at"}
    SeatGrant.objects.filter(redemption=redemption).update(
        state=state, sends=1, sent_at=now, **({fields[state]: now} if state in fields else {})
    )


def each_page() -> dict[str, Redemption]:
    """A redemption in every state that looks different."""
    now = timezone.now()
    seat = a_seated(GrantState.VERIFIED, at=now - 5 * MINUTE, email="anastasia.of.a.long.name@dept.example-school.edu")
    return {
        "pending": a_seated(GrantState.RESERVED, email="p@example.com", seat_time=timedelta(hours=72)),
        "slow": a_seated(GrantState.RESERVED, email="s@example.com", at=now - 5 * MINUTE),
        "invited": a_seated(GrantState.INVITED, email="i@example.com"),
        "verified": a_seated(GrantState.VERIFIED, at=now - 5 * MINUTE, ends_at=now + timedelta(hours=72)),
        "joined": a_seated(GrantState.JOINED, email="j@example.com", at=now - timedelta(days=400)),
        "refused": a_refused("email_refused", email="r@example.com"),
        "ended": an_ended(at=now, ends_at=now - MINUTE, email="e@example.com"),
        "already": an_already(seat, seat.email),
    }


def scrolls_sideways(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


class TestSmallScreens:
    @EACH_LANGUAGE
    @pytest.mark.parametrize("width", [390, 320])
    def test_01_the_form_never_scrolls_sideways(self, visit: Visit, language: str, width: int) -> None:
        page = visit("/", width=width, language=language)
        assert not scrolls_sideways(page)
        submit(page)
        assert not scrolls_sideways(page)
        submit(page, ANA, "W" * 300)
        assert not scrolls_sideways(page)

    @EACH_LANGUAGE
    @pytest.mark.parametrize("width", [390, 320])
    def test_no_status_page_scrolls_sideways(self, visit: Visit, language: str, width: int) -> None:
        page = visit("/nothing-here/", width=width, language=language)
        assert not scrolls_sideways(page)
        for name, redemption in each_page().items():
            page.goto(f"/r/{redemption.public_id}/")
            assert not scrolls_sideways(page), name

    @EACH_LANGUAGE
    @pytest.mark.parametrize("is_sandbox", [False, True], ids=["real", "sandbox"])
    def test_01_the_button_is_above_the_fold_with_errors_shown(
        self, visit: Visit, settings: object, language: str, is_sandbox: bool
    ) -> None:
        settings.IS_SANDBOX = is_sandbox  # type: ignore[attr-defined]
        a_code(CODE)
        page = visit("/", language=language)
        for email, code in [("", ""), ("ana@", CODE), (ANA, "WRONG"), (ANA, CODE)]:
            submit(page, email, code)
            box = page.locator("button.main").bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= 844

    def test_01_fields_and_buttons_are_large_enough(self, visit: Visit) -> None:
        page = visit("/")
        for field in page.locator("#email, #code").all():
            assert field.evaluate("e => parseFloat(getComputedStyle(e).fontSize)") >= 16  # smaller zooms on a phone
            assert field.bounding_box()["height"] == 48
        assert page.locator("button.main").bounding_box()["height"] == 48
        for target in page.locator("header a, header button").all():
            assert target.bounding_box()["height"] >= 44
            assert target.bounding_box()["width"] >= 44

    def test_on_a_wide_screen_it_is_the_same_column(self, visit: Visit) -> None:
        box = visit("/", width=1280).locator(".card").bounding_box()
        assert box["width"] == 480
        assert abs(box["x"] + box["width"] / 2 - 640) < 1


class TestEmptyForm:
    @pytest.mark.parametrize(
        ("language", "email", "code", "title"),
        [
            (ZH, "请填写邮箱。", "请填写邀请码。", "出错 · 席位管家"),
            (EN, "Enter your e-mail.", "Enter your code.", "Error · Seatkeeper"),
        ],
    )
    def test_02_it_says_so_at_each_field_and_starts_at_the_first(
        self, visit: Visit, language: str, email: str, code: str, title: str
    ) -> None:
        page = visit("/", language=language)
        submit(page)
        expect(page.locator("#email")).to_be_focused()
        expect(page.locator("#email")).to_have_accessible_description(f"{page.inner_text('#email-hint')} {email}")
        expect(page.locator("#code-error")).to_have_text(code)
        assert page.locator(".error").count() == 2
        assert page.title() == title

    def test_02_with_one_field_filled_its_value_is_kept(self, visit: Visit) -> None:
        page = visit("/")
        submit(page, ANA, "")
        expect(page.locator("#email")).to_have_value(ANA)
        expect(page.locator("#code")).to_be_focused()


class TestFollowing:
    @pytest.mark.parametrize(
        ("language", "sentences"),
        [
            (ZH, ["正在为你安排席位", "邀请已发出", "邀请已确认，请去邮箱接受", "你已加入 Team"]),
            (
                EN,
                [
                    "Arranging your seat",
                    "Invitation sent",
                    "Invitation confirmed: accept it in your mail",
                    "You are in",
                ],
            ),
        ],
    )
    def test_04_the_page_follows_without_a_touch_and_says_each_change_once(
        self, visit: Visit, language: str, sentences: list[str]
    ) -> None:
        a_team()
        a_code(CODE)
        page = visit("/", width=1280, height=800, language=language)
        submit(page, ANA, "7k2m 9qxd vh4t b8nc")
        redemption = Redemption.objects.get()
        expect(page.locator("h1")).to_have_text(sentences[0])
        expect(page.locator("dd").first).to_have_text(ANA)
        page.evaluate(
            """() => {
                window.said = [];
                const line = document.getElementById('said');
                new MutationObserver(() => window.said.push(line.textContent)).observe(line, {childList: true});
            }"""
        )
        for state, sentence in zip(
            [GrantState.INVITED, GrantState.VERIFIED, GrantState.JOINED], sentences[1:], strict=True
        ):
            reach(redemption, state)
            expect(page.locator("h1")).to_have_text(sentence)
        assert page.evaluate("window.said") == sentences[1:]
        assert page.title().split(" · ")[0] == sentences[-1]
        assert page.locator("[hx-get]").count() == 0

    def test_nothing_new_leaves_the_page_alone(self, visit: Visit) -> None:
        page = visit(f"/r/{a_seated(GrantState.RESERVED).public_id}/")
        page.evaluate("document.querySelector('h1').dataset.mine = 'yes'")
        for _ in range(2):
            with page.expect_response(lambda answer: "/live" in answer.url) as poll:
                pass
            assert poll.value.status == 204
        assert page.locator("h1").get_attribute("data-mine") == "yes"

    def test_focus_stays_on_the_resend_button(self, visit: Visit) -> None:
        redemption = a_seated(GrantState.INVITED, at=timezone.now() - 3 * MINUTE)
        page = visit(f"/r/{redemption.public_id}/")
        page.focus("#resend")
        reach(redemption, GrantState.VERIFIED)
        expect(page.locator("h1")).to_have_text("邀请已确认，请去邮箱接受")
        expect(page.locator("#resend")).to_be_focused()

    @pytest.mark.parametrize(
        ("language", "words"), [(ZH, "连接中断，正在重试…"), (EN, "Connection lost, trying again…")]
    )
    def test_a_lost_connection_is_said_and_mends_itself(
        self, visit: Visit, complaints: list[str], language: str, words: str
    ) -> None:
        page = visit(f"/r/{a_seated(GrantState.RESERVED).public_id}/", language=language)
        expect(page.locator("#lost")).to_be_hidden()
        page.context.set_offline(True)
        expect(page.locator("#lost")).to_be_visible()
        expect(page.locator("#lost")).to_have_text(words)
        page.context.set_offline(False)
        expect(page.locator("#lost")).to_be_hidden()
        assert any("ERR_INTERNET_DISCONNECTED" in text for text in complaints)
        complaints.clear()

    def test_the_button_goes_busy_once(self, visit: Visit) -> None:
        page = visit("/")
        page.evaluate("addEventListener('submit', event => event.preventDefault())")  # the answer never comes
        page.fill("#email", ANA)
        page.fill("#code", CODE)
        page.click("button.main")
        expect(page.locator("button.main")).to_have_text("正在提交…")
        expect(page.locator("button.main")).to_be_disabled()


class TestWithoutJavaScript:
    @pytest.mark.parametrize(
        ("language", "sentences"),
        [
            (ZH, ["正在为你安排席位", "邀请已发出"]),
            (EN, ["Arranging your seat", "Invitation sent"]),
        ],
    )
    def test_05_the_page_loads_itself_again(self, visit: Visit, language: str, sentences: list[str]) -> None:
        a_team()
        a_code(CODE)
        page = visit("/", language=language, js=False)
        submit(page, ANA, CODE)
        expect(page.locator("h1")).to_have_text(sentences[0])
        reach(Redemption.objects.get(), GrantState.INVITED)
        expect(page.locator("h1")).to_have_text(sentences[1])

    def test_a_link_loads_it_at_once(self, visit: Visit) -> None:
        redemption = a_seated(GrantState.INVITED)
        page = visit(f"/r/{redemption.public_id}/", js=False)
        reach(redemption, GrantState.VERIFIED)
        expect(page.locator("noscript a")).to_have_text("刷新")
        page.click("noscript a")
        expect(page.locator("h1")).to_have_text("邀请已确认，请去邮箱接受")

    def test_05_resend_works(self, visit: Visit) -> None:
        redemption = a_seated(GrantState.VERIFIED, at=timezone.now() - 3 * MINUTE)
        page = visit(f"/r/{redemption.public_id}/", js=False)
        page.click("#resend")
        expect(page.locator(".resend")).to_have_text("正在重新发送…")
        redemption.refresh_from_db()
        assert redemption.resend_wanted_at is not None

    def test_05_language_works_and_stays(self, visit: Visit) -> None:
        redemption = a_seated(GrantState.VERIFIED)
        page = visit(f"/r/{redemption.public_id}/", js=False)
        page.click("text=English")
        expect(page.locator("h1")).to_have_text("Invitation confirmed: accept it in your mail")
        page.goto("/")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        expect(page.locator("h1")).to_have_text("Join ChatGPT Team")


class TestSamePair:
    def test_03_and_06_again_it_is_the_same_page(self, visit: Visit) -> None:
        a_team()
        a_code(CODE)
        page = visit("/")
        submit(page, ANA, "7k2m 9qxd vh4t b8nc")
        first = page.url
        page.goto("/")
        submit(page, ANA.upper(), "7K2M-9QXD-VH4T-B8NC")
        assert page.url == first
        assert Redemption.objects.count() == 1

    def test_06_another_email_learns_nothing_of_the_first(self, visit: Visit) -> None:
        a_redemption(SAM, code=a_code(CODE, uses_held=1))
        page = visit("/")
        submit(page, ANA, CODE)
        expect(page.locator("#code-error")).to_have_text("这个邀请码已经用过。如果是你用的，请填当时的邮箱。")
        assert SAM not in page.content()


class TestAnotherBrowser:
    def test_12_the_link_shows_the_email_masked_and_nothing_else(self, visit: Visit) -> None:
        team = a_team(name="Shanghai 03")
        a_code(CODE)
        page = visit("/")
        submit(page, "anna@example.com", CODE)
        expect(page.locator("dd").first).to_have_text("anna@example.com")
        other = visit(page.url)
        expect(other.locator("dd").first).to_have_text("an•••@example.com")
        for secret in ("anna@", team.owner.email, team.name, team.account_id, CODE, "7K2M-9QXD"):
            assert secret not in other.content()


def ring(page: Page) -> tuple[str, str, str]:
    """Style, width and offset of the outline of what has the focus."""
    return tuple(
        page.evaluate(
            """() => {
                const style = getComputedStyle(document.activeElement);
                return [style.outlineStyle, style.outlineWidth, style.outlineOffset];
            }"""
        )
    )


def stops(page: Page, count: int) -> list[str]:
    """Press Tab `count` times; what has the focus each time, always within a visible ring."""
    names = []
    for _ in range(count):
        page.keyboard.press("Tab")
        assert ring(page) == ("solid", "3px", "2px")
        names.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    return names


class TestKeyboard:
    def test_14_the_form_from_top_to_bottom(self, visit: Visit) -> None:
        page = visit("/")
        assert stops(page, 6) == ["席位管家", "中文", "English", "email", "code", "提交"]

    def test_14_enter_submits_and_the_status_page_goes_on(self, visit: Visit) -> None:
        a_team()
        a_code(CODE)
        page = visit("/")
        stops(page, 4)
        page.keyboard.type(ANA)
        page.keyboard.press("Tab")
        page.keyboard.type(CODE)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        redemption = Redemption.objects.get()
        SeatGrant.objects.update(state=GrantState.VERIFIED, sends=1, invited_at=timezone.now() - 3 * MINUTE)
        page.goto(f"/r/{redemption.public_id}/")
        assert stops(page, 4) == ["席位管家", "中文", "English", "resend"]
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.locator(".resend")).to_have_text("正在重新发送…")


class TestAxe:
    def violations(self, page: Page) -> list[str]:
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]

    @EACH_LOOK
    def test_14_axe_on_the_form(self, visit: Visit, settings: object, language: str, dark: bool) -> None:
        settings.IS_SANDBOX = True  # type: ignore[attr-defined]
        a_code(CODE)
        page = visit("/", language=language, dark=dark)
        assert self.violations(page) == []
        submit(page)
        assert self.violations(page) == []
        submit(page, ANA, CODE)
        assert page.locator("[role=alert]").count() == 1
        assert self.violations(page) == []

    @EACH_LOOK
    def test_14_axe_on_each_status_page(self, visit: Visit, language: str, dark: bool) -> None:
        page = visit("/nothing-here/", language=language, dark=dark)
        assert self.violations(page) == []
        for name, redemption in each_page().items():
            page.goto(f"/r/{redemption.public_id}/")
            assert self.violations(page) == [], name


class TestWeight:
    @pytest.mark.parametrize("path", ["/", "/r/{}/"])
    def test_a_page_is_at_most_five_requests(self, visit: Visit, path: str) -> None:
        redemption = a_seated(GrantState.JOINED) if path == "/" else a_seated(GrantState.VERIFIED)
        page = visit("/nothing-here/")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.format(redemption.public_id), wait_until="networkidle" if path == "/" else "load")
        assert len([url for url in asked if "/live" not in url]) <= 5

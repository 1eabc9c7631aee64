"""From "needs log-in" to a Team that is alive: two clicks, a sign-in in a private window, a paste and Enter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Request, Response, expect

from teampool.models import ImportJob, Owner, SignIn, Team
from tests.browser.conftest import EN, ZH
from tests.browser.test_acceptance_admin import enter as enter
from tests.cast import OMAR, a_team, an_owner
from tests.teampool.imports.bringing import finish

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
COUNT = "addEventListener('pointerdown', event => event.isTrusted && clicked(), true)"
WORDS = {
    ZH: {
        "sign_in": "登录授权",
        "copy": "复制",
        "copied": "已复制",
        "how": "复制授权网址，在无痕窗口打开并登录；最后一页打不开是正常的，把它的完整网址粘贴回来。",
        "box": "最后一页的网址",
        "not_it": "这不是最后一页的网址",
        "denied": "OpenAI 没有授权",
        "renews": "自动续期",
    },
    EN: {
        "sign_in": "Sign in",
        "copy": "Copy",
        "copied": "Copied",
        "how": "Copy the address, open it in a private window and sign in; the last page does not open, which is fine: "
        "paste its whole address back.",
        "box": "Address of the last page",
        "not_it": "This is not the address of the last page",
        "denied": "OpenAI did not let you in",
        "renews": "Renews itself",
    },
}


@pytest.fixture
def private_window(chromium: Browser) -> Callable[..., str]:
    """Open an address in a window of its own and press a button there; where the browser lands."""

    def private_window(address: str, button: str) -> str:
        with chromium.new_context(viewport=PHONE) as context:
            page, landed = context.new_page(), []

            def note(request: Request) -> None:
                if request.url.startswith("http://localhost:1455/"):
                    landed.append(request.url)

            page.on("request", note)
            page.goto(address)
            page.locator("li, .row").filter(has_text=button).get_by_role("button").first.click()
            page.wait_for_url("chrome-error://**")  # nothing answers there
            return landed[0]

    return private_window


def listen(page: Page) -> list[str]:
    """Everything that reaches this browser from now on."""
    heard: list[str] = []

    def note(response: Response) -> None:
        heard.append(f"{response.url} {response.headers}")
        if response.status < 300:
            heard.append(response.text())

    page.on("response", note)
    return heard


@pytest.mark.parametrize(
    ("language", "size", "dark"), [(ZH, PHONE, False), (EN, DESK, False), (EN, PHONE, True), (ZH, DESK, True)]
)
def test_two_clicks_and_a_paste_bring_the_team_back(
    enter: Callable[..., Page],
    sandbox: Any,
    private_window: Callable[..., str],
    language: str,
    size: dict[str, int],
    dark: bool,
) -> None:
    words = WORDS[language]
    account_id = sandbox.workspace(OMAR)["account_id"]
    owner = an_owner(OMAR, login=Owner.Login.EXPIRED)
    a_team(owner=owner, account_id=account_id, token_state=Team.Token.EXPIRED)
    page = enter(language=language, dark=dark, **size)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    clicks: list[int] = []
    page.context.expose_binding("clicked", lambda _source: clicks.append(1))
    page.context.add_init_script(COUNT)
    heard = listen(page)
    page.reload()

    page.locator(".sk-lines li").filter(has_text=OMAR).get_by_role("button", name=words["sign_in"]).click()
    expect(page.get_by_text(words["how"])).to_be_visible()
    page.get_by_role("button", name=words["copy"], exact=True).click()
    expect(page.get_by_role("button", name=words["copied"])).to_be_visible()
    address: str = page.evaluate("navigator.clipboard.readText()")
    verifier = SignIn.objects.get().verifier

    box = page.get_by_label(words["box"])
    assert box.bounding_box()["height"] >= 36  # type: ignore[index]
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert Axe().run(page).violations_count == 0
    landing = private_window(address, OMAR)
    page.reload()  # as a phone does that was away
    box.fill(landing)
    with page.expect_navigation(url="**/admin/import/**"):
        box.press("Enter")
    assert len(clicks) == 2

    finish(ImportJob.objects.get())
    expect(page.get_by_text(words["renews"])).to_be_visible()
    expect(page.locator("#import-live")).to_contain_text(OMAR)
    expect(page.locator("#import-live")).to_contain_text(account_id[:8])
    assert Team.objects.get().token_state == Team.Token.HEALTHY
    assert Owner.objects.get().login == Owner.Login.OK
    assert heard
    assert not [text for text in heard if verifier in text]


@pytest.mark.parametrize("language", [ZH, EN])
def test_what_goes_wrong_is_said_at_the_box(
    enter: Callable[..., Page], sandbox: Any, private_window: Callable[..., str], language: str
) -> None:
    """On the page of the log-ins, with JavaScript off."""
    words = WORDS[language]
    sandbox.workspace(OMAR)
    an_owner(OMAR, login=Owner.Login.EXPIRED)
    page = enter("/admin/teampool/owner/", language=language, js=False, **PHONE)
    page.get_by_role("button", name=words["sign_in"]).first.click()
    address = page.locator("#sign-in-address").input_value()
    box = page.get_by_label(words["box"])
    for pasted, said in (("https://chatgpt.com/", "not_it"), (private_window(address, "拒绝 Refuse"), "denied")):
        box.fill(pasted)
        box.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text(words[said])
        expect(box).to_have_attribute("aria-invalid", "true")
        expect(box).to_be_focused()
    assert page.locator("#sign-in-address").input_value() == address
    box.fill(private_window(address, OMAR))
    box.press("Enter")
    finish(ImportJob.objects.get())
    assert Owner.objects.get().login == Owner.Login.OK

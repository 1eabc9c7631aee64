"""`make screenshots`: the pictures of the README, taken in both languages from a demo of its own; all of it real.

People redeem and accept, an operator makes codes and imports; then it is all photographed.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.pictures import lighter
from tests.browser.running_demo import ROOT, Demo, running_demo, wait_until
from tests.chromium import CHROMIUM

IMAGES = ROOT / "docs" / "images"

LOCALES = {"zh": "zh-CN", "en": "en-GB"}
DESK = {"width": 1280, "height": 800}
# Just what is on the page: it is one narrow column at every width.
DESK_PUBLIC = {"width": 1280, "height": 700}
PHONE = {"width": 390, "height": 844}
# Who redeems before the pictures are taken, and who of them accepts.
JOINED = ("chen.hao", "maria", "wang.min", "tom.b", "zhao.lei", "sofia", "liu.fang", "peter.k")
WAITING = ("sun.yi", "amelie")
ON_PHONE = ("overview",)


class Camera:
    """Opens pages in one language and keeps pictures of them."""

    def __init__(self, demo: Demo, browser: Browser, language: str) -> None:
        self.demo, self.browser, self.language = demo, browser, language
        self.darkroom = browser.new_page()

    def context(self, size: dict[str, int], state: Any = None) -> BrowserContext:
        return self.browser.new_context(
            base_url=self.demo.url,
            viewport=size,  # type: ignore[arg-type]
            device_scale_factor=1 if size["width"] > PHONE["width"] else 2,
            locale=LOCALES[self.language],
            timezone_id="Asia/Shanghai",
            color_scheme="light",
            reduced_motion="reduce",
            storage_state=state,
        )

    def keep(self, page: Page, name: str) -> None:
        page.evaluate("document.fonts.ready")
        page.mouse.move(0, 0)
        path = IMAGES / self.language / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = lighter(page.screenshot(animations="disabled", caret="hide"), self.darkroom)
        path.write_bytes(picture)
        sys.stdout.write(f"{path.relative_to(ROOT)}  {len(picture) / 1000:.0f} kB\n")

    def keep_both(self, page: Page, name: str) -> None:
        """The page as it is, and as a phone of the same person shows it."""
        self.keep(page, name)
        phone = self.context(PHONE, page.context.storage_state())
        again = phone.new_page()
        again.goto(page.url)
        self.keep(again, f"{name}-phone")
        phone.close()


def photograph_redeeming(camera: Camera, email: str, code: str) -> None:
    demo = camera.demo
    context = camera.context(DESK_PUBLIC)
    page = context.new_page()
    page.goto("/")
    camera.keep_both(page, "redeem")
    page.fill("#email", email)
    page.fill("#code", code)
    page.click("button.main")
    page.wait_for_url("**/r/*/")
    redemption = page.url.rstrip("/").rpartition("/")[2]
    demo.wait_for(redemption, "verified")
    page.reload()
    camera.keep_both(page, "verified")
    demo.accept(email)
    demo.wait_for(redemption, "joined")
    page.reload()
    camera.keep_both(page, "joined")
    context.close()


def log_in(camera: Camera, size: dict[str, int]) -> Page:
    page = camera.context(size).new_page()
    page.goto("/admin/login/")
    page.fill("[name=username]", camera.demo.name)
    page.fill("[name=password]", camera.demo.password)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/admin/")
    return page


def make_codes(page: Page, *, count: int, label: str, hours: str = "") -> list[str]:
    """Make a batch by the page for it, which then shows; its codes."""
    page.goto("/admin/invites/codebatch/new/")
    page.fill("[name=count]", str(count))
    page.fill("[name=label]", label)
    page.fill("[name=hours]", hours)
    page.click("form.codes-order button")
    page.wait_for_url("**/codebatch/*/change/")
    unused = page.request.get(page.url.replace("/change/", "/unused/")).text()
    return re.findall(r"\b(?:[A-Z2-9]{4}-){3}[A-Z2-9]{4}\b", unused)


def import_some(page: Page, demo: Demo) -> str:
    """Paste a known session, a new one with people in it, a line nobody can read, and a dead token; the page of it."""
    opened = demo.order("workspace", email="studio@example.com", name="Studio", members=2)
    known = demo.look("credentials")[0]
    lines = (
        json.dumps(opened["credentials"]["session_json"]),
        f"{known['email']}----{known['session_token']}",
        "not an account",
        "late@example.com," + "0" * 40,
    )
    page.goto("/admin/import/")
    page.fill("#import-text", "\n".join(lines))
    page.click("form.sk-import button.sk-main")
    page.wait_for_url("**/admin/import/*/")
    page.locator("#import-live [role=status]").wait_for()
    return path_of(page)


def path_of(page: Page) -> str:
    return urlsplit(page.url).path


@dataclass(frozen=True)
class Stage:
    """Where the pages with something to see are."""

    batch: str
    imported: str
    team: str


def furnish(page: Page, demo: Demo) -> Stage:
    """What an operator finds on an ordinary morning: people in, people waiting, a stranger, one Team lost."""
    codes = make_codes(page, count=40, label="newsletter 42", hours="720")
    batch = path_of(page)
    ids = {who: demo.redeem(f"{who}@example.com", codes.pop(0)) for who in JOINED + WAITING}
    for who in JOINED:
        demo.accept(f"{who}@example.com")
    for who in JOINED:
        demo.wait_for(ids[who], "joined")
    imported = import_some(page, demo)
    crowded = [one for one in demo.look("dump")["workspaces"] if len(one["members"]) > 1 and one["name"] != "Studio"]
    shown, lost = crowded[-1], crowded[0]
    demo.order("member", account_id=shown["account_id"], email="visitor@elsewhere.example")
    demo.order("set_workspace", account_id=lost["account_id"], suspended=True)
    page.goto("/admin/teampool/team/")
    page.click("form[action$='sync/'] button")
    wait_until(lambda: page.goto("/admin/") and page.locator(".sk-lines .sk-danger").count(), "the lost Team shows")
    page.goto("/admin/teampool/team/")
    page.click(f"text={shown['name']}")
    return Stage(batch, imported, path_of(page))


def photograph_operating(camera: Camera, stage: Stage) -> None:
    desk = log_in(camera, DESK)
    phone = camera.context(PHONE, desk.context.storage_state()).new_page()
    pages = {
        "overview": "/admin/",
        "teams": "/admin/teampool/team/",
        "team": stage.team,
        "import": stage.imported,
        "codes": stage.batch,
        "redemptions": "/admin/invites/redemption/",
        "find": f"/admin/find/?q={JOINED[0]}",
    }
    for name, path in pages.items():
        desk.goto(path)
        camera.keep(desk, name)
        if name in ON_PHONE:
            phone.goto(path)
            camera.keep(phone, f"{name}-phone")


def main() -> None:
    with running_demo() as demo, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        cameras = {language: Camera(demo, browser, language) for language in LOCALES}
        photograph_redeeming(cameras["zh"], "lin.yue@example.com", demo.codes[0])
        photograph_redeeming(cameras["en"], "ana@example.com", demo.codes[1])
        stage = furnish(log_in(cameras["en"], DESK), demo)
        for camera in cameras.values():
            photograph_operating(camera, stage)
        browser.close()


if __name__ == "__main__":
    main()

"""The settings in a real browser: in place with scripts, by plain forms without; on a phone, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from playwright.sync_api import Page, expect

from base.actors import command
from config.backoffice.settings_page.sections import SECTIONS
from notifications.channels import bark, email, webhook
from notifications.settings import declared, runtime
from teampool import api_keys
from teampool.settings import DEFAULT_SEAT_CAP, WRITES_PER_TEAM
from tests.browser.conftest import EN, ZH
from tests.cast import OLGA, an_operator
from tests.thinning import thin

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., Page]
PAGE = "/admin/settings/"
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
CANARY = "canary-7d1f0c52"
SEAT_CAP = "#teampool-default_seat_cap"
HOST, PASSWORD = "#notifications-smtp_host", "#notifications-smtp_password"


@pytest.fixture
def enter(visit: Visit, live_server: Any) -> Visit:
    """Open the settings as Olga, who is logged in."""

    def enter(section: str, **options: Any) -> Page:
        client = Client()
        client.force_login(User.objects.filter(username=OLGA).first() or an_operator())
        page = visit("/admin/login/", **(DESK | {"language": EN} | options))
        session = client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page.goto(f"{PAGE}{section}/")
        return page

    return enter


@pytest.fixture
def receiver() -> Iterator[str]:
    """Takes whatever is posted to it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/low-stock"
    server.shutdown()
    server.server_close()


def set_up() -> None:
    """Every secret set, the guardian on, a key: the pages at their fullest."""
    values = {
        webhook.SECRET.key: CANARY,
        bark.URL.key: f"https://bark.example.com/{CANARY}",
        email.PASSWORD.key: CANARY,
        "guardian.enabled": "on",
    }
    runtime.change(values, actor=command("tests"))
    api_keys.create(name="import", scope=api_keys.IMPORT, actor=command("tests"))


def unfold_everything(page: Page) -> None:
    page.evaluate("document.querySelectorAll('#content details').forEach((one) => { one.open = true; })")


def scrolls_sideways(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


class TestLooks:
    # Every pair of language, colours and width.
    @pytest.mark.parametrize(
        ("language", "dark", "size"),
        thin([(ZH, False, PHONE), (ZH, True, DESK), (EN, False, DESK), (EN, True, PHONE)], every=3),
    )
    def test_nothing_is_cut_off_and_axe_finds_nothing(
        self, enter: Visit, language: str, dark: bool, size: dict[str, int]
    ) -> None:
        set_up()
        page = enter("public", language=language, dark=dark, **size)
        for section in SECTIONS:
            page.goto(f"{PAGE}{section}/")
            if section == "guardian":
                page.fill("#guardian-interval_min_seconds", "10")
                page.click("#save-guardian")
                expect(page.locator("[name^='confirmed:']")).to_be_visible()
            unfold_everything(page)
            if section == "public":
                page.click("#preview button")
                expect(page.locator(".settings-mail")).to_have_count(2)
            assert not scrolls_sideways(page)
            assert Axe().run(page).response["violations"] == []

    @pytest.mark.parametrize("section", ["notices", "api"])
    def test_on_a_phone_every_button_is_within_thumb_reach(self, enter: Visit, section: str) -> None:
        set_up()
        page = enter(section, **PHONE)
        for button in page.locator(".settings .sk-button:visible").all():
            assert button.bounding_box()["height"] >= 44, button.text_content()

    NAMES = re.compile(
        r"https?://\S+|\bsk_\S+|\bsmtp\.\S+|\{\w+\}|\S+@\S+"
        r"|\b(?:Asia/Shanghai|Bark|ChatGPT|English|Gmail|API|Key|App|QQ|SSL|STARTTLS|Standard|Webhooks?|URL|Team|token)\b"
        r"|\b(?:import|olga|UTC|off|REDEEM_THROTTLE)\b"
    )

    @pytest.mark.parametrize(("language", "wrong"), [(ZH, r"[A-Za-z]{2,}"), (EN, r"[\u3000-\u9fff\uff00-\uffef]")])
    def test_one_language_at_a_time(self, enter: Visit, language: str, wrong: str) -> None:
        set_up()
        page = enter("public", language=language)
        for section in SECTIONS:
            page.goto(f"{PAGE}{section}/")
            if section == "seats":
                page.fill(SEAT_CAP, "0")
                page.click("#save-seats")
                expect(page.locator("#seats .sk-error").first).to_be_visible()
            read = page.evaluate(
                """() => {
                const found = [], other = "textarea,[class*=material-symbols],#content [lang],option[value=zh-hans]";
                const walk = document.createTreeWalker(document.getElementById("content"), NodeFilter.SHOW_TEXT);
                for (let node = walk.nextNode(); node; node = walk.nextNode())
                    if (!node.parentElement.closest(other)) found.push(node.textContent.trim());
                for (const node of document.querySelectorAll("#content [aria-label]")) found.push(node.ariaLabel);
                return found.filter(Boolean);
            }"""
            )
            assert len(read) > 8
            assert {text for text in read if re.search(wrong, self.NAMES.sub(" ", text))} == set(), section


class TestInPlace:
    def test_a_section_is_saved_and_what_others_saved_is_kept(self, enter: Visit) -> None:
        page = enter("seats")
        page.fill(SEAT_CAP, "6")
        runtime.change({WRITES_PER_TEAM.key: "5"}, actor=command("tests"))
        page.click("#save-seats")
        expect(page.locator("#seats [role=status]")).to_have_text(re.compile(r"Saved \d\d:\d\d"))
        expect(page.locator("#teampool-writes_per_team")).to_have_value("5")
        expect(page.locator("#save-seats")).to_be_focused()
        assert DEFAULT_SEAT_CAP.get() == 6

    def test_every_section_is_one_click_away(self, enter: Visit) -> None:
        page = enter("public")
        for section in SECTIONS:
            page.click(f".sk-tabs a[href='{PAGE}{section}/']")
            expect(page.locator(".sk-tabs [aria-current=page]")).to_have_attribute("href", f"{PAGE}{section}/")
            expect(page.locator(f"section#{section}")).to_be_visible()

    def test_24_what_is_wrong_is_said_where_it_stands(self, enter: Visit) -> None:
        page = enter("seats")
        page.fill(SEAT_CAP, "0")
        page.fill("#teampool-writes_per_team", "3")
        page.press(SEAT_CAP, "Enter")
        expect(page.locator("#about-teampool-default_seat_cap")).to_have_text("Between 1 and 1,000.")
        expect(page.locator(SEAT_CAP)).to_be_focused()
        expect(page.locator(SEAT_CAP)).to_have_value("0")
        expect(page.locator("#teampool-writes_per_team")).to_have_value("3")

    def test_enter_saves_and_presses_no_other_button(self, enter: Visit) -> None:
        set_up()
        page = enter("api")
        page.fill("#notifications-low_stock_threshold", "7")
        page.press("#notifications-low_stock_threshold", "Enter")
        expect(page.locator("#api .sk-buttons [role=status]")).to_contain_text("Saved")
        assert webhook.SECRET.get() == CANARY
        assert declared.LOW_STOCK_THRESHOLD.get() == 7

    def test_a_short_interval_is_asked_about_twice(self, enter: Visit) -> None:
        page = enter("guardian")
        page.fill("#guardian-interval_min_seconds", "10")
        page.click("#save-guardian")
        page.check("[name='confirmed:guardian.interval_min_seconds']")
        page.click("#save-guardian")
        expect(page.locator("#guardian .sk-buttons [role=status]")).to_contain_text("Saved")
        assert runtime.find("guardian.interval_min_seconds").get() == 10

    def test_24_a_test_is_answered_there_before_anything_is_saved(self, enter: Visit, receiver: str) -> None:
        page = enter("api")
        page.fill("#notifications-webhook_url", receiver)
        page.click("#test-webhook")
        expect(page.locator("#answer-webhook")).to_contain_text("An https address is needed.")
        page.check("#notifications-webhook_allow_private")
        page.click("#test-webhook")
        expect(page.locator("#answer-webhook")).to_contain_text("Delivered Not saved yet.")
        expect(page.locator("#notifications-webhook_url")).to_have_value(receiver)
        assert not webhook.URL.get()

    def test_a_mail_service_fills_three_fields_and_keeps_the_rest(self, enter: Visit) -> None:
        page = enter("notices")
        page.fill(PASSWORD, CANARY)
        page.click(".settings a:text-is('Gmail')")
        for field, value in ((HOST, "smtp.gmail.com"), ("#notifications-smtp_port", "587"), (PASSWORD, CANARY)):
            expect(page.locator(field)).to_have_value(value)
        expect(page.locator("#notifications-smtp_security")).to_have_value("starttls")

    def test_a_secret_is_made_shown_once_and_copied(self, enter: Visit) -> None:
        page = enter("api")
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.fill("#notifications-low_stock_threshold", "33")
        page.click("#row-notifications-webhook_secret [name=make]")
        page.click("#row-notifications-webhook_secret [data-copy]")
        expect(page.locator("#row-notifications-webhook_secret [data-copy]")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == webhook.SECRET.get()
        expect(page.locator("#notifications-low_stock_threshold")).to_have_value("33")
        page.reload()
        assert webhook.SECRET.get() not in page.content()
        page.click("#row-notifications-webhook_secret [name=clear]")
        expect(page.locator("#row-notifications-webhook_secret [name=make]")).to_be_visible()
        assert not webhook.SECRET.get()

    def test_24_the_key_is_made_and_replaced(self, enter: Visit) -> None:
        page = enter("api")
        page.click("#api-key [name=key]")
        first = page.input_value("#api-key-text")
        assert api_keys.check(first, api_keys.IMPORT)
        page.click("#api-key [name=key]")
        expect(page.locator("#api-key-text")).not_to_have_value(first)
        assert api_keys.check(first, api_keys.IMPORT) is None
        assert api_keys.check(page.input_value("#api-key-text"), api_keys.IMPORT)

    def test_who_was_logged_out_sees_the_log_in(self, enter: Visit) -> None:
        page = enter("seats")
        Session.objects.all().delete()
        page.click("#save-seats")
        expect(page).to_have_url(re.compile(r"/admin/login/\?next=/admin/settings/seats/"))

    def test_a_silent_server_is_said_and_costs_nothing(self, enter: Visit, complaints: list[str]) -> None:
        page = enter("seats")
        page.fill(SEAT_CAP, "6")
        page.route("**/admin/settings/seats/", lambda route: route.abort())
        page.click("#save-seats")
        expect(page.locator("#seats [data-lost]")).to_be_visible()
        expect(page.locator(SEAT_CAP)).to_have_value("6")
        page.unroute("**/admin/settings/seats/")
        page.click("#save-seats")
        expect(page.locator("#seats [role=status]")).to_contain_text("Saved")
        complaints.clear()


class TestWithoutScripts:
    def test_a_section_is_saved(self, enter: Visit) -> None:
        page = enter("seats", js=False, **PHONE)
        page.fill(SEAT_CAP, "6")
        page.click("#save-seats")
        expect(page).to_have_url(re.compile(r"/admin/settings/seats/$"))
        expect(page.locator("#seats [role=status]")).to_contain_text("Saved")
        assert DEFAULT_SEAT_CAP.get() == 6

    def test_24_what_is_wrong_is_said_where_it_stands(self, enter: Visit) -> None:
        page = enter("seats", js=False)
        page.fill(SEAT_CAP, "0")
        page.press(SEAT_CAP, "Enter")
        expect(page.locator("#about-teampool-default_seat_cap")).to_have_text("Between 1 and 1,000.")
        expect(page.locator(SEAT_CAP)).to_have_value("0")

    def test_24_a_secret_is_replaced_and_cleared(self, enter: Visit) -> None:
        set_up()
        page = enter("notices", js=False)
        page.click("#row-notifications-smtp_password summary")
        page.fill(PASSWORD, "another")
        page.click("#save-notices")
        expect(page.locator("#notices .sk-buttons [role=status]")).to_contain_text("Saved")
        assert email.PASSWORD.get() == "another"
        page.click("#row-notifications-smtp_password [name=clear]")
        expect(page.locator(PASSWORD)).to_be_visible()
        assert not email.PASSWORD.get()

    def test_the_key_and_the_secret_are_made(self, enter: Visit) -> None:
        page = enter("api", js=False)
        page.fill("#notifications-low_stock_threshold", "33")
        page.click("#row-notifications-webhook_secret [name=make]")
        assert page.input_value("#row-notifications-webhook_secret input[readonly]") == webhook.SECRET.get()
        page.click("#api-key [name=key]")
        assert api_keys.check(page.input_value("#api-key-text"), api_keys.IMPORT)
        expect(page.locator("#notifications-low_stock_threshold")).to_have_value("33")

    def test_a_mail_service_is_filled_in(self, enter: Visit) -> None:
        page = enter("notices", js=False)
        page.click(".settings a:text-is('QQ Mail')")
        expect(page.locator(HOST)).to_have_value("smtp.qq.com")
        page.click("#save-notices")
        expect(page.locator("#notices .sk-buttons [role=status]")).to_contain_text("Saved")
        assert email.HOST.get() == "smtp.qq.com"

    def test_a_preview(self, enter: Visit) -> None:
        page = enter("public", js=False)
        page.fill("#notifications-public_url", "https://seats.example.org")
        page.click(".settings-folded > summary")
        page.fill("#notifications-mail_success_body_en", "Hello {email}: {status_url}")
        page.click("#preview button")
        expect(page.locator(".settings-mail").last).to_contain_text(
            "Hello name@example.com: https://seats.example.org/r/"
        )
        expect(page.locator("#notifications-public_url")).to_have_value("https://seats.example.org")

    def test_a_test(self, enter: Visit, receiver: str) -> None:
        page = enter("api", js=False)
        page.fill("#notifications-webhook_url", receiver)
        page.check("#notifications-webhook_allow_private")
        page.click("#test-webhook")
        expect(page.locator("#answer-webhook")).to_contain_text("Delivered")

"""The ten daily tasks, each from the first screen, in at most the clicks its test allows.

Clicks are counted in the browser, on every page of the way; typing and Enter are not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from guardian.clockwork import heartbeats
from invites.models import Departure, Redemption, SeatGrant
from invites.states import GrantState
from notifications.settings.declared import LOW_STOCK_THRESHOLD
from teampool.models import ImportJob
from tests.browser.conftest import ZH
from tests.cast import ANA, a_batch, a_code, a_team, an_operator, an_owner
from tests.invites.rows import MINUTE, a_grant, a_member, a_redemption, a_seated

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
COUNT = "addEventListener('pointerdown', event => event.isTrusted && clicked(), true)"


class Desk:
    """Olga's browser on the first screen, and how often she clicked since."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        page.context.expose_binding("clicked", self._click)
        page.context.add_init_script(COUNT)
        page.goto("/admin/")

    def _click(self, _source: object) -> None:
        self.clicks += 1

    def menu(self, name: str) -> None:
        self.page.locator("#nav-sidebar").get_by_role("link", name=name, exact=True).click()

    def button(self, name: str) -> None:
        self.page.get_by_role("button", name=name).first.click()

    def link(self, name: str) -> None:
        self.page.get_by_role("link", name=name).first.click()

    def find(self, text: str) -> None:
        self.page.get_by_role("searchbox", name="找人").fill(text)
        self.page.keyboard.press("Enter")


@pytest.fixture
def sit_down(visit: Callable[..., Page]) -> Callable[[], Desk]:
    def sit_down() -> Desk:
        heartbeats.beat(timezone.now())
        client = Client()
        client.force_login(an_operator())
        page = visit("/healthz", width=1280, height=800, language=ZH)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": page.url}])
        return Desk(page)

    return sit_down


def test_task_1_does_anything_need_me(sit_down: Any) -> None:
    a_team(held=5), a_team(seats=20)
    desk = sit_down()
    expect(desk.page.get_by_role("heading", name="现在需要你处理 1")).to_be_visible()
    assert desk.clicks == 0


def test_task_2_import_and_renew_a_login(sit_down: Any) -> None:
    owner = an_owner("a@x.co", login="expired")
    a_team(owner=owner, token_state="expired")
    desk = sit_down()
    for path in ("menu", "line"):
        desk.page.goto("/admin/")
        desk.clicks = 0
        desk.menu("导入") if path == "menu" else desk.link("更新 Session")
        desk.page.fill("[name=text]", json.dumps({"user": {"email": "a@x.co"}, "accessToken": "opaque-1." * 5}))
        desk.button("开始导入")
        expect(desk.page.locator("#import-live")).to_be_visible()
        assert desk.clicks == 2
    assert ImportJob.objects.count() == 2


def test_task_3_make_100_codes_and_copy_them(sit_down: Any) -> None:
    a_team()
    desk = sit_down()
    desk.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.menu("生成邀请码")
    desk.button("生成 100 个")
    desk.page.get_by_text("复制未用的", exact=True).click()
    expect(desk.page.locator("#copy-status")).to_have_text("已复制 100 个")
    assert desk.page.evaluate("navigator.clipboard.readText()").count("\n") == 99
    assert desk.clicks == 3


def test_task_4_send_her_mail_again(sit_down: Any) -> None:
    a_seated(GrantState.VERIFIED, at=timezone.now() - 5 * MINUTE, email=ANA)
    desk = sit_down()
    desk.find("ana@")
    desk.button("重发")
    expect(desk.page.get_by_text(ANA).first).to_be_visible()
    assert Redemption.objects.get().resend_wanted_at is not None
    assert desk.clicks == 1


def test_task_5_take_a_seat_back(sit_down: Any) -> None:
    seated = a_seated(GrantState.JOINED, at=timezone.now() - 5 * MINUTE, email=ANA)
    a_member(SeatGrant.objects.get(redemption=seated).team, ANA, role="standard-user")
    desk = sit_down()
    desk.find(ANA)
    desk.button("收回")
    expect(desk.page.get_by_role("cell", name=ANA).first).to_be_visible()
    desk.button("收回")
    expect(desk.page.get_by_text("正在收回").first).to_be_visible()
    assert Departure.objects.get().email == ANA
    assert desk.clicks == 2


def test_task_6_reseat_the_people_of_a_dead_team(sit_down: Any) -> None:
    lost = a_team(held=2, workspace_state="suspended")
    a_team()
    for n in range(2):
        a_grant(a_redemption(f"p{n}@example.com"), GrantState.JOINED, team=lost)
    desk = sit_down()
    desk.link("换座 2 人")
    desk.button("换座 2 人")
    expect(desk.page.get_by_text("已开始：2 人中的 2 人。")).to_be_visible()
    assert SeatGrant.objects.live().exclude(team=lost).count() == 2
    assert desk.clicks == 2


def test_task_8_void_the_rest_of_a_batch(sit_down: Any) -> None:
    batch = a_batch(size=3, label="春季")
    a_team()
    codes = [a_code(batch=batch), a_code(batch=batch), a_code(batch=batch, uses_held=1)]
    desk = sit_down()
    desk.menu("邀请码")
    desk.link("春季")
    desk.page.get_by_text("作废未用的", exact=True).click()
    desk.button("作废 2 个未用的码（已用的 1 个不受影响）")
    expect(desk.page.get_by_text("已作废 2 个").first).to_be_visible()
    assert batch.codes.filter(voided_at=None).get() == codes[2]
    assert desk.clicks == 4


def test_task_9_clear_out_the_expired_teams(sit_down: Any) -> None:
    a_team(token_state="expired")
    desk = sit_down()
    desk.page.locator("#nav-sidebar").get_by_role("link", name="Team").first.click()
    desk.link("清理失效 Team")
    desk.button("归档 1 个 Team")
    expect(desk.page.get_by_text("已归档 1 个 Team。")).to_be_visible()
    assert desk.clicks == 3


def test_task_10_change_the_stock_threshold(sit_down: Any) -> None:
    a_team(seats=20)
    desk = sit_down()
    desk.link("预警线")
    desk.page.get_by_label("阈值").fill("7")
    desk.page.keyboard.press("Tab")
    section = desk.page.locator("form", has=desk.page.get_by_label("阈值"))
    section.get_by_role("button", name="保存").click()
    expect(desk.page.get_by_text("已保存")).to_be_visible()
    assert LOW_STOCK_THRESHOLD.get() == 7
    assert desk.clicks == 2

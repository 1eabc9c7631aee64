"""The lines of the first screen whose button does something at once, or leads straight to what helps."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from guardian.clockwork import heartbeats
from invites.models import SeatGrant
from invites.states import GrantState
from tests.browser.conftest import ZH
from tests.cast import a_team, an_operator
from tests.invites.rows import a_grant, a_redemption

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("SHOTS", "")  # a folder to look at the pages in


@pytest.mark.parametrize(("width", "is_dark"), [(1280, False), (390, True)])
def test_check_again_and_import_are_one_click(visit: Callable[..., Page], width: int, is_dark: bool) -> None:
    now = timezone.now()
    heartbeats.beat(now)
    late = a_redemption(created_at=now - timedelta(minutes=11))
    a_grant(late, GrantState.INVITED, due_at=now + timedelta(minutes=5))
    a_team(seats=7, subscription_until=now + timedelta(days=3), will_renew=False)
    client = Client()
    client.force_login(an_operator())
    page: Any = visit("/healthz", width=width, height=844, language=ZH, dark=is_dark)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": page.url}])
    page.goto("/admin/")
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"lines-{width}.png"), full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert Axe().run(page, {"include": [[".sk-lines"]]}).violations_count == 0
    expect(page.get_by_role("link", name="1 个邀请超过 10 分钟未确认")).to_be_visible()
    page.get_by_role("button", name="再查一次").click()
    expect(page.get_by_text("正在再查 1 个邀请。")).to_be_visible()
    assert SeatGrant.objects.due(timezone.now()).count() == 1
    expect(page.get_by_text("空闲席位 10，不高于阈值 10")).to_be_visible()
    page.locator(".sk-lines").get_by_role("link", name="导入 Team").click()
    expect(page.get_by_role("button", name="开始导入")).to_be_visible()

"""The first screen with one of each of the thirteen kinds: worst first, each button leads to what mends it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from guardian.clockwork import heartbeats
from guardian.models import Finding, Sweep, Watch
from guardian.rules.states import State
from invites.models import Departure, Redemption, SeatGrant
from invites.states import GrantState, RedemptionState
from notifications.models import Message
from teampool.models import Owner, Team
from tests.browser.test_acceptance_admin import enter as enter
from tests.cast import a_team, an_owner
from tests.guardian.rows import a_finding, a_sweep, a_vanished, an_overdue_seat, set_guardian
from tests.invites.rows import HOUR, MINUTE, a_grant, a_redemption

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., Page]
DOCTOR, IMPORT, FINDINGS = "admin:doctor", "admin:import_teams", "admin:guardian_finding_changelist"
# What stands there, what its button says, and where that leads; "": done at once, back on the first screen.
LINES = (
    ("后台任务停了 5 分钟，邀请不会发出", "怎么恢复", DOCTOR),
    ("已被停用，2 人失去席位", "换座 2 人", "admin:team_reseat"),
    ("母号 a@x.co 登录已失效，1 个 Team 已停止分配", "更新 Session", IMPORT),
    ("b@x.co 的 token 到", "更新 Session", IMPORT),
    ("巡检要移除 12 人，超过上限 10，已停下", "查看名单", FINDINGS),
    ("1 个邀请超过 10 分钟未确认", "再查一次", ""),
    ("1 人到期仍在 Team 里", "移除 1 人", "admin:guardian_overdue"),
    ("1 个外部成员没有席位", "查看并处理", FINDINGS),
    ("1 人已离开，席位还占着", "收回 1 个席位", "admin:guardian_vanished"),
    ("超员 5/4，不会自动移除任何人", "查看成员", "admin:teampool_team_change"),
    ("空闲席位 3，不高于阈值 10", "导入 Team", IMPORT),
    ("1 条通知没有发出", "再发一次", ""),
    ("巡检一轮要 300 秒，间隔只有 120 秒", "调整间隔", "admin:settings"),
)


def one_of_each() -> None:
    """A pool in which everything is wrong once."""
    now = timezone.now()
    heartbeats.beat(now - 5 * MINUTE)
    lost = a_team(name="上海 03", held=2, workspace_state="suspended")
    for n in range(2):
        a_grant(a_redemption(f"lost{n}@example.com"), GrantState.JOINED, team=lost)
    a_team(owner=an_owner("a@x.co", login=Owner.Login.EXPIRED), token_state="expired")
    a_team(owner=an_owner("b@x.co"), held=4, access_expires_at=now + 5 * HOUR)
    full = a_team(held=4)
    for n in range(12):
        a_finding(f"held{n}@example.com", team=full, state=State.HELD)
    late = a_redemption("late@example.com", created_at=now - 20 * MINUTE)
    a_grant(late, GrantState.INVITED, team=full, at=now - 20 * MINUTE, due_at=now + HOUR)
    an_overdue_seat(team=full)
    a_finding("sam@example.com", team=full)
    Finding.objects.filter(pk=a_vanished("gone@example.com").pk).update(team=full)
    a_team(held=5)
    Message.objects.create(
        channel="bark", event="token_expired", dedupe_key="x", state="failed", created_at=now, due_at=now
    )
    set_guardian(enabled="on")
    a_sweep(seconds=300, age=timedelta(minutes=10))
    Watch.objects.update_or_create(pk=1, defaults={"too_slow_since": now, "armed_at": now - HOUR})


def put_right() -> None:
    """What the buttons lead to, done."""
    now = timezone.now()
    heartbeats.beat(now)
    Finding.objects.all().delete()
    Departure.objects.all().delete()
    SeatGrant.objects.all().delete()
    Redemption.objects.update(state=RedemptionState.ENDED)
    Owner.objects.update(login=Owner.Login.OK)
    Team.objects.update(archived_at=now)
    a_team(seats=20)
    Message.objects.all().delete()
    Sweep.objects.all().delete()
    Watch.objects.update(too_slow_since=None)


def test_17_one_of_each_kind_worst_first_and_each_button_does_what_it_says(enter: Visit) -> None:
    one_of_each()
    page: Any = enter()
    lines = page.locator(".sk-lines li")
    expect(page.get_by_role("heading", name="现在需要你处理 13")).to_be_visible()
    for line, (text, button, _leads_to) in zip(lines.all(), LINES, strict=True):
        expect(line).to_contain_text(text)
        expect(line.locator(".sk-button").first).to_have_text(button)
    for text, _button, leads_to in LINES:
        page.goto("/admin/")
        line = lines.filter(has_text=text)
        with page.expect_navigation():
            line.locator(".sk-button").first.click()
        if not leads_to:
            expect(page).to_have_url(re.compile(r"/admin/$"))
            expect(page.locator("#main")).to_contain_text("正在")
        elif leads_to == "admin:teampool_team_change":
            expect(page.get_by_role("link", name="添加成员")).to_be_visible()
        else:
            assert reverse(leads_to) in page.url
        if owner := re.search(r"\w@x\.co", text):
            expect(page.locator("#content")).to_contain_text(owner[0])
    put_right()
    page.goto("/admin/")
    expect(page.get_by_text("现在没有需要你处理的事。")).to_be_visible()

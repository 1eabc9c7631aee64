"""The guardian's pages in a browser. The worker's part is done in here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from guardian import mode
from guardian.clockwork import heartbeats
from guardian.models import Finding, Sweep
from guardian.rules.states import Kind, State
from guardian.sweeping import sweep
from invites.following.sync import sync_team
from invites.models import Departure
from invites.settings import REMOVALS_PAUSED
from notifications.settings import runtime
from sandbox.server import SandboxServer
from teampool.models import AllowedMember, Team
from tests.browser.conftest import EN, ZH
from tests.cast import SAM, a_team, an_operator, import_sandbox_team
from tests.guardian.rows import MINUTE, OLGA, a_finding, a_removal, a_sweep, a_vanished, an_overdue, an_overdue_seat
from tests.invites.clock import pass_time
from tests.thinning import thin

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("SHOTS", "")  # a folder to look at the pages in


def shoot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}-{page.viewport_size['width']}.png"), full_page=True)


@pytest.fixture
def operate(visit: Callable[..., Page]) -> Callable[..., Page]:
    """Open an operator's page as Olga, who is logged in; at a desk and in Chinese unless said."""

    def operate(path: str, **how: Any) -> Page:
        client = Client()
        client.force_login(an_operator())
        page = visit("/healthz", **({"width": 1280, "height": 800, "language": ZH} | how))
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": page.url}])
        page.goto(path)
        return page

    return operate


def people_of(sandbox: SandboxServer, team: Team) -> set[str]:
    space = next(one for one in sandbox.dump()["workspaces"] if one["account_id"] == team.account_id)
    return {one["email"] for one in space["members"] + space["invites"]} - {team.owner.email}


def age_findings(by: timedelta) -> None:
    for one in Finding.objects.all():
        Finding.objects.filter(pk=one.pk).update(
            first_seen_at=one.first_seen_at - by, last_seen_at=one.last_seen_at - by
        )


def look(times: int = 1) -> None:
    """Whole sweeps, a minute apart, as the worker does them."""
    for _ in range(times):
        pass_time(61)
        age_findings(MINUTE)
        assert sweep.run_now(is_dry=False) is not None


class TestItem23:
    def test_23_report_first_then_enforce_from_the_list_and_a_row_that_shows_why(
        self, operate: Any, sandbox: SandboxServer
    ) -> None:
        heartbeats.beat(timezone.now())
        quick = {"pause_min_seconds": "0", "pause_max_seconds": "0", "active_from": "00:00", "active_until": "00:00"}
        runtime.change({f"guardian.{key}": value for key, value in quick.items()}, actor=OLGA)
        team = import_sandbox_team(sandbox)
        sync_team(team_id=team.pk)
        page = operate("/admin/")
        page.get_by_role("link", name="异常").click()
        strip = page.locator(".guardian-strip")
        expect(strip).to_contain_text("守护没有启用。")
        strip.get_by_role("link", name="启用，仅报告").click()
        expect(page.get_by_role("checkbox")).to_be_checked()
        shoot(page, "switch")
        page.get_by_role("button", name="启用，仅报告").click()
        expect(strip).to_contain_text("仅报告：不会移除任何人。")

        sandbox.invite_from_web(team.account_id, SAM)
        look(4)
        age_findings(timedelta(hours=1))
        look()
        page.goto("/admin/")
        line = page.locator(".sk-lines li", has_text="1 个外部成员没有席位")
        line.get_by_role("link", name="查看并处理").click()
        row = page.locator("tr", has_text=SAM)
        expect(row).to_contain_text("3/3 次")
        shoot(page, "reported")
        assert people_of(sandbox, team) == {SAM}
        assert not Departure.objects.exists()

        strip.get_by_role("link", name="查看启用后会移除谁").click()
        expect(page.locator(".sk-table tbody tr")).to_have_count(1)
        expect(page.locator(".sk-table tbody")).to_contain_text("下一轮巡检移除")
        shoot(page, "enforce")
        page.get_by_role("button", name="开始移除（现在 1 人）").click()
        expect(strip).to_contain_text("守护会移除外部成员和重复的人")
        look(2)
        assert people_of(sandbox, team) == set()
        look()
        page.goto("/admin/")
        page.get_by_role("link", name=re.compile("上次巡检")).click()
        removed = page.locator(".sk-table tr", has_text=SAM)
        for said in ("没有席位", "首见", "看到 6 次", "已离开，完整名单已证明"):
            expect(removed).to_contain_text(said)
        shoot(page, "removed")
        strip.get_by_role("button", name="改为仅报告").click()
        expect(strip).to_contain_text("仅报告：不会移除任何人。")


class TestTask7:
    def test_task_7_last_nights_removals_and_one_allowed_in_three_clicks(self, operate: Any) -> None:
        heartbeats.beat(timezone.now())
        night = a_sweep(removals=2, age=timedelta(hours=8))
        a_removal(sweep=night), a_removal("other@example.com", sweep=night)
        a_sweep()
        page = operate("/admin/", js=False)
        page.get_by_role("link", name=re.compile("上次巡检")).click()
        page.locator("#result_list").get_by_role("link").nth(1).click()
        shoot(page, "sweep")
        row = page.locator(".sk-table tr", has_text=SAM)
        row.get_by_role("button", name="放行").click()
        expect(page.locator(".sk-table tr", has_text=SAM)).to_contain_text("放行")
        assert AllowedMember.objects.get().email == SAM


class TestDeeds:
    def test_a_removal_is_two_clicks_and_the_second_says_how_many(self, operate: Any) -> None:
        a_finding()
        page = operate(reverse("admin:guardian_finding_changelist"), js=False)
        page.locator("tr", has_text=SAM).get_by_role("button", name="移除").click()
        expect(page.get_by_role("cell", name=SAM)).to_be_visible()
        page.get_by_role("button", name="移除 1 人").click()
        expect(page.locator("tr", has_text=SAM)).to_contain_text("正在移除")

    def test_a_look_is_followed_to_its_end(self, operate: Any) -> None:
        page = operate(reverse("admin:guardian_sweep_changelist"))
        page.get_by_role("button", name="现在巡检，只看不动").click()
        progress = page.locator("#sweep-progress")
        expect(progress).to_contain_text("后台任务轮到时开始巡检")
        running = Sweep.objects.create(is_dry=True, mode="report")
        expect(progress).to_contain_text("正在巡检")
        Sweep.objects.filter(pk=running.pk).update(finished_at=timezone.now(), judged_at=timezone.now(), state="done")
        progress.get_by_role("link", name="看结果").click()
        expect(page.get_by_text("没有移除任何人。")).to_be_visible()


class TestLooks:
    @pytest.fixture
    def busy(self, transactional_db: None) -> Sweep:
        """One of everything there is to see."""
        now = timezone.now()
        heartbeats.beat(now)
        mode.enable(actor=OLGA)
        team = a_team(name="上海 03", seats=4, outsiders=2)
        a_finding("a.rather.long.name@department.example.com", team=team)
        a_finding("new@example.com", team=team, age=MINUTE, sightings=1)
        a_finding("held@example.com", team=team, state=State.HELD)
        a_finding("failed@example.com", team=team, state=State.FAILED, problem="a redemption is under way")
        a_finding("twice@example.com", team=team, kind=Kind.DUPLICATE, state=State.DISMISSED)
        an_overdue("over@example.com"), a_vanished("left@example.com"), an_overdue_seat("late@example.com")
        skipped = {"cooling": ["深圳 01 ab12cd34"], "own_user_missing": ["北京 02 cd34ef56"]}
        found = {"stranger": 4, "overdue": 1}
        one = a_sweep(teams=12, complete=10, skipped=skipped, found=found, new=2, removals=2, held=1, mode="enforce")
        a_removal(sweep=one), a_removal("stays@example.com", sweep=one, state="dropped")
        a_sweep(is_dry=True)
        return one

    @pytest.mark.parametrize(
        ("language", "dark", "width"),
        thin([(ZH, False, 1280), (ZH, False, 390), (EN, True, 1280), (EN, True, 390)], every=3),
    )
    def test_axe_finds_nothing_and_nothing_scrolls_sideways(
        self, operate: Any, busy: Sweep, language: str, width: int, dark: bool
    ) -> None:
        paths = {
            "index": "/admin/",
            "findings": reverse("admin:guardian_finding_changelist"),
            "enforce": reverse("admin:guardian_enforce"),
            "overdue": reverse("admin:guardian_overdue"),
            "sweeps": reverse("admin:guardian_sweep_changelist"),
            "sweep": reverse("admin:guardian_sweep_change", args=[busy.pk]),
            "resume": reverse("admin:guardian_resume"),
            "findings-paused": reverse("admin:guardian_finding_changelist"),
            "switch": reverse("admin:guardian_switch"),
        }
        page = operate(paths["index"], width=width, language=language, dark=dark)
        for name, path in paths.items():
            if name == "resume":
                mode.pause_removals(stood_still_hours=26)
            if name == "switch":
                runtime.change({REMOVALS_PAUSED.key: "off", "guardian.enabled": "off"}, actor=OLGA)
            page.goto(path)
            shoot(page, f"{name}-{language}")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            found = Axe().run(page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"

"""The Team's page and a lost Team in a browser. The worker's part is done in here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from guardian.clockwork import heartbeats
from invites.delivery.drain import deliver
from invites.following.sync import sync_team
from invites.models import Departure, Redemption, SeatGrant
from invites.reconcile import reconcile
from invites.redeeming.redeem import redeem
from invites.states import DepartureReason, GrantState
from sandbox.server import SandboxServer
from teampool.models import Member, SyncRun, Team
from tests.browser.conftest import EN, ZH
from tests.cast import ANA, OMAR, SAM, a_code, a_team, an_operator, import_sandbox_team
from tests.invites.clock import pass_time
from tests.invites.rows import HOUR, a_grant, a_member, a_redemption
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


def page_of(team: Team) -> str:
    return reverse("admin:teampool_team_change", args=[team.pk])


def line_of(page: Page, email: str) -> Locator:
    return page.locator(".sk-table tr", has=page.get_by_role("cell", name=email, exact=True))


def names(buttons: Locator) -> list[str]:
    return [text.strip() for text in buttons.all_text_contents()]


@pytest.fixture
def full() -> Team:
    """A Team with more people than seats: two of ours, three strangers, the owner and an admin."""
    now = timezone.now()
    team = a_team(name="上海 03", seats=4, held=2, outsiders=3)
    for email, state in ((ANA, GrantState.VERIFIED), ("in@example.com", GrantState.JOINED)):
        redemption = a_redemption(email, created_at=now - HOUR, ends_at=now + 70 * HOUR)
        a_grant(redemption, state, team=team, at=now - HOUR)
    a_member(team, "in@example.com", role="standard-user", joined_at=now)
    a_member(team, OMAR, role="account-owner", joined_at=now)
    a_member(team, "adm@example.com", role="account-admin", joined_at=now)
    for n in range(3):
        a_member(team, f"s{n}.with.a.rather.long.name@department.example.com", role="standard-user", joined_at=now)
    Departure.objects.create(
        team=team,
        email="s2.with.a.rather.long.name@department.example.com",
        reason=DepartureReason.STRANGER,
        opened_at=now - HOUR,
        last_problem="timeout",
    )
    heartbeats.beat(now)
    return team


class TestPeople:
    """The bar of seats, and the people of a Team."""

    def test_21_the_parts_of_the_bar_add_up_and_over_full_is_said(self, operate: Any, full: Team) -> None:
        page = operate(page_of(full))
        card = page.locator(".sk-card")
        expect(card).to_contain_text("5/4 超员")
        parts = [int(part.get_attribute("style").partition("--n:")[2]) for part in card.locator("i").all()]
        assert parts == [1, 1, 3]
        for word in ("已加入 1", "待接受 1", "外部 3", "空闲 0"):
            expect(card).to_contain_text(word)

    def test_21_each_person_has_the_buttons_of_their_standing(self, operate: Any, full: Team) -> None:
        page = operate(page_of(full))
        wanted = {
            OMAR: [],
            "adm@example.com": [],
            ANA: ["重发", "撤回"],
            "in@example.com": ["收回", "换座"],
            "s0.with.a.rather.long.name@department.example.com": ["放行", "移除"],
            "s2.with.a.rather.long.name@department.example.com": [],
        }
        for email, buttons in wanted.items():
            assert names(line_of(page, email).get_by_role("button")) == buttons, email
        for email in (OMAR, "adm@example.com"):
            expect(line_of(page, email)).to_contain_text("不可移除")
        expect(line_of(page, "s2.with.a.rather.long.name@department.example.com")).to_contain_text("正在移除")
        shoot(page, "team")

    def test_21_five_addresses_give_five_results(self, operate: Any) -> None:
        page = operate(page_of(a_team(name="上海 03", seats=2)))
        page.get_by_role("link", name="添加成员").click()
        page.get_by_role("textbox", name="邮箱，每行一个").fill(f"{ANA}\n{SAM}\nx\nb@example.com\n{ANA}")
        page.get_by_role("button", name="添加成员").click()
        rows = page.locator(".sk-table tbody tr")
        expect(rows).to_have_count(5)
        results = page.locator('.sk-table [data-label="结果"]').all_text_contents()
        assert results == ["正在邀请", "正在邀请", "邮箱地址不完整", "这个 Team 没有空席位", "重复的一行"]
        assert page.get_by_role("textbox").last.input_value() == "x\nb@example.com"
        shoot(page, "added")

    def test_a_stranger_is_allowed_in_one_click_and_removed_in_two(self, operate: Any) -> None:
        team = a_team(outsiders=2)
        a_member(team, SAM, role="standard-user")
        a_member(team, "x@example.com", role="standard-user")
        page = operate(page_of(team), js=False)
        line_of(page, SAM).get_by_role("button", name="放行").click()
        expect(line_of(page, SAM)).to_contain_text("放行")
        expect(line_of(page, SAM).get_by_role("button")).to_have_count(0)
        line_of(page, "x@example.com").get_by_role("button", name="移除").click()
        expect(page.get_by_role("cell", name="x@example.com")).to_be_visible()
        shoot(page, "remove")
        page.get_by_role("button", name="移除 1 人").click()
        expect(line_of(page, "x@example.com")).to_contain_text("正在移除")
        assert Departure.objects.get().email == "x@example.com"

    @pytest.mark.parametrize(("language", "width"), thin([(ZH, 1280), (ZH, 390), (EN, 1280), (EN, 390)], every=3))
    def test_axe_finds_nothing_and_nothing_scrolls_sideways(
        self, operate: Any, full: Team, language: str, width: int
    ) -> None:
        Team.objects.filter(pk=full.pk).update(workspace_state="suspended", sync_problem="x")
        expired = a_team(held=1, token_state="expired")
        a_code(team=expired)
        a_team(seats=1)
        SyncRun.objects.create(team_ids=[full.pk])
        stranger = Member.objects.filter(email__startswith="s0.").get()
        paths = {
            "index": "/admin/",
            "lost": page_of(full),
            "list": reverse("admin:teampool_team_changelist"),
            "add": reverse("admin:team_people_add", args=[full.pk]),
            "drop": reverse("admin:team_person_remove", args=[full.pk, stranger.pk]),
            "reseat": reverse("admin:team_reseat"),
            "archive": reverse("admin:team_archive"),
            "owners": reverse("admin:teampool_owner_changelist"),
        }
        page = operate(paths["index"], width=width, language=language)
        for name, path in paths.items():
            page.goto(path)
            shoot(page, f"{name}-{language}")
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            found = Axe().run(page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"


class TestLag:
    """An invitation ChatGPT lists late."""

    def test_09_a_lag_of_90_seconds_is_said_and_harms_nobody(
        self, operate: Any, visit: Any, sandbox: SandboxServer
    ) -> None:
        heartbeats.beat(timezone.now())
        team = import_sandbox_team(sandbox, seats=20)
        sandbox.lag(seconds=90)
        redemption = redeem(email=ANA, code=a_code().code)
        deliver()
        hers = visit(reverse("status", args=[redemption.public_id]))
        desk = operate(reverse("admin:teampool_team_changelist"))
        for _ in range(3):
            expect(hers.locator("h1")).to_have_text("邀请已发出")
            expect(desk.locator("#result_list")).to_contain_text("可分配")
            sandbox.advance(seconds=25)
            pass_time(25)
            deliver()
            sync_team(team_id=team.pk)
            hers.reload()
            desk.reload()
        expect(hers.locator("h1")).to_have_text("邀请已发出")
        sandbox.advance(seconds=20)
        pass_time(20)
        deliver()
        expect(hers.locator("h1")).to_have_text("邀请已确认，请去邮箱接受")
        desk.reload()
        expect(desk.locator("#result_list")).to_contain_text("可分配")
        assert len(sandbox.log(op="invite")) == 1
        assert SeatGrant.objects.get().absent_since is None
        desk.goto("/admin/")
        expect(desk.get_by_text("现在没有需要你处理的事。")).to_be_visible()


class TestLostTeam:
    """A suspended Team: its people are seated elsewhere, and told."""

    def test_22_two_clicks_from_the_first_screen_and_she_is_told(
        self, operate: Any, visit: Any, sandbox: SandboxServer
    ) -> None:
        heartbeats.beat(timezone.now())
        lost = import_sandbox_team(sandbox)
        redemption = redeem(email=ANA, code=a_code().code)
        deliver()
        sandbox.set_workspace(account_id=lost.account_id, suspended=True)
        sync_team(team_id=lost.pk)
        new = import_sandbox_team(sandbox, name="新的", seats=12)
        page = operate("/admin/")
        line = page.locator(".sk-lines li", has_text="已被停用，1 人失去席位")
        expect(line).to_contain_text(str(Team.objects.get(pk=lost.pk)))
        shoot(page, "first")
        line.get_by_role("link", name="换座 1 人").click()
        row = line_of(page, ANA)
        expect(row.locator('[data-label="到"]')).to_have_text(str(new))
        shoot(page, "reseat-one")
        page.get_by_role("button", name="换座 1 人").click()
        expect(page.get_by_text(f"{ANA}：已开始")).to_be_visible()
        reconcile()
        deliver()
        sync_team(team_id=new.pk)
        assert SeatGrant.objects.live().get().team == new
        hers = visit(reverse("status", args=[redemption.public_id]))
        expect(hers.get_by_text("你的席位换到了新的 Team，请接受新的邀请邮件。")).to_be_visible()
        page.goto("/admin/")
        expect(page.get_by_text("现在没有需要你处理的事。")).to_be_visible()

    def test_the_button_counts_those_chosen(self, operate: Any) -> None:
        lost = a_team(held=3, workspace_state="suspended")
        a_team(seats=2)
        for n in range(3):
            a_grant(a_redemption(f"p{n}@example.com"), GrantState.JOINED, team=lost)
        page = operate(reverse("admin:team_reseat"))
        button = page.locator("form[data-choose] button")
        expect(button).to_have_text("换座 2 人")
        expect(line_of(page, "p2@example.com")).to_contain_text("没有空席位")
        page.get_by_role("checkbox", name="p0@example.com").uncheck()
        expect(button).to_have_text("换座 1 人")
        page.get_by_role("checkbox", name="p1@example.com").uncheck()
        expect(button).to_be_disabled()
        page.get_by_role("checkbox", name="p0@example.com").check()
        shoot(page, "choose")
        button.click()
        expect(page.get_by_text("p0@example.com：已开始")).to_be_visible()
        moved = SeatGrant.objects.live().exclude(team=lost)
        assert list(moved.values_list("email", flat=True)) == ["p0@example.com"]


class TestCleanOut:
    def test_three_clicks_from_the_first_screen(self, operate: Any) -> None:
        over, new = a_team(name="旧", held=1, token_state="expired"), a_team(name="新")
        a_grant(a_redemption(ANA), GrantState.JOINED, team=over)
        code = a_code(team=over)
        page = operate("/admin/")
        page.get_by_role("link", name="Team", exact=False).filter(has_text="可分配").click()
        page.get_by_role("link", name="清理失效 Team").click()
        shoot(page, "archive")
        page.get_by_label("怎么处理").select_option(label=f"改绑到 {new}")
        page.get_by_role("button", name="归档 1 个 Team").click()
        expect(page.get_by_text("已归档 1 个 Team。")).to_be_visible()
        expect(line_of(page, ANA).locator('[data-label="到"]')).to_have_text(str(new))
        code.refresh_from_db()
        assert code.team == new
        assert Redemption.objects.get().state == "open"


class TestSync:
    def test_the_line_survives_a_closed_tab(self, operate: Any) -> None:
        teams = [a_team() for _ in range(3)]
        page = operate(reverse("admin:teampool_team_changelist"))
        page.get_by_role("button", name="同步全部").click()
        line = page.locator("#sync-progress")
        expect(line).to_contain_text("0/3")
        Team.objects.filter(pk=teams[0].pk).update(sync_tried_at=timezone.now())
        page.goto("/admin/")
        page.goto(reverse("admin:teampool_team_changelist"))
        expect(line).to_contain_text("1/3")
        Team.objects.update(sync_tried_at=timezone.now())
        expect(line).to_contain_text("同步完成")
        shoot(page, "synced")
        expect(line).to_contain_text("3/3")

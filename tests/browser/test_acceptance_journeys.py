"""Whole journeys: a real installation (web, worker, sandbox as processes and servers) and a real browser.

What is seen at each stop is kept, so that the whole way can be searched for what must be on no page.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from invites import times
from invites.models import Redemption, SeatGrant
from sandbox.server import SandboxServer
from teampool.models import ImportJob, Team
from tests.browser.conftest import EN, ZH
from tests.cast import ANA, OLGA, SAM, a_code, an_operator, import_sandbox_team, wait_until
from tests.config.house import House
from tests.invites.clock import pass_time
from tests.teampool.imports.bringing import csv_line

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.slow(25)]
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
WHILE_THE_WORKER_LOOKS = 60_000  # milliseconds: it looks again after 2, 3, 5 s, later every 15 s and 30 s
SENTENCES = {
    ZH: {
        "pending": ("正在为你安排席位", "通常几秒钟。可以关掉本页，用同一个链接回来看。"),
        "invited": ("邀请已发出", "已发到 {email}，正在等 ChatGPT 登记。可以先去查收邮件。"),
        "verified": (
            "邀请已确认，请去邮箱接受",
            "打开发到 {email} 的邮件并点接受，登录时用同一个邮箱。也看看垃圾邮件。",
        ),
        "joined": ("你已加入 Team", "打开 chatgpt.com，用 {email} 登录并切换到 Team 工作空间。"),
        "email_refused": ("ChatGPT 不接受这个邮箱", "你的邀请码没有被使用，请换一个邮箱。"),
    },
    EN: {
        "pending": (
            "Arranging your seat",
            "This usually takes seconds. You may close this page and come back with the same link.",
        ),
        "invited": (
            "Invitation sent",
            "Sent to {email}; waiting for ChatGPT to list it. You can look for the mail already.",
        ),
        "verified": (
            "Invitation confirmed: accept it in your mail",
            "Open the mail sent to {email} and accept; sign in with the same address. Check spam too.",
        ),
        "joined": ("You are in", "Open chatgpt.com, sign in as {email} and switch to the Team workspace."),
    },
}


@pytest.fixture
def house(tmp_path: Path, sandbox: SandboxServer, process_env: dict[str, str]) -> Iterator[House]:
    """An installation on this test's database and sandbox, not started."""
    folder = tmp_path / "data"
    folder.mkdir()
    house = House(folder, process_env)
    yield house
    house.demolish()


def open_up(house: House, *options: str, **env: str) -> None:
    """Start all of it, with patience for a busy machine."""
    up = (sys.executable, "manage.py", "up", "--port", str(house.port), *options)
    house.start(*up, **{"HEARTBEAT_LIMIT": "60", "UPSTREAM_TIMEOUT": "8"} | env)
    house.wait_until_it_answers()


@pytest.fixture
def visit(house: House, browse: Callable[..., Page]) -> Callable[..., Page]:
    """Open a page of the installation in a browser of its own."""
    return partial(browse, f"http://127.0.0.1:{house.port}")


@pytest.fixture
def operate(visit: Callable[..., Page]) -> Callable[..., Page]:
    """Open an operator's page on a desktop, logged in as Olga, in Chinese."""

    def operate(path: str) -> Page:
        client = Client()
        client.force_login(User.objects.filter(username=OLGA).first() or an_operator())
        page = visit("/admin/login/", **DESK)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        where = {"domain": "127.0.0.1", "path": "/"}
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session} | where])
        page.goto(path)
        return page

    return operate


class Seen:
    """The source of every page looked at."""

    def __init__(self) -> None:
        self.sources: list[str] = []

    def look(self, page: Page) -> None:
        """Keep its source; at no width of a phone does it scroll sideways."""
        self.sources.append(page.content())
        usual = page.viewport_size
        for width in (390, 320):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.scrollingElement.scrollWidth") <= width, page.url
        page.set_viewport_size(usual)

    def pages_with(self, secret: str) -> list[str]:
        """A field gives back what the person typed into it; that is not the page speaking."""
        assert self.sources
        return [source for source in self.sources if secret in re.sub(r'(<input[^>]*) value="[^"]*"', r"\1", source)]


@pytest.fixture
def seen() -> Seen:
    return Seen()


def submit(page: Page, email: str, code: str) -> None:
    page.fill("#email", email)
    page.fill("#code", code)
    with page.expect_navigation():
        page.click("button.main")


def expect_state(page: Page, state: str, email: str = "", *, language: str = ZH) -> None:
    heading, text = SENTENCES[language][state]
    expect(page.locator("h1")).to_have_text(heading, timeout=WHILE_THE_WORKER_LOOKS)
    expect(page.locator("h1 + p")).to_have_text(text.format(email=email))


def accept_as(email: str, sandbox: SandboxServer) -> None:
    """The person opens the mail and accepts."""
    sandbox.accept(SeatGrant.objects.live().get(email=email).team.account_id, email)


def paste(page: Page, text: str) -> None:
    """Bring Teams in on the page that has the box; returns on the page that follows the import."""
    page.fill("[name=text]", text)
    with page.expect_navigation():
        page.get_by_role("button", name="开始导入").click()


def session_of(sandbox: SandboxServer, **options: Any) -> str:
    """A new workspace, and what its owner would copy out of the browser."""
    return json.dumps(sandbox.workspace(**options)["credentials"]["session_json"])


def rows(page: Page) -> Locator:
    return page.locator("#import-live tbody tr")


class TestGoodPair:
    def test_04_the_page_follows_by_itself_until_the_person_is_in(self, house, sandbox, visit, seen):
        import_sandbox_team(sandbox)
        code = a_code().code
        sandbox.set_latency(2)  # a person sees each state
        sandbox.lag(5)
        open_up(house)
        page = visit(**DESK)
        seen.look(page)
        submit(page, ANA, code)
        expect_state(page, "pending")
        page.evaluate(
            """() => {
                window.said = [];
                const line = document.querySelector('[role=status]');
                new MutationObserver(() => window.said.push(line.textContent)).observe(line, {childList: true});
            }"""
        )
        for state in ("invited", "verified"):
            expect_state(page, state, ANA)
            seen.look(page)
        accept_as(ANA, sandbox)
        expect_state(page, "joined", ANA)
        seen.look(page)
        assert page.evaluate("window.said") == [SENTENCES[ZH][state][0] for state in ("invited", "verified", "joined")]
        assert page.title() == "你已加入 Team · 席位管家"
        assert len(sandbox.log(op="invite")) == 1

    def test_05_without_javascript_it_loads_itself_again(self, house, sandbox, visit, seen):
        import_sandbox_team(sandbox)
        code = a_code().code
        sandbox.set_latency(2)  # a person sees each state
        sandbox.lag(10)
        open_up(house)
        page = visit(language=EN, js=False, **DESK)
        submit(page, ANA, code)
        for state in ("pending", "invited", "verified"):
            expect_state(page, state, ANA, language=EN)
            seen.look(page)

    def test_on_a_phone(self, house, sandbox, visit, seen):
        import_sandbox_team(sandbox)
        code = a_code().code
        open_up(house, SANDBOX="on")
        page = visit(language=EN, dark=True, **PHONE)
        seen.look(page)
        submit(page, "", "")
        seen.look(page)
        submit(page, ANA, code.lower())
        expect_state(page, "verified", ANA, language=EN)
        seen.look(page)
        assert page.locator(".strip").inner_text() == "Demo: ChatGPT is not contacted."


class TestCodesThatAreNotUsed:
    def test_06_07_and_12_a_code_is_one_persons_and_an_email_has_one_seat(self, house, sandbox, visit, seen):
        team = import_sandbox_team(sandbox, name="Shanghai 03")
        first, second = a_code().code, a_code().code
        open_up(house)
        page = visit(**DESK)
        submit(page, ANA, first)
        expect_state(page, "verified", ANA)
        address = page.url
        seen.look(page)

        page.goto("/")
        submit(page, ANA.upper(), first.lower())
        assert page.url == address

        other = visit(**PHONE)
        submit(other, SAM, first)
        expect(other.locator("#code-error")).to_have_text("这个邀请码已经用过。如果是你用的，请填当时的邮箱。")
        seen.look(other)
        assert ANA not in other.content()
        other.goto(address)
        expect(other.locator("dd").first).to_have_text("•••@example.com")
        seen.look(other)
        assert ANA not in other.content()

        page.goto("/")
        submit(page, ANA, second)
        assert page.url != address
        expect_state(page, "verified", ANA)
        expect(page.locator(".note")).to_have_text("这个邮箱已经有席位。这次提交的邀请码没有被使用，可以留着。")
        seen.look(page)
        other.goto("/")
        submit(other, SAM, second)
        expect_state(other, "verified", SAM)
        seen.look(other)

        shown = [f"{code[:4]}-{code[4:8]}" for code in (first, second)]
        for secret in (team.name, team.account_id, team.owner.email, first, second, *shown):
            assert seen.pages_with(secret) == []

    def test_08_no_seat_leaves_the_code_good_for_the_next_team(self, house, sandbox, visit, operate, seen):
        import_sandbox_team(sandbox, seats=1)
        first, second = a_code().code, a_code().code
        open_up(house)
        submit(visit(), SAM, first)
        page = visit(**DESK)
        submit(page, ANA, second)
        box = page.get_by_role("alert")
        expect(box).to_have_text("现在没有空席位。你的邀请码没有被使用，请晚些时候再提交。")
        seen.look(page)

        olga = operate("/admin/import/")
        paste(olga, session_of(sandbox, name="Shanghai 04"))
        expect(olga.get_by_text("新增 1，空闲席位 +4")).to_be_visible()

        with page.expect_navigation():
            page.click("button.main")  # e-mail and code are still there
        expect_state(page, "verified", ANA)
        seen.look(page)
        assert seen.pages_with("Shanghai") == []

    def test_08_a_refused_address_harms_no_team(self, house, sandbox, visit, operate, seen):
        for _ in range(2):
            import_sandbox_team(sandbox)
        code = a_code().code
        open_up(house)
        page = visit(**DESK)
        submit(page, "x@refused.example", code)
        expect_state(page, "email_refused")
        seen.look(page)
        olga = operate("/admin/teampool/team/")
        expect(olga.locator("#result_list tbody tr")).to_have_count(2)
        expect(olga.locator("#result_list tbody tr").filter(has_text="可分配")).to_have_count(2)
        page.get_by_role("link", name="换一个邮箱").click()
        submit(page, ANA, code)
        expect_state(page, "verified", ANA)


class TestResend:
    def test_10_three_times_and_then_the_reference(self, house, sandbox, visit, seen):
        import_sandbox_team(sandbox)
        code = a_code().code
        open_up(house)
        page = visit()
        submit(page, ANA, code)
        expect_state(page, "verified", ANA)
        lines, button = page.locator(".resend"), page.get_by_role("button", name="没收到？重新发送邮件")
        sent_at = SeatGrant.objects.get().invited_at
        wait = times.short(sent_at + timedelta(minutes=2), now=timezone.now())
        expect(lines).to_have_text(f"{wait} 之后可以再发。")
        expect(button).to_have_count(0)
        seen.look(page)
        for time_to_wait in (2, 10, 10):
            pass_time(time_to_wait * 60)
            page.reload()
            expect(lines.filter(has_text="之后可以再发。")).to_have_count(0)
            mails = len(sandbox.log(op="invite"))
            token = page.locator("[name=csrfmiddlewaretoken]").last.input_value()
            with page.expect_navigation():
                button.click()
            wait_until(lambda: Redemption.objects.get().resend_wanted_at is None, what="sent again")
            assert len(sandbox.log(op="invite")) == mails + 1
            page.reload()
            seen.look(page)
            if Redemption.objects.get().resends < 3:
                again_at = times.short(Redemption.objects.get().resent_at, now=timezone.now())
                expect(lines.first).to_have_text(f"已在 {again_at} 重新发送。")
        expect(lines).to_have_text("已重发 3 次。仍没收到请联系给你邀请码的人，并报编号。")
        expect(button).to_have_count(0)
        expect(page.locator("dd.code")).to_have_text(Redemption.objects.get().reference)

        pass_time(3600)
        form = {"csrfmiddlewaretoken": token}
        page.request.post(f"{page.url}resend/", form=form, headers={"Referer": page.url})
        page.reload()
        expect(lines).to_have_text("已重发 3 次。仍没收到请联系给你邀请码的人，并报编号。")
        assert Redemption.objects.get().resend_wanted_at is None
        assert len(sandbox.log(op="invite")) == 4


class TestThrottle:
    def test_11_the_eleventh_try_waits_and_keeps_both_fields(self, house, visit, seen):
        open_up(house, REDEEM_THROTTLE="10/m")
        page = visit()
        for number in range(10):
            submit(page, f"p{number}@example.com", "WRONG")
            expect(page.locator("#code-error")).to_be_visible()
        submit(page, ANA, "7K2M-9QXD-VH4T-B8NC")
        expect(page.get_by_role("alert")).to_have_text("尝试太多次，请 1 分钟后再试。这次没有使用邀请码。")
        expect(page.locator("#email")).to_have_value(ANA)
        expect(page.locator("#code")).to_have_value("7K2M-9QXD-VH4T-B8NC")
        seen.look(page)


class TestFreshInstallation:
    def test_15_from_the_log_in_to_a_team_with_free_seats_in_two_clicks(self, house, sandbox, visit, seen):
        open_up(house, "--first-operator")
        wait_until(lambda: "with the password" in house.said, what="it says how to log in")
        name, password = re.search(r"Log in as +(\S+) with the password (\S+)", house.said).groups()
        session = session_of(sandbox, name="Shanghai 01")
        page = visit("/admin/", **DESK)
        page.fill("[name=username]", name)
        page.fill("[name=password]", password)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="导入第一个 Team")).to_be_visible()
        seen.look(page)
        paste(page, session)  # click 1
        expect(rows(page)).to_have_count(1)
        expect(rows(page)).to_contain_text("自动续期")
        seen.look(page)
        page.get_by_role("link", name="Shanghai 01").click()  # click 2
        expect(page.get_by_role("main")).to_contain_text(re.compile(r"可分配\s+可分配，还有 4 个空席位。"))
        seen.look(page)
        assert Team.objects.get().seats_held == 0
        for token in re.findall(r"[\w.-]{40,}", session):
            assert seen.pages_with(token) == []


class TestImport:
    def test_41_a_session_without_its_end_is_told_before_submitting(self, house, sandbox, operate, seen):
        session = session_of(sandbox, name="Shanghai 01")
        open_up(house)
        page = operate("/admin/import/")
        page.fill("[name=text]", session[:-1])
        told = page.locator("[data-error]")
        expect(told).to_have_text("像是 Session JSON，但结尾不完整：请在那一页按 Ctrl+A 全选后重新复制。")
        page.get_by_role("button", name="开始导入").click()
        assert page.url.endswith("/admin/import/")
        assert page.input_value("[name=text]") == session[:-1]
        seen.look(page)
        page.fill("[name=text]", json.dumps({"accounts": [json.loads(session), {"email": SAM}]}))
        expect(told).to_be_hidden()
        paste(page, session)
        expect(page.locator("a.sk-main")).to_have_text("生成邀请码")

    def test_41_an_import_that_brought_nothing_leads_back_to_the_text(self, house, sandbox, operate, seen):
        login = sandbox.workspace(name="Shanghai 01")["credentials"]
        sandbox.invalidate_tokens(login["email"])
        text = csv_line(login, "email", "access_token")
        open_up(house)
        page = operate("/admin/import/")
        paste(page, text)
        expect(page.locator("a.sk-main")).to_have_text("返回修改")
        expect(page.locator("#import-live i.sk-fault")).to_be_visible()
        seen.look(page)
        page.locator("a.sk-main").click()
        expect(page.locator("[name=text]")).to_have_value(text)
        assert page.evaluate("sessionStorage.length") == 0

    def test_the_pasted_text_is_forgotten_on_every_other_page_and_after_a_while(self, house, sandbox, operate):
        login = sandbox.workspace(name="Shanghai 01")["credentials"]
        sandbox.invalidate_tokens(login["email"])
        open_up(house)
        page = operate("/admin/import/")
        paste(page, csv_line(login, "email", "access_token"))
        expect(page.locator("a.sk-main")).to_have_text("返回修改")
        result = page.url
        page.reload()
        expect(page.locator("a.sk-main")).to_have_text("返回修改")
        assert page.evaluate("sessionStorage.length") == 1
        page.evaluate("Date.now = () => 8e15")
        page.evaluate("document.dispatchEvent(new Event('htmx:afterSettle'))")
        assert page.evaluate("sessionStorage.length") == 0
        page.goto(result.replace(result.split("/admin/")[1], "import/"))
        paste(page, csv_line(login, "email", "access_token"))
        expect(page.locator("a.sk-main")).to_have_text("返回修改")
        page.goto(f"{result.split('/admin/')[0]}/admin/")
        assert page.evaluate("sessionStorage.length") == 0

    def test_16_ten_mixed_lines_go_on_unwatched_and_only_the_failed_is_retried(self, house, sandbox, operate, seen):
        logins = [sandbox.workspace(name=f"Shanghai {n:02}")["credentials"] for n in range(1, 8)]
        by_json, by_csv, by_refresh, by_session, dead, mistaken, unreachable = logins
        sandbox.invalidate_tokens(dead["email"])
        # Hangs for a while, each time: long enough for the page to be seen half done.
        sandbox.fault("account_check", {"hang": 4}, email=unreachable["email"], times=0)
        sandbox.set_latency(0.4)
        lines = [
            json.dumps(by_json["session_json"]),
            csv_line(by_csv, "email", "access_token"),
            csv_line(by_refresh, "email", "refresh_token", "client_id", separator="----"),
            csv_line(by_session, "email", "session_token", separator="\t"),
            "what is this",
            "nobody@example.com",
            csv_line(dead, "email", "access_token"),
            csv_line(mistaken | {"email": SAM}, "email", "access_token"),
            csv_line(by_csv, "email", "access_token"),
            csv_line(unreachable, "email", "access_token"),
        ]
        open_up(house)
        page = operate("/admin/import/")
        paste(page, "\n".join(lines))
        address = page.url
        expect(page.locator("#import-live b").first).to_have_text(re.compile(r"[4-9]/10"))
        seen.look(page)
        page.close()
        wait_until(lambda: ImportJob.objects.get().finished_at, timeout=60, what="the import went on")

        page = operate("/admin/import/")
        seen.look(page)
        page.locator("table a").first.click()
        assert page.url == address
        expect(page.locator(".sk-buttons").first).to_have_text("新增 4 · 重复 1 · 无效 3 · 失败 2，空闲席位 +16")
        results = []
        for row in rows(page).all():
            number, _, _, badge, _, explanation = row.locator("td").all_inner_texts()
            results.append((number, badge.split()[-1], explanation))  # the badge's icon stands before its word
        until = timezone.localtime(Team.objects.get(name="Shanghai 02").access_expires_at)
        assert results == [
            ("5", "无效", "无法识别这一行"),
            ("6", "无效", "没有 token"),
            ("7", "失败", "token 已失效，也不能续期"),
            ("8", "无效", "邮箱与 token 不一致"),
            ("10", "失败", "连不上 ChatGPT，可重试"),
            ("1", "新增", "自动续期"),
            ("2", "新增", f"到 {until:%Y-%m-%d %H:%M} 为止，不能自动续期"),
            ("3", "新增", "自动续期"),
            ("4", "新增", "自动续期"),
            ("9", "重复", "与第 2 行相同"),
        ]
        seen.look(page)

        sandbox.clear_faults()
        since = sandbox.log()[-1]["seq"]
        with page.expect_navigation():
            page.get_by_role("button", name="重试失败的 1 行").click()
        expect(page.locator(".sk-buttons").first).to_have_text("新增 1，空闲席位 +4")
        assert [row.locator("td").first.inner_text() for row in rows(page).all()] == ["10"]
        seen.look(page)
        assert {entry["login"] for entry in sandbox.log(since=since)} <= {unreachable["email"]}
        assert Team.objects.filter(name="Shanghai 07").exists()

        for login in logins:
            for kind in ("access_token", "session_token", "refresh_token"):
                assert seen.pages_with(login[kind]) == []

"""The operator's pages in a real browser. The worker's part is done in this process, by its own functions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from base.actors import Actor, command
from guardian.clockwork import heartbeats
from invites.states import GrantState
from notifications import announcement
from notifications.audit import events
from notifications.models import Message
from teampool import api_keys
from teampool.models import ImportJob, ImportLine, Member, Owner, Team
from teampool.teams import changes
from tests.browser.conftest import EACH_LANGUAGE, EACH_LOOK, EN
from tests.cast import OLGA, OMAR, a_batch, a_code, a_team, an_operator, an_owner
from tests.invites.rows import a_grant, a_redemption
from tests.teampool.imports.bringing import csv_line, finish

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Visit = Callable[..., Page]
PASSWORD = "quite-a-long-one"
DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
LISTS = (
    "/admin/",
    "/admin/import/",
    "/admin/teampool/team/",
    "/admin/teampool/team/reseat/",
    "/admin/teampool/team/archive/",
    "/admin/teampool/owner/",
    "/admin/teampool/apikey/",
    "/admin/teampool/apikey/add/",
    "/admin/invites/codebatch/",
    "/admin/invites/codebatch/new/",
    "/admin/invites/redeemcode/",
    "/admin/invites/redemption/",
    "/admin/notifications/message/",
    "/admin/notifications/announcement/",
    "/admin/notifications/auditevent/",
    "/admin/settings/notices/",
    "/admin/auth/user/",
    "/admin/auth/user/add/",
    "/admin/axes/accessattempt/",
    "/admin/django_q/schedule/",
    "/admin/django_q/ormq/",
    "/admin/django_q/success/",
    "/admin/django_q/failure/",
    "/admin/password_change/",
)


@pytest.fixture
def enter(visit: Visit, live_server: Any) -> Visit:
    """Open `path` as Olga, who is logged in."""

    def enter(path: str = "/admin/", **options: Any) -> Page:
        olga = User.objects.filter(username=OLGA).first() or an_operator(password=PASSWORD)
        client = Client()
        client.force_login(olga)
        page = visit("/admin/login/", **(DESK | options))
        session = client.cookies["sessionid"].value
        page.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page.goto(path)
        return page

    return enter


def a_pool() -> Team:
    """Teams in every state that looks different, people, imports, codes and a record; the fullest Team."""
    now = timezone.now()
    otto = an_owner("otto@example.com")
    shanghai = a_team(name="Shanghai 03", held=3, outsiders=1, last_invite_at=now)
    a_team(name="Suspended", held=4, workspace_state=Team.Workspace.SUSPENDED)
    a_team(name="Expired", owner=an_owner("a@x.co", login=Owner.Login.EXPIRED), token_state=Team.Token.EXPIRED)
    a_team(name="Unpaid", subscription_until=now - timedelta(days=1))
    a_team(name="Over", owner=otto, held=5, access_expires_at=now + timedelta(hours=5))
    a_team(name="Paused", is_enabled=False)
    a_team(name="Cooling", cooldown_until=now + timedelta(minutes=5))
    a_team(name="Fresh", snapshot_has_self=False, sync_problem="x")
    a_team(name="Free", owner=an_owner("r@x.co", session_token="x" * 20))
    states = (GrantState.JOINED, GrantState.VERIFIED, GrantState.INVITED)
    for n, state in enumerate(states):
        email = f"person-{n}.with.a.long.name@department.example.com"
        redemption = a_redemption(email, created_at=now - timedelta(minutes=20), ends_at=now + timedelta(hours=3))
        a_grant(redemption, state, team=shanghai)
    for n, email in enumerate((OMAR, "sam@example.com", "")):
        Member.objects.create(team=shanghai, kind="member", upstream_id=f"user-{n}", email=email, joined_at=now)
    entry = {"id": shanghai.pk, "account_id": shanghai.account_id, "name": "Shanghai 03", "action": "created"}
    job = ImportJob.objects.create(actor=OLGA, total=3, finished_at=now)
    rows = (
        {"state": "created", "email": OMAR, "holds": "AT", "teams": [entry | {"baseline": 2}], "access_until": now},
        {"state": "failed", "reason": "unreachable", "email": "z@x.co", "holds": "RT", "payload": "{}"},
        {"state": "invalid", "reason": "unreadable"},
    )
    for number, row in enumerate(rows, 1):
        ImportLine.objects.create(job=job, number=number, **row)
    batch = a_batch(size=2, label="Spring")
    a_code(batch=batch), a_code(batch=batch, voided_at=now)
    api_keys.create(name="stock", scope=api_keys.IMPORT, actor=command("tests"))
    olga = Actor("operator", OLGA, "198.51.100.7")
    changes.change_team(team_id=shanghai.pk, changes={"operator_cap": 4}, actor=olga)
    subject = events.Subject("import", str(job.pk), str(job.pk))
    events.import_finished(subject=subject, counts={"created": 1, "failed": 1}, actor=olga)
    announcement.change(zh="**23:00**", en="*23:00*", is_shown=True, actor=olga)
    for number, fields in enumerate(
        ({"attempts": 2}, {"state": "failed", "last_error": "HTTP 500"}, {"state": "sent"})
    ):
        Message.objects.create(
            event="token_expired",
            channel="bark",
            context={"team": "Shanghai 03"},
            dedupe_key=f"a pool {number}",
            created_at=now,
            due_at=now,
            **fields,
        )
    heartbeats.beat(now - timedelta(minutes=5))
    return shanghai


def every_page(team: Team) -> list[str]:
    job = ImportJob.objects.latest("pk")
    return [
        *LISTS,
        f"/admin/teampool/team/{team.pk}/change/",
        f"/admin/teampool/team/{team.pk}/people/add/",
        f"/admin/import/{job.pk}/",
        f"/admin/import/?owner={team.owner_id}",
        "/admin/teampool/team/?q=nothing-like-it",
        f"/admin/auth/user/{User.objects.get(username=OLGA).pk}/change/",
    ]


def scrolls_sideways(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def texts(page: Page) -> list[str]:
    """Everything a person reads on the page, hints in empty fields and names for the ear included."""
    return page.evaluate(
        """() => {
        // The page itself has a lang: only what stands apart inside it is left out. And what a person wrote.
        const other = "script,style,[class*=material-symbols],body [lang],pre,code,time,textarea,form[action*=setlang]";
        const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        for (let node = walk.nextNode(); node; node = walk.nextNode())
            if (!node.parentElement.closest(other)) found.push(node.textContent.trim());
        for (const node of document.querySelectorAll("[placeholder],[title],[aria-label],[data-label],[alt]"))
            for (const name of ["placeholder", "title", "aria-label", "data-label", "alt"])
                if (node.hasAttribute(name)) found.push(node.getAttribute(name).trim());
        return [document.title, ...found].filter(Boolean);
    }"""
    )


class TestFreshInstall:
    def test_15_from_the_log_in_to_a_team_with_free_seats_in_two_clicks(self, visit: Visit, sandbox: Any) -> None:
        an_operator(password=PASSWORD)
        tokens = sandbox.workspace(OMAR, members=1, seats=5, name="Shanghai 03")["credentials"]
        page = visit("/admin/", **DESK, language=EN)
        page.fill("[name=username]", OLGA)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.fill(
            "#import-text", json.dumps({"user": {"email": OMAR}, "accessToken": tokens["access_token"]}, indent=1)
        )
        expect(page.locator("[data-lines]")).to_have_text("1 account found")
        page.click("form.sk-import button.sk-main")
        expect(page).to_have_url(re.compile(r"/admin/import/\d+/$"))
        finish(ImportJob.objects.get())
        expect(page.locator("[role=status]")).to_have_text("Created 1, free seats +3")  # it followed by itself
        page.click("#import-live a.text-link")
        expect(page.locator("#content")).to_contain_text("Available")
        expect(page.locator("#content")).to_contain_text("1/4 · joined 0 · waiting 0 · outsiders 1 · free 3")
        page.goto("/admin/")
        expect(page.locator(".sk-steps")).to_contain_text("✓ Done Import your first Team")

    def test_the_address_is_copied(self, enter: Visit) -> None:
        page = enter(language=EN)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.click("[data-copy]")
        expect(page.locator("[data-copy='#public-address']")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == page.input_value("#public-address")


class TestImport:
    def test_16_ten_mixed_lines(self, enter: Visit, sandbox: Any) -> None:
        opened = [sandbox.workspace(f"owner{n}@example.com", seats=3)["credentials"] for n in range(3)]
        good = [csv_line(one, "email", "access_token") for one in opened]
        mixed = [
            *good,
            good[0],
            "nonsense",
            "someone@example.com,,,,",
            f"other@example.com,{opened[1]['access_token']}",
            csv_line(opened[2], "email", "session_token", separator="----"),
            csv_line(opened[0], "refresh_token", "client_id"),
            "last@example.com," + "x" * 40,
        ]
        page = enter("/admin/import/", language=EN)
        page.fill("#import-text", "\n".join(mixed))
        expect(page.locator("[data-lines]")).to_have_text("10 accounts found")
        page.click("form.sk-import button.sk-main")
        page.wait_for_url(re.compile(r"/admin/import/\d+/$"))
        address = page.url
        page.goto("/admin/")  # away, and back when it is done
        job = ImportJob.objects.get()
        finish(job)
        page.goto(address)
        numbers = page.locator("tbody td:first-child").all_inner_texts()
        assert sorted(int(number) for number in numbers) == list(range(1, 11))
        assert {int(number) for number in numbers[:3]} <= {4, 5, 6, 7, 10}  # what failed comes first
        expect(page.locator("#import-live")).to_contain_text("10/10")
        expect(page.locator("[role=status]")).to_contain_text("Created 3")
        shown = page.content()
        for one in opened:
            assert not [value for name, value in one.items() if name.endswith("token") and value and value in shown]

    def test_16_only_the_failed_are_tried_again(self, enter: Visit, sandbox: Any, settings: Any) -> None:
        tokens = sandbox.workspace(OMAR, seats=3)["credentials"]
        page = enter("/admin/import/", language=EN)
        page.fill("#import-text", f"{csv_line(tokens, 'email', 'access_token')}\nnonsense")
        page.click("form.sk-import button.sk-main")
        page.wait_for_url(re.compile(r"/admin/import/\d+/$"))
        job = ImportJob.objects.get()
        settings.UPSTREAM_BASE_URL = settings.UPSTREAM_AUTH_URL = "http://127.0.0.1:9"
        finish(job)
        settings.UPSTREAM_BASE_URL = settings.UPSTREAM_AUTH_URL = sandbox.url
        page.reload()
        expect(page.locator("[role=status]")).to_have_text("Invalid 1 · failed 1")
        page.click("text=Retry the failed line")
        page.wait_for_url(re.compile(rf"/admin/import/(?!{job.pk}/)\d+/$"))
        again = ImportJob.objects.get(retry_of=job)
        finish(again)
        expect(page.locator("[role=status]")).to_contain_text("Created 1")
        assert page.locator("tbody tr").count() == 1

    def test_too_much_is_refused_before_it_is_sent(self, enter: Visit) -> None:
        page = enter("/admin/import/", language=EN)
        page.evaluate("document.querySelector('#import-text').value = 'x'.repeat(5 * 1024 * 1024 + 1)")
        page.click("form.sk-import button.sk-main")
        expect(page.locator("[data-error]")).to_have_text("The file is larger than 5 MB. Import it in parts.")
        assert not ImportJob.objects.exists()

    def test_a_chosen_file_is_named(self, enter: Visit, sandbox: Any) -> None:
        line = csv_line(sandbox.workspace(OMAR)["credentials"], "email", "access_token").encode()
        page = enter("/admin/import/", language=EN)
        page.set_input_files("[name=file]", {"name": "pool.csv", "mimeType": "text/csv", "buffer": line})
        expect(page.locator("[data-file]")).to_have_text("pool.csv")
        page.click("form.sk-import button.sk-main")
        page.wait_for_url(re.compile(r"/admin/import/\d+/$"))
        assert ImportJob.objects.get().total == 1


class TestFirstScreen:
    @EACH_LOOK
    def test_14_axe_finds_nothing(self, enter: Visit, language: str, dark: bool) -> None:
        page = enter(language=language, dark=dark)
        assert Axe().run(page).response["violations"] == []
        a_pool()
        page.reload()
        expect(page.locator(".sk-lines li")).to_have_count(9)
        assert Axe().run(page).response["violations"] == []

    def test_18_on_a_phone_the_numbers_stand_two_by_two_before_the_list(self, enter: Visit) -> None:
        a_pool()
        page = enter(**PHONE)
        boxes = [one.bounding_box() for one in page.locator(".sk-numbers a").all()]
        assert [box["height"] for box in boxes] == [72] * 4
        assert len({box["x"] for box in boxes}) == len({box["y"] for box in boxes}) == 2
        heading, bar = page.locator(".sk-lines").bounding_box(), page.locator(".sk-pair").bounding_box()
        assert boxes[3]["y"] < heading["y"] < bar["y"]
        for button in page.locator(".sk-lines .sk-button").all():
            assert button.bounding_box()["height"] >= 38

    def test_the_sandbox_says_so(self, enter: Visit, settings: Any) -> None:
        settings.IS_SANDBOX = True
        page = enter(**PHONE)
        expect(page.locator(".sk-strip")).to_be_visible()
        assert not scrolls_sideways(page)


class TestPhone:
    def test_18_no_page_scrolls_sideways(self, enter: Visit) -> None:
        team = a_pool()
        page = enter(**PHONE)
        for path in every_page(team):
            page.goto(path)
            assert not scrolls_sideways(page), path

    def test_a_row_is_a_card_of_180_pixels_at_most(self, enter: Visit) -> None:
        a_pool()
        page = enter(**PHONE)
        for path in LISTS:
            page.goto(path)
            # What does not fit stands on the row's own page; a log-in has none.
            most = 280 if path.endswith("/owner/") else 180
            for row in page.locator("#result_list .data-row").all():
                assert row.bounding_box()["height"] <= most, path


class TestTeams:
    def test_a_choice_is_paused_by_keyboard_and_mouse(self, enter: Visit) -> None:
        a_team(name="One"), a_team(name="Two")
        page = enter("/admin/teampool/team/", language=EN)
        page.check("#action-toggle")
        page.select_option("[name=action]", "pause")
        page.click("button:has-text('Run')")
        expect(page.locator("#main")).to_contain_text("2 Teams changed.")
        assert not Team.objects.filter(is_enabled=True).exists()

    def test_a_cap_is_set_for_the_chosen(self, enter: Visit) -> None:
        a_team(name="One", seats=8)
        page = enter("/admin/teampool/team/", language=EN)
        page.check("#action-toggle")
        page.select_option("[name=action]", "cap")
        page.click("button:has-text('Run')")
        page.fill("#id_seats", "3")
        page.click("text=Set for 1 Team")
        expect(page.locator("#result_list")).to_contain_text("0/3")

    def test_its_account_id_is_copied_whole(self, enter: Visit) -> None:
        team = a_team()
        page = enter(f"/admin/teampool/team/{team.pk}/change/#login", language=EN)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.click("[data-copy-text]")
        expect(page.locator("[data-copy-text]")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == team.account_id

    def test_the_page_of_a_team_is_saved(self, enter: Visit) -> None:
        team = a_team(name="Old")
        page = enter(f"/admin/teampool/team/{team.pk}/change/", language=EN)
        page.get_by_role("link", name="Settings", exact=True).last.click()
        page.fill("#id_name", "New")
        page.click("button[name=_save]")
        expect(page.locator("#result_list")).to_contain_text("New")


class TestRows:
    @EACH_LANGUAGE
    def test_on_a_desk_no_list_hides_its_buttons_beside_the_menu(self, enter: Visit, language: str) -> None:
        a_pool()
        page = enter(**DESK, language=language)
        for path in ("/admin/invites/redemption/", "/admin/teampool/owner/", "/admin/notifications/message/"):
            page.goto(path)
            for button in page.locator(".result-list :is(.row-button,.sk-button)").all():
                box = button.bounding_box()
                assert box["x"] + box["width"] <= DESK["width"] - 16, path

    def test_on_a_phone_no_address_is_cut_off(self, enter: Visit) -> None:
        a_pool()
        page = enter(**PHONE | {"width": 320})
        for path in LISTS:
            page.goto(path)
            cut = page.evaluate(
                "[...document.querySelectorAll('.result-list .data-row > *')]"
                ".filter(cell => cell.scrollWidth > cell.clientWidth + 1).map(cell => cell.className)"
            )
            assert cut == [], path

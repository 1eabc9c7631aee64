"""Codes as an operator handles them in a browser: made, copied, exported, voided."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from invites.codes.codes import normalise
from invites.models import CodeBatch, RedeemCode
from invites.states import GrantState
from tests.browser.conftest import EN
from tests.cast import a_batch, a_code, a_team, an_operator
from tests.invites.rows import MINUTE, a_redemption, a_seated

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def operate(visit: Callable[..., Page]) -> Callable[..., Page]:
    """Open an operator's page, logged in as Olga, in English."""

    def operate(path: str, **how: object) -> Page:
        client = Client()
        client.force_login(an_operator())
        page = visit("/admin/login/", language=EN, **how)
        host = urlsplit(page.url)
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": f"{host.scheme}://{host.netloc}"}]
        )
        page.goto(path)
        return page

    return operate


def some_codes(count: int, **fields: object) -> CodeBatch:
    batch = a_batch(size=count, **fields)
    RedeemCode.objects.bulk_create(
        RedeemCode(code=f"{n:016}".replace("0", "A"), batch=batch) for n in range(2, count + 2)
    )
    return batch


class TestMaking:
    def test_the_sentence_and_the_button_follow_what_is_typed(self, operate):
        team = a_team(name="Shanghai")
        page = operate(reverse("admin:new_codes"))
        button = page.locator("#summary button")
        expect(button).to_have_text("Make 100 codes")
        page.fill("[name=hours]", "24")
        expect(page.locator("#summary p").first).to_have_text(
            "100 generic codes, good for 24 hours after the invitation is confirmed"
        )
        page.fill("[name=team]", str(team))
        page.fill("[name=count]", "7")
        expect(button).to_have_text("Make 7 codes")
        expect(page.locator("#summary p").first).to_contain_text(f"7 codes bound to {team}")
        button.click()
        expect(page.locator("tbody tr")).to_have_count(7)
        batch = CodeBatch.objects.get()
        assert (batch.size, batch.team, batch.seat_time) == (7, team, timedelta(hours=24))

    def test_pressing_twice_makes_one_batch(self, operate):
        page = operate(reverse("admin:new_codes"))
        page.locator("#summary button").dblclick()
        expect(page.get_by_text("Copy unused", exact=True)).to_be_visible()
        assert CodeBatch.objects.count() == 1

    def test_a_mistake_stands_at_its_field(self, operate):
        page = operate(reverse("admin:new_codes"), js=False)
        page.fill("[name=count]", "50001")
        page.locator("#summary button").click()
        expect(page.locator("#id_count_error")).to_have_text("Between 1 and 50,000.")
        expect(page.locator("[name=count]")).to_have_attribute("aria-invalid", "true")
        expect(page.locator("[name=count]")).to_have_value("50001")

    def test_19_50000_are_made_and_exported_without_a_formula(self, operate, tmp_path):
        page = operate(reverse("admin:new_codes"), width=1280, height=900)
        page.fill("[name=count]", "50000")
        page.fill("[name=label]", "=1+1")
        expect(page.locator("#summary button")).to_have_text("Make 50,000 codes")
        start = time.perf_counter()
        page.locator("#summary button").click()
        expect(page.get_by_text("More than 2,000 unused codes: export them.")).to_be_visible()
        assert time.perf_counter() - start < 10  # 1 s on an idle machine; benchmarks/codes.py measures
        with page.expect_download() as download:
            page.get_by_text("Export CSV", exact=True).click()
        target = tmp_path / "codes.csv"
        download.value.save_as(target)
        rows = list(csv.reader(Path(target).read_text("utf-8-sig").splitlines()))
        assert len(rows) == 50_001
        assert len({normalise(row[0]) for row in rows[1:]} - {""}) == 50_000
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
        assert rows[1][4] == "'=1+1"


class TestCopying:
    def test_19_one_click_copies_the_unused_ones(self, operate):
        batch = some_codes(30)
        a_code("B" * 16, batch=batch, uses_held=1)
        page = operate(reverse("admin:invites_codebatch_change", args=[batch.pk]))
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_text("Copy unused", exact=True).click()
        expect(page.locator("#copy-status")).to_have_text("30 codes copied")
        copied = page.evaluate("navigator.clipboard.readText()").splitlines()
        unused = batch.codes.filter(uses_held=0).order_by("id").values_list("code", flat=True)
        assert [line.replace("-", "") for line in copied] == list(unused)

    def test_a_refused_clipboard_shows_them_selected(self, operate):
        batch = some_codes(3)
        page = operate(reverse("admin:invites_codebatch_change", args=[batch.pk]))
        page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')); }")
        page.get_by_text("Copy unused", exact=True).click()
        box = page.locator("#unused-codes")
        expect(box).to_be_visible()
        expect(box).to_be_focused()
        assert page.evaluate("getSelection().toString()").count("\n") == 2
        expect(page.locator("#copy-status")).to_contain_text("does not allow copying")

    def test_without_a_script_they_stand_on_a_page(self, operate):
        batch = some_codes(3)
        page = operate(reverse("admin:invites_codebatch_change", args=[batch.pk]), js=False)
        page.get_by_text("Copy unused", exact=True).click()
        assert page.locator("#unused-codes").input_value().count("\n") == 2


class TestVoiding:
    @pytest.mark.parametrize("js", [True, False])
    def test_19_a_batch_is_voided_and_used_ones_are_left_alone(self, operate, js):
        batch = some_codes(5, label="Spring")
        used = batch.codes.order_by("id")[0]
        a_redemption("ana@example.com", code=used)
        RedeemCode.objects.filter(pk=used.pk).update(uses_held=1)
        page = operate(reverse("admin:invites_codebatch_changelist"), width=1280, height=900, js=js)
        page.get_by_role("link", name="Spring").click()
        page.get_by_role("link", name="Void unused").click()
        page.get_by_role("button", name="Void 4 unused codes (the 1 used one is not affected)").click()
        expect(page.get_by_text("4 codes voided.")).to_be_visible()
        assert batch.codes.filter(voided_at=None).get() == used

    def test_picked_ones_from_the_list_of_all(self, operate):
        picked, used = a_code("A" * 16), a_code("B" * 16, uses_held=1)
        a_code("C" * 16)
        page = operate(reverse("admin:invites_redeemcode_changelist"), width=1280, height=900)
        for code in (picked, used):
            page.locator(f"input[name=_selected_action][value='{code.pk}']").check()
        page.select_option("select[name=action]", "void_codes")
        page.get_by_role("button", name="Run").click()
        page.get_by_role("button", name="Void 1 unused code").click()
        expect(page.get_by_text("1 code voided.")).to_be_visible()
        assert RedeemCode.objects.get(voided_at__isnull=False) == picked


class TestResending:
    def test_one_click_in_the_row(self, operate):
        redemption = a_seated(GrantState.VERIFIED, at=timezone.now() - 5 * MINUTE)
        page = operate(reverse("admin:invites_redemption_changelist") + "?state=verified")
        page.get_by_role("button", name="Send again").click()
        expect(page.get_by_text(f"Started: the mail to {redemption.email} is sent again.")).to_be_visible()
        assert page.url.endswith("?state=verified")
        redemption.refresh_from_db()
        assert redemption.resend_wanted_at is not None


class TestPhone:
    @pytest.mark.parametrize("width", [390, 320])
    def test_18_no_page_scrolls_sideways(self, operate, width):
        batch = a_batch(label="A long label of some sixty characters, as long as labels get.."[:60], team=a_team())
        a_redemption("somebody.with.a.long.address@subdomain.example.com", code=a_code(batch=batch, uses_held=1))
        some_codes(60)
        redemption = a_seated(GrantState.VERIFIED, at=timezone.now() - 5 * MINUTE, email="ana@example.com")
        page = operate(reverse("admin:new_codes"), width=width)
        for path in (
            reverse("admin:new_codes"),
            reverse("admin:invites_codebatch_changelist"),
            reverse("admin:invites_codebatch_change", args=[batch.pk]),
            reverse("admin:batch_void", args=[batch.pk]),
            reverse("admin:batch_unused", args=[batch.pk]),
            reverse("admin:invites_redeemcode_changelist"),
            reverse("admin:invites_redemption_changelist"),
            reverse("admin:invites_redemption_change", args=[redemption.pk]),
        ):
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path

    def test_a_row_takes_at_most_180_pixels(self, operate):
        a_seated(GrantState.VERIFIED, at=timezone.now() - 5 * MINUTE)
        page = operate(reverse("admin:invites_redemption_changelist"))
        for path in ("redemption", "redeemcode", "codebatch"):
            page.goto(reverse(f"admin:invites_{path}_changelist"))
            height = page.locator("#result_list tr.data-row").first.bounding_box()["height"]
            assert height <= 180, path

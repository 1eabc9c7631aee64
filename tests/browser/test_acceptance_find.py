"""Find a person in a browser: by whatever they quote, then help them in one click."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from invites.models import Departure, Redemption
from invites.states import GrantState
from tests.browser.test_acceptance_codes import operate as operate
from tests.cast import ANA, SAM, a_code, a_team
from tests.invites.rows import HOUR, MINUTE, a_grant, a_member, a_redemption, a_seated

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ACCOUNT = "a1b2c3d4-0000-4000-8000-000000000001"


@pytest.fixture
def ana():
    """Ana got no mail; Sam is somebody else."""
    team = a_team(name="Shanghai", account_id=ACCOUNT, held=1)
    code = a_code("7K2M9QXDVH4TB8NC", uses_held=1, seat_time=timedelta(days=3))
    redemption = a_redemption(ANA, code=code, public_id="Q4RT6HZN" + "A" * 12, ends_at=timezone.now() + 70 * HOUR)
    a_grant(redemption, GrantState.VERIFIED, team=team, at=timezone.now() - 5 * MINUTE)
    a_member(team, ANA, "invite")
    a_seated(GrantState.JOINED, email=SAM)
    return redemption


@pytest.mark.parametrize("typed", ["ana@", "7k2m 9qxd vh4t b8nc", "q4rt-6hzn", ACCOUNT])
def test_20_what_people_quote_leads_to_the_one_person(operate, ana, typed):
    page = operate(reverse("admin:index"))
    page.get_by_role("searchbox", name="Find a person").fill(typed)
    page.keyboard.press("Enter")
    found = page.get_by_role("heading", level=2, name="@example.com")
    expect(found).to_have_count(1)
    expect(found).to_have_text(ANA)
    story = page.locator(".codes-person")
    for said in (f"Shanghai {ACCOUNT[:8]}", "Waiting to be accepted", "7K2M-9QXD-VH4T-B8NC", "Q4RT-6HZN"):
        expect(story).to_contain_text(said)


def test_20_the_mail_goes_out_again_in_one_click(operate, ana):
    page = operate(reverse("admin:find", query={"q": "ana@"}))
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text(f"Started: the mail to {ANA} is sent again.")).to_be_visible()
    expect(page.locator(".codes-person")).to_contain_text("Sending again…")
    assert page.url.endswith(reverse("admin:find", query={"q": "ana@"}))
    assert Redemption.objects.get(email=ANA).resend_wanted_at is not None


def test_an_invitation_is_revoked_after_its_list(operate, ana):
    page = operate(reverse("admin:find", query={"q": "ana@"}), js=False)
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("cell", name=ANA)).to_be_visible()
    assert not Departure.objects.exists()
    page.get_by_role("button", name="Revoke 1 invitation").click()
    expect(page.locator(".codes-person")).to_contain_text("Being revoked…")
    assert Departure.objects.get().email == ANA


@pytest.mark.parametrize("path", ["find", "take_back", "page", "list", "allowed", "add"])
def test_on_a_phone_nothing_scrolls_sideways(operate, ana, path):
    sam = Redemption.objects.get(email=SAM)
    pages = {
        "find": reverse("admin:find", query={"q": "@example.com"}),
        "take_back": reverse("admin:redemption_take_back", args=[sam.pk]),
        "page": reverse("admin:invites_redemption_change", args=[sam.pk]),
        "list": reverse("admin:invites_redemption_changelist"),
        "allowed": reverse("admin:teampool_allowedmember_changelist"),
        "add": reverse("admin:teampool_allowedmember_add"),
    }
    page = operate(pages[path], width=390)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_pausing_and_going_on(operate, ana):
    page = operate(reverse("admin:invites_redemption_changelist"))
    page.get_by_text("Pausing, and invitations nobody accepts").click()
    page.get_by_role("button", name="Pause redemptions").click()
    expect(page.get_by_role("button", name="Resume redemptions")).to_be_visible()
    page.goto("/")
    expect(page.get_by_text("Redemptions are paused right now.")).to_be_visible()
    page.goto(reverse("admin:index"))
    expect(page.locator(".sk-paused")).to_contain_text("Redemptions are paused: nobody can use a code.")


@pytest.mark.parametrize("keys", ["Control+k", "Meta+k"])
def test_a_key_opens_one_box_that_leads_to_a_person_from_every_page(operate, ana, keys):
    page = operate(reverse("admin:teampool_team_changelist"))
    box = page.get_by_role("dialog", name="Find a person")
    expect(box).to_have_count(0)
    page.keyboard.press(keys)
    expect(box.get_by_role("textbox")).to_be_focused()
    expect(box.get_by_role("link")).to_have_count(0)
    page.keyboard.type("ana@ & co")
    link = box.get_by_role("link")
    expect(link).to_have_text("Find a person: ana@ & co")
    expect(link).to_have_attribute("href", reverse("admin:find", query={"q": "ana@ & co"}).replace("+", "%20"))
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
    page.keyboard.press(keys)
    page.keyboard.press("Control+a")
    page.keyboard.type("ana@")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2, name=ANA)).to_be_visible()

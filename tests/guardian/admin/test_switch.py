"""Switching the guardian on and off, report and enforce, and going on after a pause."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from guardian import mode, settings
from guardian.decisions import preview
from guardian.decisions.preview import Fate
from guardian.models import Watch
from guardian.rules.states import Kind, State
from invites.actions import outsiders
from invites.settings import REMOVALS_PAUSED
from notifications.models import AuditEvent
from teampool.models import AllowedMember
from tests.cast import ANA, SAM, a_team
from tests.guardian.admin.test_findings import main_button, page, words
from tests.guardian.rows import HOUR, MINUTE, OLGA, a_finding, an_overdue, set_guardian
from tests.invites.rows import a_member

SWITCH, ENFORCE = "/admin/guardian/finding/switch/", "/admin/guardian/finding/enforce/"
LIST, RESUME = "/admin/guardian/finding/", "/admin/guardian/finding/resume/"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.cookies["django_language"] = "en"
    return olga_client


def fates(answer: Any) -> dict[str, str]:
    rows = re.findall(r"<tr><td data-label=\"E-mail\">(.*?)</td>.*?What happens\">(.*?)</td></tr>", answer, re.S)
    return {
        email: re.sub(r"\s*<[^>]+>\s*|person_remove|front_hand|schedule|visibility", "", said).strip()
        for email, said in rows
    }


class TestOnAndOff:
    def test_it_is_off_and_says_so(self, desk: Client) -> None:
        said = words(page(desk, LIST))
        assert "The guardian is not switched on. Switch on, report only" in said

    def test_whoever_is_there_becomes_baseline_unless_told_otherwise(self, desk: Client) -> None:
        team = a_team(outsiders=1)
        a_member(team, SAM, role="standard-user")
        html = page(desk, SWITCH)
        assert 'name="baseline" checked' in html
        assert "1 person is there without a seat." in words(html)
        answer = desk.post(SWITCH, {"to": "on", "baseline": "on"}, follow=True)
        assert "1 person who was there is noted as baseline" in words(answer.content.decode())
        assert (settings.current_policy().is_enabled, settings.current_policy().enforces) == (True, False)
        assert AllowedMember.objects.get().email == SAM

    def test_the_page_counts_whom_the_answer_counts(self, desk: Client) -> None:
        team, kinds = a_team(outsiders=4), ("new", "allowed", "baseline", "leaving")
        people = {name: a_member(team, f"{name}@x.co", role="standard-user") for name in kinds}
        outsiders.allow(team=None, email="allowed@x.co", actor=OLGA)
        AllowedMember.objects.create(team=team, email="baseline@x.co", origin="baseline")
        outsiders.remove(member_id=people["leaving"].pk, actor=OLGA)
        assert "1 person is there without a seat." in words(page(desk, SWITCH))
        answer = desk.post(SWITCH, {"to": "on", "baseline": "on"}, follow=True)
        assert "1 person who was there is noted as baseline" in words(answer.content.decode())

    def test_with_nobody_there_the_page_counts_nobody(self, desk: Client) -> None:
        said = words(page(desk, SWITCH))
        assert "there without a seat" not in said
        assert "Without this they are strangers" not in said

    def test_it_can_be_switched_on_without_a_baseline(self, desk: Client) -> None:
        a_member(a_team(outsiders=1), SAM, role="standard-user")
        desk.post(SWITCH, {"to": "on"})
        assert settings.current_policy().is_enabled
        assert not AllowedMember.objects.exists()

    def test_it_goes_off_in_one_click(self, desk: Client) -> None:
        mode.enable(actor=OLGA)
        desk.post(SWITCH, {"to": "off", "next": LIST})
        assert not settings.current_policy().is_enabled
        assert Watch.objects.get().armed_at is None
        assert AuditEvent.objects.filter(action="guardian_disabled", actor="olga").exists()

    def test_switching_on_twice_takes_no_second_baseline(self, desk: Client) -> None:
        mode.enable(actor=OLGA)
        a_member(a_team(outsiders=1), SAM, role="standard-user")
        desk.post(SWITCH, {"to": "on", "baseline": "on"})
        assert not AllowedMember.objects.exists()


class TestEnforce:
    @pytest.fixture(autouse=True)
    def on(self, db: None) -> None:
        mode.enable(actor=OLGA)

    def test_the_list_says_of_each_what_would_happen(self, desk: Client) -> None:
        team = a_team(outsiders=9)
        a_finding("ripe@x.co"), a_finding("twice@x.co", kind=Kind.DUPLICATE)
        a_finding("young@x.co", age=MINUTE), a_finding("once@x.co", sightings=1)
        for n in range(3):  # a Team gives up two at most
            a_finding(f"crowd{n}@x.co", team=team)
        a_finding("left@x.co", state=State.DISMISSED), an_overdue("over@x.co")
        html = page(desk, ENFORCE)
        assert fates(html) == {
            "ripe@x.co": "Removed by the next sweep",
            "twice@x.co": "Removed by the next sweep",
            "young@x.co": "Stays for now",
            "once@x.co": "Stays for now",
            **{f"crowd{n}@x.co": "Too many at once: waits for you" for n in range(3)},
        }
        assert "Start removing: 2 people now" in html

    def test_an_empty_list_is_a_list(self, desk: Client) -> None:
        answer = desk.get(ENFORCE)
        assert "Nobody would be removed now." in answer.content.decode()
        assert main_button(answer) == "Start removing"
        desk.post(ENFORCE, {"going": "0"})
        assert settings.current_policy().enforces

    def test_it_is_switched_on_with_the_number_that_was_shown(self, desk: Client) -> None:
        a_finding()
        desk.post(ENFORCE, {"going": "1"})
        assert settings.current_policy().enforces
        assert AuditEvent.objects.get(action="guardian_enforce").details == {"would_go": 1}

    @pytest.mark.parametrize("going", ["0", "2", "", "x"])
    def test_not_when_the_list_has_changed_since(self, desk: Client, going: str) -> None:
        a_finding()
        answer = desk.post(ENFORCE, {"going": going}, follow=True)
        assert "The list has changed meanwhile" in answer.content.decode()
        assert not settings.current_policy().enforces

    def test_it_goes_back_to_reporting_in_one_click(self, desk: Client) -> None:
        mode.set_mode(mode="enforce", would_go=0, actor=OLGA)
        assert "The guardian removes strangers and duplicates once seen 3 times over 30 minutes" in page(desk, LIST)
        desk.post("/admin/guardian/finding/report/", {"next": LIST})
        assert not settings.current_policy().enforces
        assert "Report only: nobody is removed." in page(desk, LIST)

    def test_while_it_is_off_the_page_leads_to_the_switch(self, desk: Client) -> None:
        mode.disable(actor=OLGA)
        assert desk.get(ENFORCE)["Location"] == SWITCH
        assert desk.post(ENFORCE, {"going": "0"})["Location"] == SWITCH
        assert not settings.current_policy().enforces

    def test_a_full_sweep_leaves_the_rest_for_the_next(self) -> None:
        set_guardian(max_removals_per_sweep=2)
        for n in range(2):
            an_overdue(f"over{n}@x.co")
        a_finding(ANA, age=2 * HOUR)
        ((_one, fate),) = preview.if_enforced(timezone.now()).fates
        assert fate is Fate.NEXT


class TestResume:
    def test_a_pause_is_said_with_its_hours_and_ends_after_a_look(self, desk: Client) -> None:
        mode.pause_removals(stood_still_hours=26.4)
        said = words(page(desk, LIST))
        assert "The database stood still for 26 hours; removals are paused Resume" in said
        a_finding()
        html = page(desk, RESUME)
        assert "1 finding to look at" in words(html)
        assert REMOVALS_PAUSED.get(), "looking ends nothing"
        desk.post(RESUME)
        assert not REMOVALS_PAUSED.get()
        assert AuditEvent.objects.filter(action="removals_resumed", actor="olga").exists()

    def test_there_is_nothing_to_end_otherwise(self, desk: Client) -> None:
        assert desk.get(RESUME)["Location"] == LIST
        desk.post(RESUME)
        assert not AuditEvent.objects.exists()

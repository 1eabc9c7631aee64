"""What the guardian did and why, as a person's page and the audit tell it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone, translation

from guardian import mode
from guardian.mode import ACTOR
from guardian.sweeping import findings
from invites.admin.reasons import in_the_way
from invites.departures import carry_out, rights
from invites.departures.closing import REPORT_ONLY, SWITCHED_OFF
from invites.models import Departure
from notifications.audit import events
from notifications.audit import words as wording
from notifications.models import AuditEvent
from teampool import stored_snapshot
from tests.cast import SAM, a_team
from tests.guardian.admin.test_findings import words
from tests.guardian.rows import MINUTE, OLGA, a_finding, a_removal
from tests.invites.rows import a_member

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.cookies["django_language"] = "en"
    return olga_client


def story(desk: Client, email: str = SAM) -> str:
    return words(desk.get("/admin/find/", {"q": email}).content.decode())


class TestPerson:
    def test_a_removal_names_its_reason_and_the_guardian(self, desk: Client) -> None:
        way = a_removal().departure
        assert way is not None
        for state in ("opened", "told", "done"):
            events.departure_moved(subject=way.subject, state=state, reason="stranger", actor=ACTOR)
        said = story(desk)
        for sentence in ("To leave the Team: no seat Guardian", "Left the Team: no seat"):
            assert sentence in said

    @pytest.mark.parametrize(
        ("why", "said"),
        [
            (rights.EXTENDED, "was extended meanwhile"),
            (rights.UNDER_WAY, "a redemption is under way"),
            (rights.OTHER_SEAT_UNSURE, "the other seat is not confirmed"),
            (rights.SEATED_AGAIN, "has a seat again"),
            (rights.ALLOWED, "was allowed meanwhile"),
            (SWITCHED_OFF, "the guardian was switched off"),
            (REPORT_ONLY, "the guardian only reports"),
            (carry_out.PAUSED, "removals are paused"),
        ],
    )
    def test_whoever_stays_after_all_stays_for_a_reason(self, desk: Client, why: str, said: str) -> None:
        team = a_team()
        way = Departure.objects.create(
            team=team, email=SAM, reason="overdue", state="dropped", last_problem=why, opened_at=timezone.now() - MINUTE
        )
        events.departure_moved(
            subject=way.subject, state="dropped", reason="overdue", actor=ACTOR, details={"why": why}
        )
        assert f"Stays after all: {said} Guardian" in story(desk)
        with translation.override("zh-hans"):
            assert in_the_way(why) != said, "it has its words in Chinese"

    def test_upstreams_words_are_not_told(self) -> None:
        assert in_the_way("canary") == in_the_way("timeout")

    def test_what_an_operator_decided_is_told(self, desk: Client) -> None:
        finding = a_finding()
        a_member(finding.team, SAM)
        findings.dismiss(finding_id=finding.pk, actor=OLGA)
        assert "Finding: dismissed" in story(desk)


class TestAudit:
    def test_every_fact_of_the_guardian_has_its_words(self) -> None:
        team = events.Subject("team", "1", "Team 1")
        mode.enable(actor=OLGA)
        for chosen in ("enforce", "report"):
            mode.set_mode(mode=chosen, would_go=2, actor=OLGA)
        mode.disable(actor=OLGA)
        mode.pause_removals(stood_still_hours=2.5)
        mode.resume_removals(actor=OLGA)
        events.guardian_capped(sweep_id=7, wanted=24, limit=10, actor=ACTOR)
        events.sweep_too_slow(sweep_id=7, seconds=300, interval=120, actor=ACTOR)
        events.list_untrusted(subject=team, problem=stored_snapshot.OTHER_WORKSPACE, actor=ACTOR)
        for decision in (findings.approve, findings.allow, findings.dismiss):
            decision(finding_id=a_finding(f"{decision.__name__}@x.co").pk, actor=OLGA)
        with translation.override("en"):
            said = {event.action: (wording.what(event), wording.on_what(event)) for event in AuditEvent.objects.all()}
        for action, (what, _on) in said.items():
            assert action not in what, "no words for it"
        assert said["guardian_capped"] == (
            "Sweep stopped at its limit: people to be removed 24, at most 10",
            "Sweep 7",
        )
        assert said["guardian_enforce"] == (
            "Guardian removes people from now on: people to be removed 2",
            "Guardian",
        )
        assert said["removals_paused"][0] == "Removals paused: hours 2.5"

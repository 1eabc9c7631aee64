"""The pages of sweeps: what was seen, left out and done, and what proves it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from django_q.models import OrmQ

from guardian import mode
from guardian.admin import words as said_of
from guardian.decisions import status
from guardian.models import Beat, Sweep
from teampool.models import AllowedMember
from tests.cast import SAM, a_team, noon
from tests.guardian.admin.test_findings import buttons, page, words
from tests.guardian.rows import OLGA, a_finding, a_removal, a_sweep, set_guardian

LIST = "/admin/guardian/sweep/"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _noon(time_machine: Any) -> None:
    """These pages name the day of a time only when it is another one."""
    time_machine.move_to(noon())


@pytest.fixture
def desk(olga_client: Client) -> Client:
    olga_client.cookies["django_language"] = "en"
    return olga_client


def page_of(sweep: Sweep) -> str:
    return reverse("admin:guardian_sweep_change", args=[sweep.pk])


class TestList:
    def test_a_row_says_how_it_went(self, desk: Client) -> None:
        a_sweep(teams=12, complete=10, found={"stranger": 4, "overdue": 1}, new=2, removals=3, held=1, seconds=95)
        row = words(page(desk, LIST).split("<tbody")[1])
        for part in ("95 s", "10 / 12 incomplete", "5, 2 new", " 3 ", "1 waits for you"):
            assert part in row

    def test_the_removals_of_the_last_day_stand_above_it(self, desk: Client) -> None:
        a_removal()
        html = page(desk, LIST)
        assert "Removals of the last 24 hours" in html
        assert buttons(html) == ["Allow"]

    def test_an_empty_one_offers_the_switch(self, desk: Client) -> None:
        assert "The guardian is not switched on. Switch on, report only" in words(page(desk, LIST))

    def test_it_asks_the_database_as_often_for_many(self, desk: Client) -> None:
        a_removal()
        page(desk, LIST)
        with CaptureQueriesContext(connection) as few:
            page(desk, LIST)
        for n in range(15):
            a_removal(f"s{n}@x.co")
        with CaptureQueriesContext(connection) as many:
            page(desk, LIST)
        assert len(many) == len(few)


class TestPage:
    def test_a_removal_shows_reason_evidence_and_check(self, desk: Client) -> None:
        finding = a_removal()
        row = words(page(desk, page_of(finding.sweep)).split("<tbody")[1])  # type: ignore[arg-type]
        assert re.search(
            rf"{SAM} .* no seat first seen \d\d:\d\d · seen 4 times .* Gone: a complete list shows it", row
        )

    def test_one_that_was_dropped_says_why(self, desk: Client) -> None:
        finding = a_removal(state="dropped")
        way = finding.departure
        assert way is not None
        type(way).objects.filter(pk=way.pk).update(last_problem="a redemption is under way")
        assert "Stays after all a redemption is under way" in words(page(desk, page_of(finding.sweep)))  # type: ignore[arg-type]

    def test_upstreams_words_are_never_shown(self, desk: Client) -> None:
        finding = a_removal(state="open")
        way = finding.departure
        assert way is not None
        type(way).objects.filter(pk=way.pk).update(last_problem="canary <b>", told_at=None)
        html = page(desk, page_of(finding.sweep))  # type: ignore[arg-type]
        assert "canary" not in html
        assert "ChatGPT could not be asked" in html

    def test_one_is_allowed_from_here(self, desk: Client) -> None:
        finding = a_removal()
        where = page_of(finding.sweep)  # type: ignore[arg-type]
        desk.post(reverse("admin:finding_allow", args=[finding.pk]), {"next": where})
        assert AllowedMember.objects.get().email == SAM
        html = page(desk, where)
        assert buttons(html) == []
        assert "Allowed" in words(html)

    def test_whoever_is_allowed_by_their_id_is_allowed(self, desk: Client) -> None:
        finding = a_removal()
        AllowedMember.objects.create(team=finding.team, upstream_user_id=finding.upstream_id, email="ana@new.example")
        assert buttons(page(desk, page_of(finding.sweep))) == []  # type: ignore[arg-type]

    @pytest.mark.parametrize("why", said_of.SKIPPED)
    def test_a_team_left_out_says_why(self, desk: Client, why: str) -> None:
        sweep = a_sweep(teams=3, complete=2, skipped={why: ["Lost ab12cd34"]})
        said = words(page(desk, page_of(sweep)))
        assert "Lists incomplete: 1 Team skipped." in said
        assert f"Lost ab12cd34 {said_of.SKIPPED[why]}" in said

    def test_one_that_is_not_there(self, desk: Client) -> None:
        assert desk.get(f"{LIST}99/change/").status_code == 404


class TestLook:
    URL = "/admin/guardian/sweep/look/"

    def test_it_is_queued_and_followed(self, desk: Client) -> None:
        before = a_sweep()
        answer = desk.post(self.URL)
        assert [row.task["func"] for row in OrmQ.objects.all()] == ["guardian.tasks.look_only"]
        assert answer["Location"] == f"{LIST}?follow={before.pk}"
        assert "The sweep begins when the background work gets to it" in page(desk, answer["Location"])
        progress = f"/admin/guardian/sweep/progress/?after={before.pk}"
        a_team(), a_team(sync_tried_at=timezone.now() + timedelta(seconds=5))
        running = Sweep.objects.create(mode="report", is_dry=True)
        assert "1/2" in page(desk, progress)
        Sweep.objects.filter(pk=running.pk).update(finished_at=timezone.now())
        html = page(desk, progress)
        assert page_of(running) in html
        assert "hx-get" not in html

    def test_one_under_way_already_is_followed_itself(self, desk: Client) -> None:
        running = Sweep.objects.create(mode="report")
        assert desk.post(self.URL)["Location"] == f"{LIST}?follow={running.pk - 1}"

    def test_a_look_alone_queues_nothing(self, desk: Client) -> None:
        assert desk.get(self.URL).status_code == 405
        assert not OrmQ.objects.exists()


class TestLastSweep:
    """The line of the first screen."""

    def line(self) -> str:
        now = timezone.now()
        with translation.override("en"):
            return ", ".join(said_of.last_sweep(status.outlook(now), now))

    def test_it_says_when_how_complete_and_when_next(self) -> None:
        mode.enable(actor=OLGA)
        set_guardian(active_from="00:00", active_until="00:00")
        a_sweep(teams=10, complete=10)
        Beat.objects.create(name="sweep", due_at=timezone.now() + timedelta(seconds=100))
        assert re.fullmatch(
            r"Last sweep \d\d:\d\d, 10 / 10 Teams complete, report only, next about [\d: -]+", self.line()
        )

    def test_outside_the_hours_the_next_is_when_they_begin(self) -> None:
        mode.enable(actor=OLGA)
        set_guardian(active_from="14:30", active_until="15:40")
        assert self.line().endswith("next about 14:30")
        set_guardian(active_from="09:30", active_until="11:40")
        assert self.line().endswith("next about 2026-07-16 09:30")

    def test_off_it_says_so(self) -> None:
        assert self.line() == "No sweep yet, the guardian is off"


def test_a_finding_is_no_removal(desk: Client) -> None:
    sweep = a_sweep()
    a_finding()
    assert "Nobody was removed." in page(desk, page_of(sweep))

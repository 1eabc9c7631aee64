from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import translation

from teampool.known import Known
from teampool.pool.capacity import Capacity, Reading, Refusals
from teampool.pool.capacity_words import explain
from tests.teampool.pool.books import START

READING = Reading(Known.POOLS, 5, 1, 0, 0, 4, 0, START)


def capacity(of: Reading = READING, **facts: object) -> Capacity:
    return replace(Capacity(of.places, of.known, START, 4, of, of.own), **facts)


@pytest.fixture(autouse=True)
def _in_utc(settings) -> None:
    settings.TIME_ZONE = "UTC"


def said(capacity: Capacity) -> str:
    with translation.override("en"):
        return explain(capacity)


class TestExplain:
    @pytest.mark.parametrize(
        ("reading", "line"),
        [
            (READING, "Seats 4 = bought 5 − owner 1 · read 2026-11-30 14:02"),
            (
                replace(READING, premium=3),
                "Seats 4 = bought 5 − owner 1 · Premium 3 not counted · read 2026-11-30 14:02",
            ),
            (
                replace(READING, bought=4, held=1, available=9),
                "Seats 2 = bought 4 − held at ChatGPT 1 − owner 1 · read 2026-11-30 14:02",
            ),
            (
                replace(READING, bought=4, members=1, available=1),
                "Seats 2 = people 1 + available at ChatGPT 1 (bought 4) · read 2026-11-30 14:02",
            ),
            (
                replace(READING, own=0, available=None),
                "Seats 5 = bought 5 · the owner takes no standard seat · read 2026-11-30 14:02",
            ),
            (
                replace(READING, own=0, held=2, available=None),
                "Seats 3 = bought 5 − held at ChatGPT 2 · the owner takes no standard seat · read 2026-11-30 14:02",
            ),
        ],
    )
    def test_it_is_a_sum_that_adds_up(self, reading: Reading, line: str) -> None:
        assert said(capacity(reading)) == line

    def test_a_cap_that_is_lower(self) -> None:
        assert said(capacity(places=3, known=Known.CAP)) == "Seats 3 = your cap (there are 4)"

    def test_a_cap_that_stands_in(self) -> None:
        line = "Seats 6 = your cap; the number bought was not read"
        assert said(capacity(places=6, known=Known.CAP, reading=None)) == line
        assert said(capacity(places=3, known=Known.CAP, seats_bought=None)) == line.replace("6", "3")

    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (401, "ChatGPT does not show it to this log-in"),
            (404, "ChatGPT knows no subscription of this Team"),
        ],
    )
    def test_an_assumption_says_that_it_is_one(self, status: int, reason: str) -> None:
        refusals = Refusals(START - timedelta(hours=1), START, status)
        line = f"Seats 4, the default: an assumption, the number bought was never read ({reason})"
        assert said(capacity(known=Known.ASSUMED, reading=None, refusals=refusals)) == line

    def test_a_stale_number(self) -> None:
        line = "Seats last read 2026-11-30 14:02, more than 24 h ago: nobody is placed until they are read."
        assert said(capacity(places=0, known=Known.STALE)) == line

    def test_unread_and_codex_only(self) -> None:
        assert said(capacity(places=0, known=Known.UNREAD)) == "Seats 0: the number bought was not read yet"
        assert said(capacity(places=0, is_codex_only=True)) == "Codex seats only, nobody can be placed"

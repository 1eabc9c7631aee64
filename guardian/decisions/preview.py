"""Whom the guardian would remove in enforce mode: the list an operator sees before switching. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from guardian import settings
from guardian.models import Finding
from guardian.rules import rules
from guardian.rules.states import OF_A_PERSON, ONLY_REPORTED, State
from guardian.sweeping import findings
from invites.departures import window


class Fate(Enum):
    """What the next sweep would do about a finding."""

    GOES = "goes"
    HELD = "held"  # too many at once: waits for an operator
    NEXT = "next"  # ripe, but over this sweep's limit
    NOT_YET = "not_yet"
    NEVER = "never"  # in a seat of another kind: only reported


@dataclass(frozen=True, slots=True)
class Preview:
    """`fates` in the page's order, removals first. `going`: the number of removals the operator confirms."""

    fates: list[tuple[Finding, Fate]]
    going: int


def if_enforced(now: datetime) -> Preview:
    """Every watched stranger and duplicate, and what enforce mode would do to them now. Five queries."""
    enforced = replace(settings.current_policy(), enforces=True)
    candidates = findings.candidates(None)
    choice = rules.choose(candidates, enforced, now, waiting=findings.waiting(), lately=window.by_team(now))
    ripe = {one.id for one in candidates if rules.is_ripe(one, enforced, now)}
    rows = Finding.objects.asking().filter(kind__in=OF_A_PERSON, state__in=(State.OPEN, State.HELD))
    fates = [
        (one, _fate(one, choice, ripe))
        for one in rows.select_related("team").order_by("first_seen_at", "pk").defer("team__access_token")
    ]
    order = list(Fate)
    fates.sort(key=lambda pair: order.index(pair[1]))
    return Preview(fates, sum(1 for _one, fate in fates if fate is Fate.GOES))


def _fate(one: Finding, choice: rules.Choice, ripe: set[int]) -> Fate:
    if one.kind in ONLY_REPORTED:
        return Fate.NEVER
    if one.pk in choice.go:
        return Fate.GOES
    if one.state == State.HELD or one.pk in choice.held + choice.spent:
        return Fate.HELD
    return Fate.NEXT if one.pk in ripe else Fate.NOT_YET

"""The guardian's run-time settings, and all of them at one moment as a Policy."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import time, timedelta

from django.utils.translation import gettext as _

from invites.settings import MAX_REMOVALS_PER_72H
from notifications.settings.runtime import RuntimeSetting, declare, read, require_min_below_max

REPORT, ENFORCE = "report", "enforce"
_SHORTEST = 1  # seconds: the lowest interval a person may force


def _time_of_day(text: str) -> str:
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text.strip())
    if match is None:
        raise ValueError(_("Write a time of day like 09:00."))
    return f"{int(match[1]):02}:{match[2]}"


ENABLED = declare(RuntimeSetting("guardian.enabled", False))
MODE = declare(RuntimeSetting("guardian.mode", REPORT, choices=(REPORT, ENFORCE)))
THREADS = declare(RuntimeSetting("guardian.threads", 3, low=1, high=16))
PAUSE_MIN = declare(RuntimeSetting("guardian.pause_min_seconds", 0.3, low=0, high=10))
PAUSE_MAX = declare(RuntimeSetting("guardian.pause_max_seconds", 0.5, low=0, high=10))
INTERVAL_MIN = declare(RuntimeSetting("guardian.interval_min_seconds", 90, low=30, high=3600, floor=_SHORTEST))
INTERVAL_MAX = declare(RuntimeSetting("guardian.interval_max_seconds", 120, low=30, high=3600, floor=_SHORTEST))
ACTIVE_FROM = declare(RuntimeSetting("guardian.active_from", "09:00", check=_time_of_day))
ACTIVE_UNTIL = declare(RuntimeSetting("guardian.active_until", "22:00", check=_time_of_day))
GRACE_MINUTES = declare(RuntimeSetting("guardian.grace_minutes", 30, low=5, high=1440))
SIGHTINGS = declare(RuntimeSetting("guardian.sightings", 3, low=2, high=10))
MAX_PER_SWEEP = declare(RuntimeSetting("guardian.max_removals_per_sweep", 10, low=1, high=100))
MAX_PER_TEAM = declare(RuntimeSetting("guardian.max_removals_per_team", 2, low=1, high=20))
require_min_below_max(PAUSE_MIN, PAUSE_MAX)
require_min_below_max(INTERVAL_MIN, INTERVAL_MAX)

_ALL = (
    ENABLED,
    MODE,
    THREADS,
    PAUSE_MIN,
    PAUSE_MAX,
    INTERVAL_MIN,
    INTERVAL_MAX,
    ACTIVE_FROM,
    ACTIVE_UNTIL,
    GRACE_MINUTES,
    SIGHTINGS,
    MAX_PER_SWEEP,
    MAX_PER_TEAM,
    MAX_REMOVALS_PER_72H,
)


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings at one moment. `pause` and `interval` are seconds: from, to."""

    is_enabled: bool = False
    enforces: bool = False
    threads: int = 3
    pause: tuple[float, float] = (0.3, 0.5)
    interval: tuple[float, float] = (90, 120)
    active_from: time = time(9)
    active_until: time = time(22)
    grace: timedelta = timedelta(minutes=30)
    sightings: int = 3
    max_per_sweep: int = 10
    max_per_team: int = 2
    max_per_72h: int = 5

    def limit_for(self, people: int) -> int:
        """The limit that `people` exceed: the sweep's, else the Team's."""
        return self.max_per_sweep if people > self.max_per_sweep else self.max_per_team

    def draw_pause(self) -> float:
        return random.uniform(*self.pause)  # noqa: S311 - politeness, no secret

    def draw_interval(self) -> timedelta:
        return timedelta(seconds=random.uniform(*self.interval))  # noqa: S311


def current_policy() -> Policy:
    """The settings as they are now, in one query."""
    values = read(*_ALL)
    return Policy(
        is_enabled=values[ENABLED.key],
        enforces=values[MODE.key] == ENFORCE,
        threads=max(1, values[THREADS.key]),
        pause=(values[PAUSE_MIN.key], values[PAUSE_MAX.key]),
        interval=(values[INTERVAL_MIN.key], values[INTERVAL_MAX.key]),
        active_from=time.fromisoformat(values[ACTIVE_FROM.key]),
        active_until=time.fromisoformat(values[ACTIVE_UNTIL.key]),
        grace=timedelta(minutes=values[GRACE_MINUTES.key]),
        sightings=values[SIGHTINGS.key],
        max_per_sweep=values[MAX_PER_SWEEP.key],
        max_per_team=values[MAX_PER_TEAM.key],
        max_per_72h=values[MAX_REMOVALS_PER_72H.key],
    )


def draw_interval() -> timedelta:
    return current_policy().draw_interval()

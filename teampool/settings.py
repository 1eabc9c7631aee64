"""This room's run-time settings."""

from __future__ import annotations

from notifications.settings.runtime import RuntimeSetting, declare

DEFAULT_SEAT_CAP = declare(RuntimeSetting("teampool.default_seat_cap", 4, low=1, high=1000))
FAILURES_TO_EXPIRE = declare(RuntimeSetting("teampool.failures_to_expire", 5, low=1, high=50))
WRITES_PER_TEAM = declare(RuntimeSetting("teampool.writes_per_team", 2, low=1, high=10))

"""This room's run-time settings."""

from __future__ import annotations

from notifications.settings.runtime import RuntimeSetting, declare

IS_OPEN = declare(RuntimeSetting("invites.is_open", True))
RECLAIM_AFTER_DAYS = declare(RuntimeSetting("invites.reclaim_after_days", 0, low=0, high=365))
# Also set when the database stood still (a restored backup, a long stop); an operator resets it.
REMOVALS_PAUSED = declare(RuntimeSetting("invites.removals_paused", False))
MAX_REMOVALS_PER_72H = declare(RuntimeSetting("guardian.max_removals_per_72h", 5, low=1, high=100))

"""The run-time settings this room reads."""

from __future__ import annotations

from notifications.settings.runtime import RuntimeSetting, declare

IS_OPEN = declare(RuntimeSetting("invites.is_open", True))
RECLAIM_AFTER_DAYS = declare(RuntimeSetting("invites.reclaim_after_days", 0, low=0, high=365))
# Set by itself when the database stood still for long (a restored copy, a long stop); an operator takes it back.
REMOVALS_PAUSED = declare(RuntimeSetting("invites.removals_paused", False))

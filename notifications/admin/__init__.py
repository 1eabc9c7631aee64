"""The operator's tables of this room, a module per table."""

from __future__ import annotations

from notifications.admin import announcement, audit, outgoing

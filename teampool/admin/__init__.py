"""The operator's tables of this room, a module per table."""

from __future__ import annotations

from teampool.admin import keys, owners, teams

__all__ = ["keys", "owners", "teams"]

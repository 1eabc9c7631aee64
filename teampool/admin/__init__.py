"""This room's tables on the operator's site, one module each."""

from __future__ import annotations

from teampool.admin import keys, owners, teams

__all__ = ["keys", "owners", "teams"]

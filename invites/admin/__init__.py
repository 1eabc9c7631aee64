"""The operator's tables of this room, a module per table."""

from __future__ import annotations

from invites.admin import allowed, batches, codes, redemptions

__all__ = ["allowed", "batches", "codes", "redemptions"]

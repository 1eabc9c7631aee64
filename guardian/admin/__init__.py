"""The operator's tables of this room, a module per table."""

from __future__ import annotations

from guardian.admin import findings, sweeps

__all__ = ["findings", "sweeps"]

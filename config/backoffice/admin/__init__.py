"""Tables of other packages, as an operator may see them."""

from __future__ import annotations

from config.backoffice.admin import jobs, lockouts, operators

__all__ = ["jobs", "lockouts", "operators"]

"""This room's tables on the operator's site, one module each."""

from __future__ import annotations

from guardian.admin import findings, sweeps

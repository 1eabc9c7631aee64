"""Tables of other packages on the operator's site."""

from __future__ import annotations

from config.backoffice.admin import jobs, lockouts, operators

"""This room's tables on the operator's site, one module each."""

from __future__ import annotations

from invites.admin.codes import batches, codes
from invites.admin.redemptions import list as redemptions
from invites.admin.teams import allowed

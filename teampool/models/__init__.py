"""The pool: owners, their Teams, who sits there, and what was imported."""

from __future__ import annotations

from teampool.models.access import ApiKey, JobLease, SyncRun
from teampool.models.imports import ImportJob, ImportLine
from teampool.models.owners import Owner, SentToken, renewing
from teampool.models.people import AllowedMember, Member
from teampool.models.stock import StockAlert
from teampool.models.teams import FREE_SEATS, SEATS_USED, Team, TeamQuerySet, living, sound

__all__ = [
    "FREE_SEATS",
    "SEATS_USED",
    "AllowedMember",
    "ApiKey",
    "ImportJob",
    "ImportLine",
    "JobLease",
    "Member",
    "Owner",
    "SentToken",
    "StockAlert",
    "SyncRun",
    "Team",
    "TeamQuerySet",
    "living",
    "renewing",
    "sound",
]

"""The pool: owners, their Teams, who sits there, and what was imported."""

from __future__ import annotations

from teampool.models.access import ApiKey, JobLease, SyncRun
from teampool.models.imports import ImportJob, ImportLine
from teampool.models.logins import TeamLogin
from teampool.models.owners import Owner, SentToken, lacking_client, proven, renewing
from teampool.models.people import AllowedMember, Member, Vacancy
from teampool.models.refused import RefusedToken
from teampool.models.sign_ins import SignIn
from teampool.models.stock import StockAlert
from teampool.models.teams import (
    FREE_SEATS,
    OVER_FULL,
    SEATS_USED,
    Team,
    TeamQuerySet,
    living,
    placing,
    sound,
    without_number,
)

__all__ = [
    "FREE_SEATS",
    "OVER_FULL",
    "SEATS_USED",
    "AllowedMember",
    "ApiKey",
    "ImportJob",
    "ImportLine",
    "JobLease",
    "Member",
    "Owner",
    "RefusedToken",
    "SentToken",
    "SignIn",
    "StockAlert",
    "SyncRun",
    "Team",
    "TeamLogin",
    "TeamQuerySet",
    "Vacancy",
    "lacking_client",
    "living",
    "placing",
    "proven",
    "renewing",
    "sound",
    "without_number",
]

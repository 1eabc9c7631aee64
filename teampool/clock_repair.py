"""This room's times that a clock which ran ahead may have written wrongly."""

from __future__ import annotations

from base.clock_repair import Moments
from teampool import leases
from teampool.imports import worker
from teampool.login import keep_alive, refused, renew, token_chain
from teampool.models import (
    ImportJob,
    JobLease,
    Owner,
    RefusedToken,
    SentToken,
    SignIn,
    StockAlert,
    SyncRun,
    Team,
    TeamLogin,
    Vacancy,
)
from teampool.teams import health, look_again


def moments() -> list[Moments]:
    """A Team whose snapshot time is forgotten takes no one until its next sync, which is due at once."""
    return [
        Moments(
            Team.objects.all(),
            waits={
                "cooldown_until": health.LONGEST_COOLDOWN,
                "renewal_due_at": keep_alive.LONGEST_WAIT,
                "look_again_at": look_again.LONGEST_WAIT,
            },
            facts=[
                "opened_at",
                "created_at",
                "restricted_at",
                "upstream_full_at",
                "look_failures_since",
                "last_invite_at",
                "cap_set_at",
                "seats_read_at",
                "seats_refused_at",
                "seats_refused_again_at",
                "features_read_at",
                "seats_warned_for",
            ],
            forgotten=["snapshot_started_at", "sync_tried_at", "entrance_read_at"],
        ),
        Moments(Vacancy.objects.waiting(), facts=["gone_by"]),
        Moments(
            Owner.objects.all(),
            leases={"refresh_lease_until": renew.lease()},
            facts=["refresh_sent_at", "login_ended_at", "doubted_at"],
        ),
        Moments(TeamLogin.objects.all(), facts=["problem_since", "tried_at"]),
        Moments(
            RefusedToken.objects.all(),
            waits={"retry_at": refused.PAUSES[-1]},
            facts=["refused_at", "forced_at", "created_at"],
        ),
        Moments(SentToken.objects.all(), leases={"lease_until": token_chain.lease()}, facts=["sent_at"]),
        Moments(SignIn.objects.all(), facts=["created_at", "used_at"]),
        Moments(ImportJob.objects.all(), leases={"lease_until": worker.LEASE}, facts=["created_at"]),
        Moments(JobLease.objects.all(), leases={"until": leases.LONGEST}),
        Moments(SyncRun.objects.all(), facts=["started_at"]),
        Moments(StockAlert.objects.all(), facts=["told_at", "above_since", "rung_at"]),
    ]

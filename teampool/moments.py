"""The moments of this room that a clock which ran ahead may have left too late."""

from __future__ import annotations

from base.clock_repair import Moments
from teampool import credentials, health, import_work, keepalive, leases, spending
from teampool.models import ImportJob, JobLease, Owner, SentToken, StockAlert, SyncRun, Team


def moments() -> list[Moments]:
    """Without its last snapshot a Team takes no one before the next look, which is due at once."""
    return [
        Moments(
            Team.objects.all(),
            waits={"cooldown_until": health.LONGEST_COOLDOWN, "renewal_due_at": keepalive.LONGEST_WAIT},
            facts=[
                "opened_at",
                "created_at",
                "restricted_at",
                "upstream_full_at",
                "look_failures_since",
                "last_invite_at",
            ],
            forgotten=["snapshot_started_at", "sync_tried_at"],
        ),
        Moments(Owner.objects.all(), leases={"refresh_lease_until": credentials.lease()}, facts=["refresh_sent_at"]),
        Moments(SentToken.objects.all(), leases={"lease_until": spending.lease()}, facts=["sent_at"]),
        Moments(ImportJob.objects.all(), leases={"lease_until": import_work.LEASE}, facts=["created_at"]),
        Moments(JobLease.objects.all(), leases={"until": leases.LONGEST}),
        Moments(SyncRun.objects.all(), facts=["started_at"]),
        Moments(StockAlert.objects.all(), facts=["told_at", "above_since", "rung_at"]),
    ]

"""Opens the departure of one finding's person: written before upstream is told."""

from __future__ import annotations

from datetime import datetime

from guardian.mode import ACTOR
from guardian.models import Finding
from guardian.rules.states import Kind
from guardian.sweeping import findings
from invites.departures.opening import UNTIL, open_automatic
from invites.models import Departure
from invites.states import DepartureReason

REASONS = {
    Kind.STRANGER: DepartureReason.STRANGER,
    Kind.DUPLICATE: DepartureReason.DUPLICATE,
    Kind.OVERDUE: DepartureReason.OVERDUE,
}


def remove(finding: Finding, *, sweep_id: int | None, now: datetime, until: datetime | None = None) -> Departure | None:
    """Open the removal of this finding's person, after a last check of our rows.

    Unless an operator decided it, the removal is dropped after `until`. None: the person has a right to stay after all,
    or an operator decided otherwise meanwhile.
    """
    if not findings.mark_removing(finding_id=finding.pk, sweep_id=sweep_id):
        return None
    departure = open_automatic(
        team_id=finding.team_id,
        email=finding.email,
        upstream_user_id="" if finding.is_invite else finding.upstream_id,
        reason=REASONS[Kind(finding.kind)],
        grant_id=finding.grant_id,
        evidence=finding.evidence
        | {
            "sweep": sweep_id,
            "first_seen_at": finding.first_seen_at.isoformat(),
            "sightings": finding.sightings,
            "approved_by": finding.decided_by,
        }
        | ({UNTIL: until.isoformat()} if until is not None and not finding.decided_by else {}),
        now=now,
        actor=ACTOR,
    )
    if departure is None:
        findings.mark_gone(finding_id=finding.pk, now=now)
    else:
        findings.note_departure(finding_id=finding.pk, departure=departure)
    return departure

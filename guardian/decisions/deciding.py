"""An operator's decisions about findings that take effect at once, without a sweep."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from base.actors import Actor
from guardian.models import Finding
from guardian.rules.states import OF_A_PERSON, ONLY_REPORTED, STANDING, UNDECIDED, State
from guardian.sweeping import findings, removal
from invites import bells
from invites.actions import outsiders
from invites.actions.seat import Refused
from invites.settings import REMOVALS_PAUSED

# Approved findings too: an interrupted removal leaves its finding approved.
CAN_BE_REMOVED = (*UNDECIDED, State.DISMISSED, State.APPROVED)
# Also a person who is leaving or has left: it must not happen to them again.
CAN_BE_ALLOWED = (*STANDING, State.REMOVED)


def remove(*, finding_id: int, actor: Actor) -> None:
    """Approve the removal and open it at once, in any mode, also with the guardian off.

    Raises Refused: "paused" while removals are; "changed" when the finding was decided or closed meanwhile, or has
    nobody to remove; "stays" when our rows now show a right to be there.
    """
    if REMOVALS_PAUSED.get():
        raise Refused("paused")
    finding = Finding.objects.filter(pk=finding_id, state__in=CAN_BE_REMOVED).exclude(kind__in=ONLY_REPORTED).first()
    if finding is None:
        raise Refused
    if finding.state != State.APPROVED:
        findings.approve(finding_id=finding_id, actor=actor)
        finding.refresh_from_db()
    departure = removal.remove(finding, sweep_id=None, now=timezone.now())
    if departure is None:
        raise Refused("stays")
    with transaction.atomic():
        bells.carry_out(departure.pk)


def allow(*, finding_id: int, actor: Actor) -> Finding:
    """Allow this person in this Team from now on, also when they are leaving or have left.

    If ChatGPT was not told yet, `carry_out` sees the permission and drops the removal. Raises Refused.
    """
    finding = Finding.objects.select_related("team").filter(pk=finding_id, state__in=CAN_BE_ALLOWED).first()
    if finding is None or finding.kind not in OF_A_PERSON:
        raise Refused
    if finding.state in (State.REMOVING, State.REMOVED, State.APPROVED):
        user_id = "" if finding.is_invite else finding.upstream_id
        outsiders.allow(team=finding.team, email=finding.email, upstream_user_id=user_id, actor=actor)
    else:
        findings.allow(finding_id=finding_id, actor=actor)
    return finding

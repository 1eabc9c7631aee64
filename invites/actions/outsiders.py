"""People in a Team who hold no seat: an operator allows them, or has them removed."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from base.actors import Actor
from invites import bells, locking, matching
from invites.actions.seat import Refused
from invites.departures.opening import open_for_outsider
from invites.models import Departure, SeatGrant
from notifications.audit import events
from teampool.models import AllowedMember, Member, Owner, Team
from teampool.pool.rows import is_standard
from teampool.upstream.types import MANAGER_ROLES


def allow(*, team: Team | None, email: str, upstream_user_id: str = "", note: str = "", actor: Actor) -> AllowedMember:
    """Let a person stay in this Team (None: in every Team) without a seat of ours. Safe to repeat.

    A person of the baseline becomes explicitly allowed: a removal by hand overrides the baseline, not a permission.
    """
    word = {"origin": AllowedMember.Origin.OPERATOR, "note": note[:200], "added_by": actor.name[:150]}
    with transaction.atomic(durable=True):
        person, is_new = AllowedMember.objects.get_or_create(
            team=team,
            email=email,
            upstream_user_id=upstream_user_id,
            defaults=word,
        )
        baseline = AllowedMember.objects.filter(pk=person.pk, origin=AllowedMember.Origin.BASELINE)
        if is_new or baseline.update(**word):
            events.person_allowed(subject=person.subject, team=str(team) if team else "", actor=actor)
    return person


def disallow(*, allowed_id: int, actor: Actor) -> None:
    """End a permission; without another right to be there, the person becomes a stranger."""
    with transaction.atomic(durable=True):
        person = AllowedMember.objects.select_related("team").get(pk=allowed_id)
        events.person_disallowed(subject=person.subject, team=str(person.team) if person.team else "", actor=actor)
        person.delete()


def remove(*, member_id: int, actor: Actor) -> Departure:
    """Open the removal of a member or pending invite without a seat of ours.

    Raises Refused: "manager" for owners, admins and the user of any log-in of ours; "other_seat" for somebody in a
    Premium, Codex or automation seat; "seated" for a person whose seat must be taken back instead; "gone" when the last
    snapshot no longer shows them.
    """
    row = Member.objects.filter(pk=member_id).first()
    if row is None:
        raise Refused("gone")
    is_login = Owner.objects.filter(matching.any_of([row.upstream_id], [row.email])).exists()
    if row.role in MANAGER_ROLES or is_login:
        raise Refused("manager")
    if not is_standard(row.seat_type):
        raise Refused("other_seat")
    with transaction.atomic(durable=True):
        locking.lock_team(row.team_id)
        is_it = matching.any_of([row.upstream_id], [row.email])
        if SeatGrant.objects.live().filter(is_it, team_id=row.team_id).exists():
            raise Refused("seated")
        departure = open_for_outsider(row=row, now=timezone.now(), actor=actor)
        bells.carry_out(departure.pk)
    return departure

"""An operator adds people to a Team without a code; each address gets a result."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.utils import timezone

from base.actors import Actor
from invites import locking
from invites.codes import codes
from invites.models import Redemption
from invites.redeeming import presence
from invites.redeeming.emails import read_email
from invites.redeeming.errors import EmailInvalid
from invites.seats import seating
from invites.states import RedemptionState
from notifications.audit import events
from teampool.models import Team
from teampool.pool import seats

MOST_ADDRESSES = 50
_BETWEEN = re.compile(r"[,;，；、\r\n]+")
_QUOTED_NAME = re.compile(r'"[^"\n]*"(?=\s*<)')  # a quoted name may hold a comma
_AFTER_A_NAME = re.compile(r"<([^<>\s]+@[^<>\s]+)>$")


class Added(StrEnum):
    INVITING = "inviting"
    ALREADY = "already"
    INVALID = "invalid"
    NO_SEAT = "no_seat"
    OTHER_SEAT = "other_seat"
    TOO_MANY = "too_many"
    TWICE = "twice"


@dataclass(frozen=True, slots=True)
class Result:
    """The result for one address; `redemption` has the page to link to, if any."""

    email: str
    outcome: Added
    redemption: Redemption | None = None


def add_people(*, team: Team, text: str, actor: Actor) -> list[Result]:
    """Give each address, at most 50, a seat in this Team."""
    results: list[Result] = []
    seen: set[str] = set()
    for number, typed in enumerate(addresses(text)):
        try:
            email = read_email(typed)
        except EmailInvalid:
            results.append(Result(typed[:254], Added.INVALID))
            continue
        if email in seen:
            results.append(Result(email, Added.TWICE))
        elif number >= MOST_ADDRESSES:
            results.append(Result(email, Added.TOO_MANY))
        else:
            results.append(_add(team, email, actor))
        seen.add(email)
    return results


def addresses(text: str) -> list[str]:
    """Addresses, one a line or as in a mail's To: `Ana <ana@example.com>, ben@example.com`.

    Words that are no address stay together, so that the result shows them as typed.
    """
    found: list[str] = []
    for part in filter(None, map(str.strip, _BETWEEN.split(_QUOTED_NAME.sub("", text)))):
        named = _AFTER_A_NAME.search(part)
        words = [named[1]] if named else part.split()
        found += words if all("@" in word for word in words) else [part]
    return found


def _add(team: Team, email: str, actor: Actor) -> Result:
    now = timezone.now()
    try:
        with transaction.atomic(durable=True):
            locking.lock_team(team.pk)
            there = presence.of(email, now=now)
            if there.is_by_right or there.overdue is not None or there.is_leaving:
                return Result(email, Added.ALREADY, there.seat)
            if there.is_in_other_seat:
                return Result(email, Added.OTHER_SEAT)
            redemption = Redemption.objects.create(
                public_id=codes.draw_reference(),
                email=email,
                bound_team=team,
                state=RedemptionState.OPEN,
                created_at=now,
            )
            events.redemption_moved(subject=redemption.subject, state="opened", actor=actor, details={"team": team.pk})
            if there.is_stranger and there.team_id == team.pk and seats.hold_for_outsider(team_id=team.pk, email=email):
                seating.open_grant(redemption, team_id=team.pk, now=now, actor=actor, ask_first=True)
            elif seating.take_seat(redemption, now=now, actor=actor) is None:
                raise _Full
    except _Full:
        return Result(email, Added.NO_SEAT)
    except IntegrityError:
        return Result(email, Added.ALREADY)  # the person redeemed a code at this moment
    return Result(email, Added.INVITING, redemption)


class _Full(Exception):
    """Rolls back: no claim without a seat."""

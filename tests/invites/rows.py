"""Redemptions and seats as the worker would have left them."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from invites.codes import codes
from invites.models import RedeemCode, Redemption, SeatGrant
from invites.states import GrantState, RedemptionState, Refusal
from teampool.models import Member, Team
from tests.cast import ANA, a_code, a_team

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def a_redemption(email: str = ANA, *, code: RedeemCode | None = None, **fields: Any) -> Redemption:
    """An open redemption, without a seat yet."""
    fields.setdefault("public_id", codes.draw_reference())
    return Redemption.objects.create(email=email, code=code or a_code(uses_held=1), **fields)


def a_grant(redemption: Redemption, state: GrantState, *, at: datetime | None = None, **fields: Any) -> SeatGrant:
    """The seat of `redemption`, in `state` since `at` and sent once by us."""
    at = at or timezone.now()
    team: Team = fields.pop("team", None) or a_team(held=1)
    reached = {
        GrantState.INVITED: ["invited_at"],
        GrantState.VERIFIED: ["invited_at", "verified_at"],
        GrantState.JOINED: ["invited_at", "verified_at", "joined_at"],
        GrantState.CANCELLED: ["ended_at"],
        GrantState.ENDED: ["invited_at", "verified_at", "ended_at"],
    }
    values: dict[str, Any] = dict.fromkeys(reached.get(state, []), at)
    if state not in (GrantState.RESERVED, GrantState.INVITING):
        values |= {"sends": 1, "sent_at": at}
    values |= {"created_at": redemption.created_at, "try_number": redemption.try_number}
    return SeatGrant.objects.create(
        redemption=redemption, team=team, email=redemption.email, state=state, **(values | fields)
    )


def a_seated(state: GrantState, *, at: datetime | None = None, email: str = ANA, **fields: Any) -> Redemption:
    """A redemption whose seat is in `state` since `at`."""
    at = at or timezone.now()
    redemption = a_redemption(email, created_at=at, **fields)
    a_grant(redemption, state, at=at)
    return redemption


def a_refused(refusal: Refusal, **fields: Any) -> Redemption:
    return a_redemption(state=RedemptionState.REFUSED, refusal=refusal, settled_at=timezone.now(), **fields)


def an_ended(*, at: datetime, ends_at: datetime | None = None, email: str = ANA) -> Redemption:
    """A redemption whose seat was taken back at `at`."""
    redemption = a_redemption(email, state=RedemptionState.ENDED, created_at=at - HOUR, settled_at=at, ends_at=ends_at)
    a_grant(redemption, GrantState.ENDED, at=at - HOUR, ended_at=at)
    return redemption


def an_already(seated_by: Redemption | None, email: str = ANA, **fields: Any) -> Redemption:
    """Answered with the seat the e-mail had before; the code was not used."""
    return a_redemption(email, code=a_code(), state=RedemptionState.ALREADY, seated_by=seated_by, **fields)


def a_member(team: Team, email: str, kind: str = Member.Kind.MEMBER, **fields: Any) -> Member:
    return Member.objects.create(team=team, kind=kind, email=email, upstream_id=secrets.token_hex(8), **fields)

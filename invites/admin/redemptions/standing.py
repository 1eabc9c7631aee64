"""The state of a redemption as an operator reads it: word, tone, icon, and the filter for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from invites.models import Departure, Redemption, SeatGrant
from invites.seats import timing
from invites.states import HOLDS_SEAT, UNCONFIRMED, DepartureState, GrantState, RedemptionState, Refusal
from teampool.models import Team


@dataclass(frozen=True, slots=True)
class Standing:
    key: str
    word: str | Promise
    tone: str
    icon: str


PENDING = Standing("pending", _("in progress"), "info", "hourglass_top")
INVITED = Standing("invited", _("sent, not listed yet"), "warning", "outgoing_mail")
VERIFIED = Standing("verified", _("waiting to be accepted"), "info", "mark_email_unread")
JOINED = Standing("joined", _("joined"), "success", "check_circle")
REFUSED = Standing("refused", _("refused"), "danger", "cancel")
# An operator withdrew it, or nobody accepted it in time: nothing went wrong.
REVOKED = Standing("revoked", pgettext_lazy("invitation", "revoked"), "default", "undo")
ENDED = Standing("ended", _("ended"), "default", "logout")
ALREADY = Standing("already", _("already seated"), "default", "event_seat")
ALL = (PENDING, INVITED, VERIFIED, JOINED, REFUSED, REVOKED, ENDED, ALREADY)

_OF_GRANT = {GrantState.INVITED: INVITED, GrantState.VERIFIED: VERIFIED, GrantState.JOINED: JOINED}
_SETTLED = {RedemptionState.REFUSED: REFUSED, RedemptionState.ENDED: ENDED, RedemptionState.ALREADY: ALREADY}


def with_grants(redemptions: QuerySet[Redemption]) -> QuerySet[Redemption]:
    """Add to each redemption its grants, newest first, as the list `tries`; also to the redemption of `seated_by`.

    `leaving`: the reason of the open departure from its seat, or None.
    """
    team = ("id", "name", "account_id", "archived_at", "workspace_state")
    teams = Team.objects.only(*team)
    tries = Prefetch(
        "grants", SeatGrant.objects.order_by("-id").prefetch_related(Prefetch("team", teams)), to_attr="tries"
    )
    seats = Redemption.objects.prefetch_related(tries)
    way_out = Departure.objects.filter(
        grant__redemption=OuterRef("pk"), grant__state__in=HOLDS_SEAT, state=DepartureState.OPEN
    )
    leaving = Subquery(way_out.values("reason")[:1])
    named = redemptions.annotate(leaving=leaving).select_related("code")
    return named.prefetch_related(tries, Prefetch("seated_by", seats))


def live_grant(redemption: Redemption) -> SeatGrant | None:
    """The grant that holds its seat now; `redemption` comes from `with_grants`."""
    tries: list[SeatGrant] = redemption.tries  # type: ignore[attr-defined]
    return tries[0] if tries and tries[0].state in HOLDS_SEAT else None


def standing_of(redemption: Redemption) -> Standing:
    if redemption.refusal == Refusal.WITHDRAWN:
        return REVOKED
    settled = _SETTLED.get(RedemptionState(redemption.state))
    if settled is not None:
        return settled
    grant = live_grant(redemption)
    return PENDING if grant is None else _OF_GRANT.get(GrantState(grant.state), PENDING)


def standing_in(key: str) -> Q:
    """The redemptions whose `standing_of` has this key."""
    if key == REVOKED.key:
        return Q(state=RedemptionState.REFUSED, refusal=Refusal.WITHDRAWN)
    for state, standing in _SETTLED.items():
        if standing.key == key:
            return Q(state=state) & ~Q(refusal=Refusal.WITHDRAWN)
    for of_grant, standing in _OF_GRANT.items():
        if standing.key == key:
            return Q(Exists(_live(state=of_grant)), state=RedemptionState.OPEN)
    return Q(~Exists(_live(state__in=list(_OF_GRANT))), state=RedemptionState.OPEN)


def waiting() -> Q:
    """Redemptions with a held seat that the person has not joined."""
    return Q(Exists(_live(state__in=[state for state in HOLDS_SEAT if state != GrantState.JOINED])))


def unseen(now: datetime) -> Q:
    """Redemptions with a seat that no list has confirmed for ten minutes."""
    late = now - timing.UNRESOLVED_AFTER
    return Q(Exists(_live(state__in=UNCONFIRMED, created_at__lte=late)), state=RedemptionState.OPEN)


def without_seat(now: datetime) -> Q:
    """Open for ten minutes without a seat: none is free, or a departure must be done first."""
    late = now - timing.UNRESOLVED_AFTER
    held_lately = Exists(_live(Q(state__in=HOLDS_SEAT) | Q(ended_at__gt=late)))
    return Q(~held_lately, state=RedemptionState.OPEN, created_at__lte=late)


def _live(*also: Q, **where: object) -> QuerySet[SeatGrant]:
    return SeatGrant.objects.filter(*also, redemption=OuterRef("pk"), **where)

"""Bring one claimed person in: ask ChatGPT, decide, write down the result (design §4).

> Unknown is not failure: only a certain "no" gives a seat back.

No network call inside a transaction.
"""

from __future__ import annotations

import logging

from django.utils import timezone

from base.actors import Actor
from invites import matching
from invites.delivery import settle
from invites.delivery.deciding import Step, Unreadable, may_send_at_once, next_step
from invites.delivery.look import Look, look_for
from invites.models import SeatGrant
from invites.states import GrantState, Refusal
from teampool.access import Access
from teampool.models import Member, Owner, Team
from teampool.stored_snapshot import known_upstream_ids
from teampool.upstream.client import Upstream
from teampool.upstream.errors import UpstreamError
from teampool.upstream.types import Answer, Failure, Verdict

log = logging.getLogger(__name__)
ACTOR = Actor("job", "deliver")


class _NotOurs(Exception):
    """While the log-in was renewed another worker took the grant over, or a Departure of the seat was opened."""


def work(grant: SeatGrant) -> None:
    """Do the next step of a claimed grant. After an error it is due again."""
    try:
        with Access(grant.team, actor=ACTOR) as access:
            if grant.state == GrantState.INVITING:
                _bring_in(grant, access)
            else:
                _watch(grant, access)
    except UpstreamError as error:
        _go_without_a_look(grant, error)
    except Exception:
        log.exception("deliver: grant %s", grant.pk)
        settle.again_later(grant, now=timezone.now())


def _bring_in(grant: SeatGrant, access: Access) -> None:
    """INVITING: if anything was sent before, look at the lists first."""
    if may_send_at_once(grant, now=timezone.now()):
        _invite(grant, access)
    else:
        _act_on(_look(grant, access, known_ids=_known_ids(grant)), grant, access)


def _watch(grant: SeatGrant, access: Access) -> None:
    """INVITED or VERIFIED: look for the person. First send the mail again, if it was asked for or is late."""
    if grant.redemption.resend_wanted_at is not None or may_send_at_once(grant, now=timezone.now()):
        _resend(grant, access)
    _act_on(_look(grant, access), grant, access)


def _act_on(seen: Look, grant: SeatGrant, access: Access) -> None:
    now = timezone.now()
    match next_step(grant, seen, now=now):
        case Step.SETTLED:
            settle.found(grant, seen, now=now, actor=ACTOR)
        case Step.SEND:
            _invite(grant, access)
        case Step.REVOKE:
            _revoke(grant, access)
        case Step.LEAVE:
            settle.left(grant, reason=grant.leave_as, now=now, actor=ACTOR)
        case Step.REFUSE:
            _leave_them_there(grant, seen, access)
        case Step.WAIT:
            settle.look_again(grant, now=now)


def _go_without_a_look(grant: SeatGrant, error: UpstreamError) -> None:
    now = timezone.now()
    seen = Unreadable(is_team_lost=Team.objects.get(pk=grant.team_id).is_lost)
    match next_step(grant, seen, now=now):
        case Step.LEAVE:
            settle.given_up(grant, now=now, actor=ACTOR)
        case Step.SETTLED:
            settle.stranded(grant, now=now)
        case _:
            settle.unread(grant, error, now=now)


def _look(grant: SeatGrant, access: Access, *, known_ids: frozenset[str] = frozenset()) -> Look:
    return access.ask(
        lambda upstream: look_for(upstream, email=grant.email, user_id=grant.upstream_user_id, known_ids=known_ids),
        is_look=True,
    )


def _known_ids(grant: SeatGrant) -> frozenset[str]:
    """The people we know behind hidden e-mails: the owner, the baseline and allowed, and people seated here."""
    seated = SeatGrant.objects.live().filter(team_id=grant.team_id).exclude(upstream_user_id="")
    ids = {grant.team.owner.upstream_user_id, *seated.values_list("upstream_user_id", flat=True)}
    return frozenset(known_upstream_ids(grant.team) | ids)


def _invite(grant: SeatGrant, access: Access) -> None:
    now = timezone.now()
    is_login = Owner.objects.filter(matching.any_of([grant.upstream_user_id], [grant.email]))
    if not grant.sends and is_login.exists():
        # The user of a log-in of ours may be an owner of any Team: answered as if ChatGPT refused the address.
        settle.left(grant, reason=Failure.EMAIL_REJECTED.value, now=now, actor=ACTOR)
        return
    if not grant.sends and settle.lacks_place(grant, now=now, actor=ACTOR):
        return  # an invitation too many may buy a seat
    answer = _post(grant, access)
    if answer is None:
        settle.look_again(grant, now=timezone.now())  # a Departure is open, or another worker has the grant
    elif settle.sent(grant, answer, now=timezone.now(), actor=ACTOR):
        _watch(grant, access)


def _resend(grant: SeatGrant, access: Access) -> None:
    answer = _post(grant, access)
    if answer is not None:
        settle.resent(grant, was_sent=answer.verdict is Verdict.SENT, now=timezone.now(), actor=ACTOR)


def _post(grant: SeatGrant, access: Access) -> Answer | None:
    """POST the invite, after committing that it is about to be sent. None: it must not be sent any more."""
    if not settle.about_to_send(grant, now=timezone.now()):
        return None
    ours, flow = str(grant.submission_id), grant.redemption.public_id
    is_again = False

    def post(upstream: Upstream) -> Answer:
        nonlocal is_again
        if is_again and not settle.may_send_again(grant, now=timezone.now()):
            raise _NotOurs
        is_again = True
        return upstream.invite(grant.email, submission_id=ours, flow_id=flow)

    try:
        return access.ask(post)
    except _NotOurs:
        return None


def _leave_them_there(grant: SeatGrant, seen: Look, access: Access) -> None:
    """They are in by a seat of another kind. An invitation of ours that may wait beside it is revoked first."""
    if grant.sends and seen.found is Member.Kind.MEMBER:
        if not settle.renew_lease(grant, now=timezone.now()):
            return
        answer = access.ask(lambda upstream: upstream.revoke(grant.email))
        if answer.verdict is not Verdict.SENT and answer.failure is not Failure.NOT_FOUND_ITEM:
            settle.look_again(grant, now=timezone.now())
            return
    settle.left(grant, reason=Refusal.OTHER_SEAT, now=timezone.now(), actor=ACTOR)


def _revoke(grant: SeatGrant, access: Access) -> None:
    if settle.renew_lease(grant, now=timezone.now()):
        answer = access.ask(lambda upstream: upstream.revoke(grant.email))
        settle.revoked(grant, answer, now=timezone.now())

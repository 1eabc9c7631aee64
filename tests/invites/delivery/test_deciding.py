"""Unknown is not failure, as a table: what is known of the seat, what the lists showed, what follows (design §4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from invites.delivery.deciding import Step, Unreadable, may_send_at_once, next_step
from invites.delivery.look import Look
from invites.models import SeatGrant
from invites.states import SAID_MEMBER
from teampool.models import Member

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SETTLED, SEND, REVOKE, LEAVE, REFUSE, WAIT = Step
PENDING, MEMBER = Member.Kind.INVITE, Member.Kind.MEMBER


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def a_grant(state: str, **known: Any) -> SeatGrant:
    return SeatGrant(state=state, **({"created_at": ago(minutes=5)} | known))


def absent(**begun_ago: float) -> Look:
    return Look(ago(**begun_ago), is_complete=True)


def seen(kind: Member.Kind, **begun_ago: float) -> Look:
    return Look(ago(**begun_ago), is_complete=True, found=kind)


def elsewhere(kind: Member.Kind, since: datetime | None = None) -> Look:
    """In a seat of another kind, since then."""
    return Look(NOW, is_complete=True, found=kind, is_standard=False, since=since)


def sent(n: int, **span: float) -> dict[str, Any]:
    return {"sends": n, "sent_at": ago(**span)}


def revoked(**span: float) -> dict[str, Any]:
    """Sent three times, never listed, and the revoke was answered 2xx or 404 this long ago."""
    return sent(3, hours=2) | {"leave_as": "never_listed", "leaving_since": ago(**span)}


HALF_A_LIST = Look(NOW, is_complete=False)
UNREADABLE, SUSPENDED = Unreadable(is_team_lost=False), Unreadable(is_team_lost=True)
REFUSED_SINCE = sent(1, hours=1) | {"leave_as": "seats_full"}

TABLE: list[tuple[str, str, dict[str, Any], Look | Unreadable, Step]] = [
    # What a list shows counts, wherever the seat stands: any live state may jump forward.
    ("an unknown seen pending", "inviting", sent(1, seconds=5), seen(PENDING), SETTLED),
    ("an unknown seen as member", "inviting", sent(1, seconds=5), seen(MEMBER), SETTLED),
    ("seen in half a list", "inviting", sent(1, seconds=5), Look(NOW, False, PENDING), SETTLED),
    ("sent and seen pending", "invited", sent(1, seconds=5), seen(PENDING), SETTLED),
    ("accepted", "verified", sent(1, hours=1), seen(MEMBER), SETTLED),
    ("seen at the third unknown", "inviting", sent(3, hours=1), seen(PENDING), SETTLED),
    ("upstream said member, and lists them", "inviting", sent(1) | {"reason": SAID_MEMBER}, seen(MEMBER), SETTLED),
    # Our invitation is for a standard seat: another kind of seat is ours only when its person was switched to it.
    ("nothing sent, in another seat", "inviting", {"ask_first": True}, elsewhere(MEMBER), REFUSE),
    ("upstream said member, in another seat", "inviting", sent(1) | {"reason": SAID_MEMBER}, elsewhere(MEMBER), REFUSE),
    ("an unknown, in another seat", "inviting", sent(1, seconds=5), elsewhere(MEMBER, NOW), REFUSE),
    ("sent, invited to another seat", "invited", sent(1, seconds=5), elsewhere(PENDING), REFUSE),
    ("sent, in another seat for long", "invited", sent(1, seconds=5), elsewhere(MEMBER, ago(days=1)), REFUSE),
    ("sent, came and was switched", "invited", sent(1, seconds=5), elsewhere(MEMBER, ago(seconds=3)), SETTLED),
    ("sent, in another seat, since nobody knows", "invited", sent(1, seconds=5), elsewhere(MEMBER), SETTLED),
    ("listed, then switched", "verified", sent(1, hours=1), elsewhere(MEMBER, ago(days=1)), SETTLED),
    ("joined, then switched", "joined", sent(1, hours=1), elsewhere(MEMBER, ago(days=1)), SETTLED),
    # An answer of sent is no unknown: not listed yet is waited for, never left.
    ("sent, not listed yet", "invited", sent(1, seconds=5), absent(), WAIT),
    ("sent, not listed for a day", "invited", sent(1, hours=30), absent(), WAIT),
    ("confirmed, then missing", "verified", sent(1, hours=30), absent(), WAIT),
    # Absence: 60 s after the send, without the person in complete lists begun since.
    ("asked first, never sent, absent", "inviting", {"ask_first": True}, absent(), SEND),
    ("asked first, half a list", "inviting", {"ask_first": True}, HALF_A_LIST, WAIT),
    ("never left our machine, absent", "inviting", sent(0, seconds=5), absent(), SEND),
    ("unknown after a timeout, absent too early", "inviting", sent(1, seconds=59), absent(), WAIT),
    ("unknown, absent after 60 s", "inviting", sent(1, seconds=60), absent(), SEND),
    ("unknown, the lists begun before 60 s were over", "inviting", sent(1, seconds=90), absent(seconds=31), WAIT),
    ("unknown, half a list", "inviting", sent(1, hours=1), HALF_A_LIST, WAIT),
    # Only a resend to the same Team, 3 sends in all; then leaving begins, with a revoke.
    ("the second unknown, absent", "inviting", sent(2, seconds=60), absent(), SEND),
    ("the third unknown, too early", "inviting", sent(3, seconds=59), absent(), WAIT),
    ("a ghost: 3 sends, absent", "inviting", sent(3, seconds=60), absent(), REVOKE),
    ("3 sends, half a list", "inviting", sent(3, hours=1), HALF_A_LIST, WAIT),
    ("a certain no after an unknown, absent", "inviting", REFUSED_SINCE, absent(), REVOKE),
    ("a certain no after an unknown, half a list", "inviting", REFUSED_SINCE, HALF_A_LIST, WAIT),
    ("a certain no after an unknown that arrived", "inviting", REFUSED_SINCE, seen(PENDING), SETTLED),
    ("upstream said member, absent", "inviting", sent(1, hours=1) | {"reason": SAID_MEMBER}, absent(), WAIT),
    ("3 sends, upstream said member", "inviting", sent(3, hours=1) | {"reason": SAID_MEMBER}, absent(), WAIT),
    # Leaving needs a revoke answered 2xx or 404, then 15 minutes absent from complete lists.
    ("revoked 14 minutes ago, absent", "inviting", revoked(minutes=14), absent(), WAIT),
    ("revoked, 15 minutes absent", "inviting", revoked(minutes=15), absent(), LEAVE),
    ("revoked, the lists begun too early", "inviting", revoked(minutes=15), absent(seconds=1), WAIT),
    ("revoked an hour ago, half a list", "inviting", revoked(hours=1), HALF_A_LIST, WAIT),
    ("just revoked, still listed: lists lag", "inviting", revoked(seconds=59), seen(PENDING), WAIT),
    ("revoked, still listed after 60 s", "inviting", revoked(seconds=60), seen(PENDING), REVOKE),
    ("revoked, and in all the same", "inviting", revoked(seconds=5), seen(MEMBER), SETTLED),
    # A Team suspended, or unreadable for 24 h: only an unconfirmed seat is given up.
    ("unknown, suspended", "inviting", sent(1, seconds=5), SUSPENDED, LEAVE),
    ("invited, suspended", "invited", sent(1, seconds=5), SUSPENDED, LEAVE),
    ("confirmed, suspended: for the operator", "verified", sent(1, hours=1), SUSPENDED, SETTLED),
    ("unreadable for the first time", "inviting", sent(1, hours=1), UNREADABLE, WAIT),
    ("unreadable for 23 h", "invited", {"unreadable_since": ago(hours=23)}, UNREADABLE, WAIT),
    ("unknown, unreadable for 24 h", "inviting", {"unreadable_since": ago(hours=24)}, UNREADABLE, LEAVE),
    ("invited, unreadable for 24 h", "invited", {"unreadable_since": ago(hours=24)}, UNREADABLE, LEAVE),
    ("confirmed, unreadable for 2 days", "verified", {"unreadable_since": ago(days=2)}, UNREADABLE, WAIT),
]


@pytest.mark.parametrize(("state", "known", "saw", "step"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_it_takes_only_a_certain_no_for_a_no(
    state: str, known: dict[str, Any], saw: Look | Unreadable, step: Step
) -> None:
    assert next_step(a_grant(state, **known), saw, now=NOW) is step


UNASKED: list[tuple[str, str, dict[str, Any], bool]] = [
    ("never sent", "inviting", {}, True),
    ("never sent, but perhaps known there", "inviting", {"ask_first": True}, False),
    ("unknown: ask first", "inviting", sent(1, hours=1), False),
    ("invited, unseen for 29 minutes", "invited", {"invited_at": ago(minutes=29), **sent(1, minutes=29)}, False),
    ("invited, unseen for 30 minutes", "invited", {"invited_at": ago(minutes=30), **sent(1, minutes=30)}, True),
    ("unseen, sent again since", "invited", {"invited_at": ago(minutes=50), **sent(2, minutes=20)}, False),
    ("found upstream, never sent", "invited", {"invited_at": ago(hours=1)}, False),
    ("confirmed", "verified", {"invited_at": ago(hours=1), **sent(1, hours=1)}, False),
]


@pytest.mark.parametrize(("state", "known", "may"), [row[1:] for row in UNASKED], ids=[row[0] for row in UNASKED])
def test_it_asks_before_it_sends_where_something_was_sent(state: str, known: dict[str, Any], may: bool) -> None:
    assert may_send_at_once(a_grant(state, **known), now=NOW) is may

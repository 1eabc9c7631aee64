"""Look for one person in a Team's lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from invites.matching import Listed
from teampool.models import Member
from teampool.upstream.client import Upstream


@dataclass(frozen=True, slots=True)
class Look:
    """`found`: in which list the person is, if any. Absence counts only if `is_complete`."""

    started_at: datetime
    is_complete: bool
    found: Member.Kind | None = None
    user_id: str = ""


def look_for(upstream: Upstream, *, email: str, user_id: str = "", known_ids: frozenset[str] = frozenset()) -> Look:
    """Read the pending list, and the members if the person is not in it. Raises UpstreamError.

    A hidden e-mail in the member list may be this person, so it proves no absence, unless `known_ids` has its user.
    """
    pending = upstream.invites()
    invited = Listed(("", row.email, row) for row in pending.rows).of("", email) is not None
    if invited and not user_id:
        return Look(pending.started_at, pending.is_complete, Member.Kind.INVITE)
    members = upstream.members()
    active = Listed((row.user_id, row.email, row) for row in members.rows if row.deactivated_at is None)
    member = active.of(user_id, email)
    if member is not None:
        return Look(pending.started_at, True, Member.Kind.MEMBER, member.user_id)
    if invited:
        return Look(pending.started_at, pending.is_complete, Member.Kind.INVITE)
    hides_someone = any(row.email is None and row.user_id not in known_ids for row in members.rows)
    is_complete = pending.is_complete and members.is_complete and not hides_someone
    return Look(pending.started_at, is_complete)

"""Look for one person in a Team's lists."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from invites.matching import Listed
from teampool.models import Member
from teampool.pool.rows import is_standard, proves_invitation
from teampool.upstream.client import Upstream


@dataclass(frozen=True, slots=True)
class Look:
    """`found`: in which list the person is, if any. Absence counts only if `is_complete`.

    `since`: when they came or were invited, as far as ChatGPT says.
    """

    started_at: datetime
    is_complete: bool
    found: Member.Kind | None = None
    user_id: str = ""
    is_standard: bool = True
    since: datetime | None = None


def look_for(upstream: Upstream, *, email: str, user_id: str = "", known_ids: frozenset[str] = frozenset()) -> Look:
    """Read the pending list, and the members if the person is not in it. Raises UpstreamError.

    A hidden e-mail in the member list may be this person, so it proves no absence, unless `known_ids` has its user.
    """
    pending = upstream.invites()
    invited = Listed(("", row.email, row) for row in pending.rows if proves_invitation(row)).of("", email)
    found = Look(pending.started_at, pending.is_complete)
    if invited is not None:
        standard, since = is_standard(invited.seat_type), invited.created_at
        found = replace(found, found=Member.Kind.INVITE, is_standard=standard, since=since)
        if not user_id:
            return found
    members = upstream.members()
    active = Listed((row.user_id, row.email, row) for row in members.rows if row.deactivated_at is None)
    member = active.of(user_id, email)
    if member is not None:
        kind, standard, since = Member.Kind.MEMBER, is_standard(member.seat_type), member.created_at
        return Look(pending.started_at, True, kind, member.user_id, is_standard=standard, since=since)
    if invited is not None:
        return found
    hides_someone = any(row.email is None and row.user_id not in known_ids for row in members.rows)
    is_complete = pending.is_complete and members.is_complete and not hides_someone
    return Look(pending.started_at, is_complete)

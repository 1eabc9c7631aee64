"""Places that emptied, and the read that gives them back (design §3, upstream §7, §9). Pure.

ChatGPT may keep the seat of whoever left, and says so late. So the place waits for a read of the subscription that
began 15 minutes after. Three sentences of the rule were unsafe in their widest reading, and are read narrowly here:

* "after they were last there" is counted from the end of the first complete list without them, not from the last
  list with them. Lists are ten minutes apart: seen at 12:00, gone at 12:09, a read at 12:16 may still miss the hold.
* "a withdrawn invitation gives its place back by the lists alone" holds for an invitation that we withdrew and that
  ChatGPT said it withdrew (2xx). A pending row that just vanished may have been accepted by somebody who left again.
* "where the number was never read, the complete list alone gives the place back": a list that began 15 minutes after,
  too. Else the very first number, read a minute later, could still miss the hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from teampool.pool.rows import Kind, Occupant

SETTLED_AFTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Vacancy:
    """One place that emptied; `gone_by`: they left at this moment or before it."""

    occupant: Occupant
    gone_by: datetime


@dataclass(frozen=True, slots=True)
class Read:
    """A complete snapshot, as far as it can settle anything.

    `has_number`: the subscription was read with it and said a number. `was_ever_read`: one was, now or before.
    """

    began: datetime
    has_number: bool
    was_ever_read: bool


def is_settled(*, began: datetime, last_left: datetime | None) -> bool:
    """True for a read that began at least 15 minutes after the last person left or was removed."""
    return last_left is None or began >= last_left + SETTLED_AFTER


def emptied(
    *, before: Iterable[Occupant], after: Iterable[Occupant], withdrawn: Collection[str] = (), gone_by: datetime
) -> tuple[Vacancy, ...]:
    """The places that emptied between two complete lists, for whatever reason: removed, left, moved to another seat.

    Count people, never rows: when one leaves and another comes, as many rows are left, but a seat may be kept.
    A member is there by their id alone; an invite by its own id or by a member of its address. `withdrawn` holds the
    ids of invites whose withdrawal ChatGPT answered with 2xx. `gone_by` is the end of the second list.
    """
    there = set(after)
    ids = {(one.kind, one.upstream_id) for one in there}
    seated = {one.email for one in there if one.kind is Kind.MEMBER and one.email}
    return tuple(
        Vacancy(one, gone_by)
        for one in sorted(set(before), key=lambda one: (one.kind, one.upstream_id))
        if (one.kind, one.upstream_id) not in ids
        and not (one.kind is Kind.INVITE and (one.email in seated or one.upstream_id in withdrawn))
    )


def still_waiting(vacancies: Iterable[Vacancy], read: Read) -> tuple[Vacancy, ...]:
    """The places this read does not give back: each needs a number that was read 15 minutes after its person left.

    Where a number was once read, a read without one gives nothing back. Where none ever was, the list alone does,
    as part of what is assumed.
    """
    says = read.has_number or not read.was_ever_read
    return tuple(one for one in vacancies if not (says and is_settled(began=read.began, last_left=one.gone_by)))

"""Rows whose e-mail upstream hides: which of our people each of them may be. Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from invites.models import SeatGrant
from invites.states import SAID_MEMBER
from teampool.snapshot import Person

# Two clocks are compared.
MARGIN = timedelta(minutes=10)


def may_be(row: Person, *, asked_in_at: datetime | None) -> bool:
    """False for a row that is older than this person's invitation; True where either time is not known."""
    return asked_in_at is None or row.since is None or row.since >= asked_in_at - MARGIN


def asked_in_at(grant: SeatGrant) -> datetime | None:
    """The earliest time the person of this seat can have come into its Team.

    None when they may have been there before they got the seat, for example when ChatGPT said "already a member".
    """
    return None if grant.ask_first or grant.reason == SAID_MEMBER else grant.created_at


def count_outsiders(hidden: Collection[Person], unlisted: Collection[SeatGrant]) -> int:
    """Hidden rows that cannot belong to any of our unlisted seats: they are outsiders.

    Each unlisted seat explains at most one hidden row.
    """
    possible = [row for row in hidden if any(may_be(row, asked_in_at=asked_in_at(grant)) for grant in unlisted)]
    return len(hidden) - min(len(possible), len(unlisted))

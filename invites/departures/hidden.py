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
    """False for a row that stood there before this person was asked in; where a time is not known it may be them."""
    return asked_in_at is None or row.since is None or row.since >= asked_in_at - MARGIN


def asked_in_at(grant: SeatGrant) -> datetime | None:
    """Since when the person of this seat may be in its Team; None when they may have been before they got it."""
    return None if grant.ask_first or grant.reason == SAID_MEMBER else grant.created_at


def count_outsiders(hidden: Collection[Person], unlisted: Collection[SeatGrant]) -> int:
    """How many of these rows are none of the seats no list shows. Each seat is one row at most."""
    possible = [row for row in hidden if any(may_be(row, asked_in_at=asked_in_at(grant)) for grant in unlisted)]
    return len(hidden) - min(len(possible), len(unlisted))

"""How long things may take, wait or stay unknown (design §4). Read as `timing.NAME`, never copied.

Waits that an operator sets, as that before an unaccepted invitation is withdrawn, stand in `invites/settings.py`.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

LEASE_MARGIN = timedelta(seconds=30)
# Absence counts only in complete lists started this long after the send: lists lag.
ABSENT_AFTER = timedelta(seconds=60)
# Leaving a Team after an unknown: revoked, then absent this long.
LEAVE_AFTER = timedelta(minutes=15)
# A seat that was confirmed is over when two complete lists this far apart miss the person.
GONE_AFTER = timedelta(minutes=15)
UNREADABLE_AFTER = timedelta(hours=24)
RESEND_UNSEEN_AFTER = timedelta(minutes=30)
UNRESOLVED_AFTER = timedelta(minutes=10)
ALERT_AFTER = timedelta(hours=24)
MOST_SENDS = 3
# The mail a person asks for once more: how often, and how long after the first mail, the last one, and a failed one.
MOST_RESENDS = 3
AFTER_FIRST_MAIL = timedelta(minutes=2)
AFTER_RESEND = timedelta(minutes=10)
AFTER_FAILURE = timedelta(minutes=2)
MOST_TEAMS = 3
DRAIN = timedelta(seconds=30)
# How long one pass of the reconciler tells upstream who is to leave: with the call it ends on, less than a task has.
DEPARTURES = timedelta(seconds=45)
# Looks for an invite that is not listed yet, then for a person who has not accepted yet.
LOOKS_UNSEEN = [timedelta(seconds=n) for n in (2, 3, 5, 5, 10, 10, 15, 20, 30, 60, 120, 300)]
LOOKS_PENDING = [timedelta(seconds=n) for n in (15, 15, 30, 60, 120, 300, 600, 600, 600)]
# A membership change at the same moment is no refusal (upstream §7): again after these, then as usual.
RETRIES_BUSY = [timedelta(seconds=n) for n in (5, 10, 15)]
PAUSED_AGAIN = timedelta(minutes=1)
RETRIES = [timedelta(seconds=n) for n in (2, 5, 10, 20, 30, 60, 120, 300)]
# The longest wait of a seat (a Team's cool-down or leaving it), and of a departure (its Team is lost), and some.
LONGEST_WAIT = timedelta(minutes=20)
LONGEST_DEPARTURE_WAIT = timedelta(minutes=70)


def lease() -> timedelta:
    """How long one claim may be busy: two whole calls and some."""
    return 2 * timedelta(seconds=settings.UPSTREAM_TIMEOUT) + LEASE_MARGIN


def step(steps: list[timedelta], taken: int) -> timedelta:
    """The next wait after `taken` earlier ones; the last repeats."""
    return steps[min(taken, len(steps) - 1)]

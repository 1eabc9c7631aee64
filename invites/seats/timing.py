"""Fixed waits of a seat, and how often an invitation may be sent without anybody asking (design §4).

`invites/settings.py` has the waits an operator sets, as for an unaccepted invitation.

Read as `timing.NAME`, never copied.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

LEASE_MARGIN = timedelta(seconds=30)
# ChatGPT's clock and ours.
CLOCKS_DIFFER = timedelta(minutes=10)
# Lists lag: absence counts only in complete lists begun this long after the send.
ABSENT_AFTER = timedelta(seconds=60)
# After an unknown result, a person leaves a Team when revoked and then absent this long.
LEAVE_AFTER = timedelta(minutes=15)
# A confirmed seat ends when two complete lists this far apart miss the person.
GONE_AFTER = timedelta(minutes=15)
UNREADABLE_AFTER = timedelta(hours=24)
RESEND_UNSEEN_AFTER = timedelta(minutes=30)
UNRESOLVED_AFTER = timedelta(minutes=10)
ALERT_AFTER = timedelta(hours=24)
MOST_SENDS = 3
MOST_TEAMS = 3
DRAIN = timedelta(seconds=30)
# How long one pass of the reconciler carries out departures; with its last call still less than a task may take.
DEPARTURES = timedelta(seconds=45)
# Looks for an invite that is not listed, then for a person who has not accepted.
LOOKS_UNSEEN = [timedelta(seconds=n) for n in (2, 3, 5, 5, 10, 10, 15, 20, 30, 60, 120, 300)]
LOOKS_PENDING = [timedelta(seconds=n) for n in (15, 15, 30, 60, 120, 300, 600, 600, 600)]
# Another membership change at the same moment is no refusal (upstream §7): try again after these.
RETRIES_BUSY = [timedelta(seconds=n) for n in (5, 10, 15)]
PAUSED_AGAIN = timedelta(minutes=1)
RETRIES = [timedelta(seconds=n) for n in (2, 5, 10, 20, 30, 60, 120, 300)]
# The longest wait of a grant (cool-down, or leaving a Team) and of a departure (its Team is lost), with a margin.
LONGEST_WAIT = timedelta(minutes=20)
LONGEST_DEPARTURE_WAIT = timedelta(minutes=70)


def lease() -> timedelta:
    """The lease of a claim: two whole calls and a margin."""
    return 2 * timedelta(seconds=settings.UPSTREAM_TIMEOUT) + LEASE_MARGIN


def step(steps: list[timedelta], taken: int) -> timedelta:
    """The next wait after `taken` waits; the last repeats."""
    return steps[min(taken, len(steps) - 1)]

"""The moments of this room that a clock which ran ahead may have left too late.

The end of a temporary seat is not among them: it was shown to its person, and stays.
"""

from __future__ import annotations

from base.clock_repair import Moments
from invites.models import Departure, Redemption, SeatGrant
from invites.seats import timing
from invites.states import DepartureState, RedemptionState
from teampool.models import Team


def moments() -> list[Moments]:
    lease = timing.lease()
    return [
        Moments(Team.objects.all(), leases={"sync_lease_until": lease}),
        Moments(
            Redemption.objects.filter(state=RedemptionState.OPEN),
            facts=["created_at", "resend_wanted_at", "resent_at", "resend_failed_at", "alerted_at"],
        ),
        Moments(
            SeatGrant.objects.live(),
            leases={"lease_until": lease},
            waits={"due_at": timing.LONGEST_WAIT},
            facts=["created_at", "sent_at", "leaving_since", "invited_at", "verified_at", "joined_at"],
            forgotten=["absent_since", "unreadable_since"],
        ),
        # A re-seat asks the same Teams again some minutes after it.
        Moments(SeatGrant.objects.filter(redemption__state=RedemptionState.OPEN), facts=["ended_at"]),
        Moments(
            Departure.objects.filter(state=DepartureState.OPEN),
            leases={"lease_until": lease},
            waits={"due_at": timing.LONGEST_DEPARTURE_WAIT},
            facts=["opened_at", "told_at"],
        ),
    ]

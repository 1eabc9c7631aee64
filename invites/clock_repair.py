"""This room's times that a clock which ran ahead may have written wrongly.

Not the end of a temporary seat: its person was shown it.
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
        # After a re-seat, the same Teams are asked again some minutes after `ended_at`.
        Moments(SeatGrant.objects.filter(redemption__state=RedemptionState.OPEN), facts=["ended_at"]),
        Moments(
            Departure.objects.filter(state=DepartureState.OPEN),
            leases={"lease_until": lease},
            waits={"due_at": timing.LONGEST_DEPARTURE_WAIT},
            facts=["opened_at", "told_at"],
        ),
        Moments(Departure.objects.exclude(removed_at=None), facts=["removed_at"]),
    ]

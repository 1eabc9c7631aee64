"""The status page of a redemption as a visitor sees it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import get_language

from invites import times
from invites.models import Redemption
from invites.public import status_words
from invites.public.status import PublicState, PublicStatus, public_status
from invites.redeeming.emails import masked
from invites.seats.resend import Resend, ResendView, resend_view

# Seconds until the page reloads without JavaScript.
_REFRESH = {PublicState.PENDING: 5, PublicState.INVITED: 30, PublicState.VERIFIED: 30}


@dataclass(frozen=True, slots=True)
class StatusPage:
    """Everything the templates show, in words."""

    status: PublicStatus
    email: str
    headline: status_words.Headline
    notes: list[str]
    steps: list[status_words.Step]
    ends_at: datetime | None
    until: str
    zone: str
    resend: ResendView
    resend_lines: list[str]
    poll_seconds: int | None
    refresh_seconds: int | None

    @property
    def can_resend(self) -> bool:
        return self.resend.state is Resend.AVAILABLE

    @property
    def mark(self) -> str:
        """A hash of what the visitor can read: a poll compares it to see whether anything changed."""
        read = (
            get_language(),
            self.email,
            self.headline,
            self.notes,
            [(step.label, step.is_done, step.is_current, step.time) for step in self.steps],
            self.until,
            self.resend_lines,
            self.can_resend,
            self.poll_seconds,
        )
        return hashlib.sha256(repr(read).encode()).hexdigest()[:16]


def status_page(redemption: Redemption, *, is_submitter: bool, now: datetime) -> StatusPage:
    """`is_submitter`: this browser sent the form, so it sees the whole e-mail."""
    status = public_status(redemption)
    email = redemption.email if is_submitter else masked(redemption.email)
    no_resend = ResendView(Resend.NOT_OFFERED)
    resend = resend_view(status.redemption, status.grant, now) if status.redemption is not None else no_resend
    return StatusPage(
        status=status,
        email=email,
        headline=status_words.headline(status, email=email, now=now),
        notes=status_words.notes(status),
        steps=status_words.steps(status, now=now),
        ends_at=status.ends_at,
        until=times.public_time(status.ends_at) if status.ends_at is not None else "",
        zone=times.zone(now),
        resend=resend,
        resend_lines=status_words.resend_lines(resend, now=now),
        poll_seconds=None if status.is_final else status.poll_seconds(now, is_sending=resend.state is Resend.QUEUED),
        refresh_seconds=_REFRESH.get(status.state),
    )
